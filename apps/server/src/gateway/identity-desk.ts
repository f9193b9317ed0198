// SPDX-License-Identifier: Apache-2.0
import { randomSecret } from '@outrider/adapters/shared/random';
import type { ServerStore } from '@outrider/domain/decision/server-store';
import type { DeviceCa, IssuedCertificate } from '@outrider/domain/gateway/identity-ports';
import type { RegistrationToken } from '@outrider/domain/gateway/registration-token';
import type { FleetClock } from '@outrider/domain/kernel/clock';
import type { DeviceId, KeyId } from '@outrider/domain/kernel/ids';
import { ok, type Result } from '@outrider/domain/kernel/result';
import { after, type FleetInstant, hours, instantText } from '@outrider/domain/kernel/time';
import type { RevokedKey } from '@outrider/domain/policy/fold';
import type { DigestText } from '@outrider/domain/trust/ports';
import { encodeTokenText } from '@outrider/protocol/gateway/token-text';
import { type CommandError, refuse } from '../errors.ts';
import type { PolicyCommands, PolicyReceipt } from '../policy/policy-commands.ts';
import type { SnapshotHolder } from '../policy/snapshot-holder.ts';
import { changedBy } from '../trust/changed-by.ts';
import { suspicionSetting } from './clones.ts';

/** What people do about who devices are. */
export interface IdentityDesk {
  /** The text is given out once, and kept by nobody. */
  createToken(request: TokenRequest): Promise<{ readonly token: string; readonly expiresAt: FleetInstant }>;
  listTokens(limit: number): Promise<readonly RegistrationToken[]>;
  /** Code: device-not-found. */
  show(deviceId: DeviceId): Promise<Result<ShownIdentity, CommandError>>;
  /** Codes: device-not-found, key-revoked-already, key-not-revoked, revision-stale. */
  changeKey(request: KeyCommand): Promise<Result<PolicyReceipt, CommandError>>;
  /** Code: device-not-found, tpm-not-enrolled. */
  forgetTpm(request: Omit<KeyCommand, 'kind'>): Promise<Result<{ readonly at: FleetInstant }, CommandError>>;
}

export interface TokenRequest {
  readonly author: string;
  readonly deviceId?: DeviceId;
  readonly usesMax: number;
  readonly hours: number;
}

export interface KeyCommand {
  readonly author: string;
  readonly kind: 'device-revoked' | 'device-reinstated';
  readonly deviceId: DeviceId;
  readonly reason: string;
}

/** Who a device is, as far as this installation knows. */
export interface ShownIdentity {
  readonly deviceId: DeviceId;
  readonly keyId: KeyId;
  readonly registeredAt: FleetInstant;
  /** The newest first. */
  readonly certificates: readonly IssuedCertificate[];
  /** Its key was seen in two places. */
  readonly isCloneSuspected: boolean;
  /** Present while its key is revoked. */
  readonly revoked?: RevokedKey;
}

/** A day is enough to carry a token to a bench; a pallet says more. */
export const TOKEN_HOURS_DEFAULT = 24;
/** A year: a factory's token is made anew with each batch. */
export const TOKEN_HOURS_MAX = 8_760;

const CERTIFICATES_SHOWN_MAX = 20;

export function identityDesk(options: {
  readonly store: ServerStore;
  readonly holder: SnapshotHolder;
  readonly policy: PolicyCommands;
  readonly fleetClock: FleetClock;
  readonly digestText: DigestText;
  readonly deviceCa: DeviceCa | undefined;
}): IdentityDesk {
  const { store, holder, policy, fleetClock, digestText, deviceCa } = options;

  async function keyOf(deviceId: DeviceId) {
    const [device] = await store.registry.loadDevices([deviceId]);
    if (device !== undefined) return ok(device.record);
    const detail = 'No device is registered under this id; GET /api/v1/devices lists them';
    return refuse('device-not-found', detail, { deviceId });
  }

  return {
    async createToken({ author, deviceId, usesMax, hours: life }) {
      const now = fleetClock.now();
      const expiresAt = after(now, hours(life));
      const token = encodeTokenText({ secret: randomSecret(), ...pinOf(deviceCa) });
      const stored: RegistrationToken = {
        digest: digestText(token),
        ...(deviceId === undefined ? {} : { deviceId }),
        ...{ usesMax, uses: 0, createdAt: now, createdBy: author, expiresAt },
      };
      const forWhom = deviceId ?? (usesMax === 1 ? 'any device' : `${usesMax} devices`);
      await store.identities.storeToken(stored, {
        ...changedBy(author),
        at: now,
        action: 'token-issued',
        subject: `token-${stored.digest.slice(0, TOKEN_NAME_DIGITS)}`,
        detail: `for ${forWhom}, until ${instantText(expiresAt)}`,
      });
      return { token, expiresAt };
    },

    listTokens: (limit) => store.identities.listTokens(limit),

    async show(deviceId) {
      const record = await keyOf(deviceId);
      if (!record.ok) return record;
      await holder.refresh();
      const { keyId } = record.value.publicKey;
      const revoked = holder.policy().revokedKeys.get(keyId);
      return ok({
        ...{ deviceId, keyId, registeredAt: record.value.registeredAt },
        isCloneSuspected: (await store.installation.loadSetting(suspicionSetting(deviceId))) === keyId,
        certificates: await store.identities.loadCertificates(deviceId, CERTIFICATES_SHOWN_MAX),
        ...(revoked === undefined ? {} : { revoked }),
      });
    },

    async forgetTpm({ author, deviceId, reason }) {
      const record = await keyOf(deviceId);
      if (!record.ok) return record;
      const at = fleetClock.now();
      const action = 'device-tpm-forgotten';
      const isDone = await store.reports.forgetTpm(deviceId, {
        ...changedBy(author),
        ...{ at, action, subject: deviceId, reason },
      });
      if (isDone) return ok({ at });
      return refuse('tpm-not-enrolled', 'No TPM of this device is enrolled; its next quote enrols one', { deviceId });
    },

    async changeKey({ author, kind, deviceId, reason }) {
      const record = await keyOf(deviceId);
      if (!record.ok) return record;
      return policy.changeKey({ author, kind, deviceId, keyId: record.value.publicKey.keyId, reason });
    },
  };
}

/** Enough of a digest to tell tokens apart in a list; nothing follows from it. */
const TOKEN_NAME_DIGITS = 16;

/** With a CA, the token names the root that the device shall find behind the server: nobody else can take its place. */
function pinOf(deviceCa: DeviceCa | undefined): { readonly serverRoot?: string } {
  return deviceCa === undefined ? {} : { serverRoot: deviceCa.serverRootDigest };
}
