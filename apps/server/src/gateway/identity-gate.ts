// SPDX-License-Identifier: Apache-2.0
import type { ClientCertificate } from '@outrider/domain/gateway/device-authentication';
import { admitIdentity, IDENTITY_REFUSALS, type IdentityRefusalCode } from '@outrider/domain/gateway/device-identity';
import type { KnownDevice } from '@outrider/domain/gateway/device-record';
import type { MachineClock } from '@outrider/domain/kernel/clock';
import type { DeviceId, KeyId } from '@outrider/domain/kernel/ids';
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import { elapsedMs, type FleetInstant, type MachineInstant, MINUTE_MS } from '@outrider/domain/kernel/time';
import { type DeviceResponse, problemResponse } from './device-request.ts';
import type { KnownDevices } from './known-devices.ts';

/** Asks of each request whether its device may still speak as itself: revocation holds on old connections too. */
export interface IdentityGate {
  /** Whether `admit` would let the device in as it is known; nothing is read for the answer. */
  isAdmitted(device: KnownDevice, certificate: ClientCertificate | undefined): boolean;
  /** The device as it is now; with its new key when it was let in again. Refused: the answer, by name. */
  admit(
    device: KnownDevice,
    certificate: ClientCertificate | undefined,
  ): Result<KnownDevice, DeviceResponse> | Promise<Result<KnownDevice, DeviceResponse>>;
}

/** Within this time a refused device is not read anew: whoever holds a revoked key costs no queries. */
const READ_AGAIN_AFTER_MS = MINUTE_MS / 4;

/** Refused devices that are remembered; beyond that the oldest is read once more. */
const REFUSED_MAX = 10_000;

export function identityGate(options: {
  readonly devices: KnownDevices;
  /** Of the newest policy, which every gateway reads twice a second. */
  readonly isRevoked: (keyId: KeyId) => boolean;
  /** The clock by which certificates run out. */
  readonly now: () => FleetInstant;
  readonly machineClock: MachineClock;
}): IdentityGate {
  const { devices, isRevoked, now, machineClock } = options;
  const readAt = new Map<DeviceId, MachineInstant>();

  function verdict(device: KnownDevice, certificate: ClientCertificate | undefined) {
    return admitIdentity(device.record.publicKey, certificate, { isRevoked, now: now() });
  }

  function isReadLately(deviceId: DeviceId): boolean {
    const last = readAt.get(deviceId);
    return last !== undefined && elapsedMs(last, machineClock.now()) < READ_AGAIN_AFTER_MS;
  }

  /** Another gateway may have given the device a new key since it was read. */
  async function readAnew(
    device: KnownDevice,
    certificate: ClientCertificate | undefined,
  ): Promise<Result<KnownDevice, DeviceResponse>> {
    const { deviceId } = device.record;
    readAt.delete(deviceId);
    readAt.set(deviceId, machineClock.now());
    const [oldest] = readAt.keys();
    if (readAt.size > REFUSED_MAX && oldest !== undefined) readAt.delete(oldest);
    devices.forget(deviceId);
    const read = (await devices.find(deviceId)) ?? device;
    const admitted = verdict(read, certificate);
    return admitted.ok ? ok(read) : err(identityRefusal(admitted.error.code, deviceId));
  }

  return {
    isAdmitted: (device, certificate) => verdict(device, certificate).ok,
    admit(device, certificate) {
      const admitted = verdict(device, certificate);
      if (admitted.ok) return ok(device);
      const { code } = admitted.error;
      const { deviceId } = device.record;
      if (code === 'certificate-expired' || isReadLately(deviceId)) return err(identityRefusal(code, deviceId));
      return readAnew(device, certificate);
    },
  };
}

/** Refused for good until somebody does something: the connection is of no use any more. */
export function identityRefusal(code: IdentityRefusalCode, deviceId?: DeviceId): DeviceResponse {
  const about = deviceId === undefined ? {} : { fields: { deviceId } };
  return problemResponse({ code, detail: IDENTITY_REFUSALS[code], ...about, headers: { connection: 'close' } });
}
