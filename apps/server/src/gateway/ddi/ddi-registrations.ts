// SPDX-License-Identifier: Apache-2.0
import { createSigner } from '@outrider/adapters/shared/ed25519';
import { randomSecret } from '@outrider/adapters/shared/random';
import type { ServerStore } from '@outrider/domain/decision/server-store';
import { newContactHistory } from '@outrider/domain/gateway/contact-history';
import type { DdiDevice } from '@outrider/domain/gateway/ddi/ddi-device';
import type { MaintenanceWindow } from '@outrider/domain/gateway/ddi/maintenance-window';
import type { NewDdiDevice } from '@outrider/domain/gateway/ddi/ports';
import type { RunningSoftware } from '@outrider/domain/gateway/device-record';
import type { GivenCredentials } from '@outrider/domain/gateway/registration';
import type { FleetClock } from '@outrider/domain/kernel/clock';
import type { DeviceId, ReleaseCounter } from '@outrider/domain/kernel/ids';
import { ok, type Result } from '@outrider/domain/kernel/result';
import type { DeviceAttributes } from '@outrider/domain/policy/attributes';
import type { DigestText } from '@outrider/domain/trust/ports';
import { type CommandError, refuse } from '../../errors.ts';
import { changedBy } from '../../trust/changed-by.ts';
import type { Certificates } from '../certificates.ts';

/** A device to be added, as people know it. */
export interface DdiDeviceToAdd {
  readonly deviceId: DeviceId;
  readonly attributes: DeviceAttributes;
  readonly version: string;
  readonly releaseCounter: ReleaseCounter;
  readonly maintenanceWindow?: MaintenanceWindow;
  /** `certificate`: it shows one, or comes through a gateway, and has no token. */
  readonly shows: 'target-token' | 'certificate';
}

/** A device that was added; its token is told once and kept as a digest. */
export interface AddedDdiDevice {
  readonly deviceId: DeviceId;
  readonly targetToken?: string;
}

export interface DdiRegistrations {
  /** All of them or none. Codes: device-key-differs (registered already), device-not-as-expected. */
  add(devices: readonly DdiDeviceToAdd[], author: string): Promise<Result<readonly AddedDdiDevice[], CommandError>>;
  /** A new token; the former one is void when this returns. Code: device-not-found. */
  renewToken(deviceId: DeviceId, author: string): Promise<Result<AddedDdiDevice, CommandError>>;
  /**
   * A certificate of our CA for the key of a request. Those for another key are void when this returns, those for the same one go on.
   * Codes: device-not-found, ca-missing, csr-malformed, csr-for-another, ca-expired.
   */
  giveCertificate(order: {
    readonly deviceId: DeviceId;
    /** PKCS#10, DER in base64. */
    readonly csr: string;
    readonly author: string;
  }): Promise<Result<GivenCredentials, CommandError>>;
  show(deviceId: DeviceId): Promise<Result<DdiDevice, CommandError>>;
}

export function ddiRegistrations(options: {
  readonly store: Pick<ServerStore, 'ddi' | 'registry' | 'catalogue'>;
  readonly certificates: Pick<Certificates, 'giveToDdi'>;
  readonly digestText: DigestText;
  readonly fleetClock: FleetClock;
}): DdiRegistrations {
  const { store, certificates, digestText, fleetClock } = options;

  /** A release of this counter says which images the device runs; else they are not known. */
  async function runningOf({ attributes, version, releaseCounter }: DdiDeviceToAdd): Promise<RunningSoftware> {
    const releases = await store.catalogue.listReleases(attributes.deviceType);
    const release = releases.find(({ manifest }) => manifest.releaseCounter === releaseCounter)?.manifest;
    const components =
      release?.version === version
        ? release.components.map(({ name, image }) => ({ name, digest: image.digest, version }))
        : [];
    return { version, releaseCounter, components };
  }

  async function newDevice(device: DdiDeviceToAdd): Promise<NewDdiDevice & { readonly token?: string }> {
    const { deviceId, attributes, maintenanceWindow, shows } = device;
    const now = fleetClock.now();
    const token = shows === 'target-token' ? randomSecret() : undefined;
    const status = {
      ...{ sequence: 0, lastContactAt: now, contactHistory: newContactHistory(now), state: 'idle' as const },
      running: await runningOf(device),
    };
    // Its key is forgotten here: nobody can ever sign as this device.
    const { publicKey } = createSigner();
    return {
      record: { deviceId, publicKey, attributes, registeredAt: now, status },
      ddi: {
        deviceId,
        ...(token === undefined ? {} : { tokenDigest: digestText(token) }),
        ...(maintenanceWindow === undefined ? {} : { maintenanceWindow }),
        actions: [],
      },
      ...(token === undefined ? {} : { token }),
    };
  }

  return {
    async add(devices, author) {
      const known = await store.registry.loadDevices(devices.map((one) => one.deviceId));
      const [taken] = known;
      if (taken !== undefined) {
        const { deviceId } = taken.record;
        const detail = `The device ${deviceId} is registered already; nothing was added, leave it out or give it a new id`;
        return refuse('device-key-differs', detail, { deviceId });
      }
      const made = await Promise.all(devices.map(newDevice));
      const [first] = devices;
      const subject = `${first?.deviceId}${devices.length > 1 ? ` and ${devices.length - 1} more` : ''}`;
      const note = { ...changedBy(author), at: fleetClock.now(), action: 'ddi-devices-added', subject } as const;
      const added = await store.ddi.addDevices(made, note);
      for (const [index, one] of added.entries()) {
        if (one.ok) continue;
        const deviceId = devices[index]?.deviceId;
        const detail = `The device ${deviceId} was announced or registered otherwise; the others were added, correct this one`;
        return refuse(one.error.code, detail, { deviceId });
      }
      return ok(
        made.map(({ ddi: { deviceId }, token }) => ({
          deviceId,
          ...(token === undefined ? {} : { targetToken: token }),
        })),
      );
    },

    async renewToken(deviceId, author) {
      const token = randomSecret();
      const change = { ...changedBy(author), at: fleetClock.now(), action: 'ddi-device-changed' } as const;
      const note = { ...change, subject: deviceId, detail: 'a new target token' };
      const changed = await store.ddi.changeDevice(
        deviceId,
        (held) => ({ ...held, tokenDigest: digestText(token) }),
        note,
      );
      return changed === undefined ? notFound(deviceId) : ok({ deviceId, targetToken: token });
    },

    async giveCertificate({ deviceId, csr, author }) {
      const [known] = await store.ddi.loadDevices([deviceId]);
      if (known === undefined) return notFound(deviceId);
      const given = await certificates.giveToDdi({ deviceId, csr });
      if (!given.ok) return given;
      const { certificate, ...credentials } = given.value;
      const { serial, keyId } = certificate;
      const change = { ...changedBy(author), at: fleetClock.now(), action: 'ddi-device-changed' } as const;
      const note = { ...change, subject: deviceId, detail: `the certificate ${serial}, for the key ${keyId}` };
      await store.ddi.changeDevice(deviceId, (held) => ({ ...held, certificateKeyId: keyId }), note);
      return ok(credentials);
    },

    async show(deviceId) {
      const [found] = await store.ddi.loadDevices([deviceId]);
      return found === undefined ? notFound(deviceId) : ok(found);
    },
  };
}

function notFound(deviceId: DeviceId): Result<never, CommandError> {
  const detail = 'No device is registered for DDI under this id; add it with `outrider device add <id> --ddi`';
  return refuse('device-not-found', detail, { deviceId });
}
