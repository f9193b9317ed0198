// SPDX-License-Identifier: Apache-2.0
import type { DeviceId, Sha256 } from '../kernel/ids.ts';
import { err, ok, type Result } from '../kernel/result.ts';
import type { FleetInstant } from '../kernel/time.ts';

/** A leave to register, for one device or for a few, which runs out. The text itself is kept by nobody: only its digest. */
export interface RegistrationToken {
  readonly digest: Sha256;
  /** Only this device may use it. Absent: any. */
  readonly deviceId?: DeviceId;
  readonly usesMax: number;
  /** Devices that have registered with it. */
  readonly uses: number;
  readonly createdAt: FleetInstant;
  readonly createdBy: string;
  /** From this instant on it is worth nothing. */
  readonly expiresAt: FleetInstant;
}

/** Why a token admits nobody; the sentences stand in `TOKEN_REFUSALS`. Codes never change. */
export type TokenRefusalCode =
  | 'registration-token-invalid'
  | 'registration-token-used'
  | 'registration-token-expired'
  | 'registration-token-for-another';

/** One sentence for each code. */
export const TOKEN_REFUSALS = {
  'registration-token-invalid': 'No registration token of this installation has this text',
  'registration-token-used': 'As many devices as the token is for have registered with it',
  'registration-token-expired': 'The registration token has run out',
  'registration-token-for-another': 'The registration token is for another device',
} as const satisfies Readonly<Record<TokenRefusalCode, string>>;

/**
 * The token after one more device has used it. Who it is for is looked at before whether it is used up: the answer to a
 * stolen token tells its thief nothing about the device it was made for. Codes: those of `TokenRefusalCode`.
 */
export function useToken(
  token: RegistrationToken | undefined,
  deviceId: DeviceId,
  now: FleetInstant,
): Result<RegistrationToken, { readonly code: TokenRefusalCode }> {
  if (token === undefined) return err({ code: 'registration-token-invalid' });
  if (token.deviceId !== undefined && token.deviceId !== deviceId)
    return err({ code: 'registration-token-for-another' });
  if (now >= token.expiresAt) return err({ code: 'registration-token-expired' });
  if (token.uses >= token.usesMax) return err({ code: 'registration-token-used' });
  return ok({ ...token, uses: token.uses + 1 });
}

/** Devices that one token may be for: a pallet of a factory. More take another token, so that a stolen one is worth less. */
export const TOKEN_USES_MAX = 100_000;
