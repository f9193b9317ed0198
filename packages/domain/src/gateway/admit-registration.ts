// SPDX-License-Identifier: Apache-2.0
import type { DeviceId, KeyId, Sha256 } from '../kernel/ids.ts';
import { err, ok, type Result } from '../kernel/result.ts';
import { type FleetInstant, fleetInstant } from '../kernel/time.ts';
import { admitExpected, type ExpectedDevice, type UnexpectedCode } from './device-import.ts';
import type { DeviceRecord } from './device-record.ts';
import { type RegistrationToken, type TokenRefusalCode, useToken } from './registration-token.ts';

/** By what right a device registers. */
export type Admission =
  /** A token made for it or for a few, named by its digest. */
  | { readonly kind: 'token'; readonly digest: Sha256 }
  /** Checked by the gateway already: the token of the whole fleet, or a certificate of a pinned factory. */
  | { readonly kind: 'fleet-token' }
  | { readonly kind: 'factory' };

/** A device that wants to be registered, and by what right. */
interface RegisteringDevice {
  readonly record: DeviceRecord;
  readonly admission: Admission;
}

/** What a batch of registrations is held against beside the registry itself. */
export interface AdmissionWorld {
  readonly now: FleetInstant;
  /** By what right each of the batch registers, in the order of the batch. */
  readonly admissions: readonly Admission[];
  readonly isRevoked: (keyId: KeyId) => boolean;
}

/** All by the token of the fleet, none revoked. */
export const BY_THE_FLEET: AdmissionWorld = { now: fleetInstant(0), admissions: [], isRevoked: () => false };

/** What the registry holds that bears on a batch. */
export interface RegistrationsHeld {
  readonly devices: ReadonlyMap<DeviceId, DeviceRecord>;
  readonly expected: ReadonlyMap<DeviceId, Pick<ExpectedDevice, 'attributes' | 'publicKey'>>;
  readonly tokens: ReadonlyMap<Sha256, RegistrationToken>;
  /** Which device has each of the batch's keys. */
  readonly keyHolders: ReadonlyMap<KeyId, DeviceId>;
}

/** What the registry holds that bears on one registration. */
export interface RegistrationStanding {
  /** The device of this id, if there is one. */
  readonly known?: DeviceRecord;
  readonly expected?: Pick<ExpectedDevice, 'attributes' | 'publicKey'>;
  readonly token?: RegistrationToken;
  /** Another device with this very key, if there is one. */
  readonly keyHeldBy?: DeviceId;
}

/** Why a registration was refused. */
export type RegistrationRefusalCode = UnexpectedCode | TokenRefusalCode | 'key-already-registered' | 'device-revoked';

/** What a registration does to the registry. */
export type RegistrationEffect =
  /** It was registered before with this key: an answer that was lost is given again. */
  | { readonly kind: 'known'; readonly record: DeviceRecord }
  | { readonly kind: 'new'; readonly record: DeviceRecord; readonly token?: RegistrationToken }
  /** Its former key was revoked; it goes on under its id with another one. */
  | { readonly kind: 'new-key'; readonly record: DeviceRecord; readonly token: RegistrationToken };

/** What becomes of a batch, one registration after another: each sees what those before it did. Codes as below. */
export function admitRegistrations(
  records: readonly DeviceRecord[],
  held: RegistrationsHeld,
  world: AdmissionWorld,
): readonly Result<RegistrationEffect, { readonly code: RegistrationRefusalCode }>[] {
  // Laid over what is held, which may be a whole registry.
  const devices = new Map<DeviceId, DeviceRecord>();
  const tokens = new Map<Sha256, RegistrationToken>();
  const keyHolders = new Map<KeyId, DeviceId>();
  return records.map((record, index) => {
    const { deviceId, publicKey } = record;
    const admission = world.admissions[index] ?? { kind: 'fleet-token' };
    const known = devices.get(deviceId) ?? held.devices.get(deviceId);
    const expected = held.expected.get(deviceId);
    const token = admission.kind === 'token' ? tokenOf(admission.digest) : undefined;
    const keyHeldBy = keyHolders.get(publicKey.keyId) ?? held.keyHolders.get(publicKey.keyId);
    const standing = {
      ...(known === undefined ? {} : { known }),
      ...(expected === undefined ? {} : { expected }),
      ...(token === undefined ? {} : { token }),
      ...(keyHeldBy === undefined ? {} : { keyHeldBy }),
    };
    const admitted = admitRegistration({ record, admission }, standing, world);
    if (!admitted.ok || admitted.value.kind === 'known') return admitted;
    const effect = admitted.value;
    devices.set(deviceId, effect.record);
    keyHolders.set(publicKey.keyId, deviceId);
    if (effect.token !== undefined) tokens.set(effect.token.digest, effect.token);
    return admitted;
  });

  function tokenOf(digest: Sha256): RegistrationToken | undefined {
    return tokens.get(digest) ?? held.tokens.get(digest);
  }
}

/**
 * What becomes of a registration. A device keeps its key; a new one follows only on a revoked one, with a token for this very
 * device. Repeating a registration with the same key changes nothing and takes nothing from a token. Codes: those of
 * `RegistrationRefusalCode`.
 */
export function admitRegistration(
  { record, admission }: RegisteringDevice,
  standing: RegistrationStanding,
  world: { readonly now: FleetInstant; readonly isRevoked: (keyId: KeyId) => boolean },
): Result<RegistrationEffect, { readonly code: RegistrationRefusalCode }> {
  const { known, keyHeldBy } = standing;
  const used = admission.kind === 'token' ? useToken(standing.token, record.deviceId, world.now) : ok(undefined);
  if (!used.ok && isForNobody(used.error.code)) return used;
  if (world.isRevoked(record.publicKey.keyId)) return err({ code: 'device-revoked' });
  if (known !== undefined && known.publicKey.publicKey === record.publicKey.publicKey) {
    return ok({ kind: 'known', record: known });
  }
  if (keyHeldBy !== undefined && keyHeldBy !== record.deviceId) return err({ code: 'key-already-registered' });
  if (known !== undefined) {
    const isReplacing = standing.token?.deviceId === record.deviceId && world.isRevoked(known.publicKey.keyId);
    if (!isReplacing) return err({ code: 'device-key-differs' });
    if (!used.ok) return used;
    const token = used.value;
    if (token === undefined) return err({ code: 'device-key-differs' });
    return ok({ kind: 'new-key', record: { ...known, publicKey: record.publicKey }, token });
  }
  if (!used.ok) return used;
  const admitted = standing.expected === undefined ? ok(record.attributes) : admitExpected(standing.expected, record);
  if (!admitted.ok) return admitted;
  const registered = { ...record, attributes: admitted.value };
  return ok({ kind: 'new', record: registered, ...(used.value === undefined ? {} : { token: used.value }) });
}

/** A token that is nobody's, or another's, admits nobody; one that is used up or has run out still repeats what it did. */
function isForNobody(code: TokenRefusalCode): boolean {
  return code === 'registration-token-invalid' || code === 'registration-token-for-another';
}
