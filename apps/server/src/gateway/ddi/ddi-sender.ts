// SPDX-License-Identifier: Apache-2.0
import type { DdiDevice } from '@outrider/domain/gateway/ddi/ddi-device';
import type { DdiStore } from '@outrider/domain/gateway/ddi/ports';
import type { ClientCertificate } from '@outrider/domain/gateway/device-authentication';
import type { KnownDevice } from '@outrider/domain/gateway/device-record';
import { matchQuery } from '@outrider/domain/gateway/query-match';
import type { FleetClock } from '@outrider/domain/kernel/clock';
import type { DeviceId } from '@outrider/domain/kernel/ids';
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import { durationMs } from '@outrider/domain/kernel/time';
import type { DdiReportClass } from '@outrider/domain/policy/rollout';
import type { DigestText } from '@outrider/domain/trust/ports';
import type { Schedule } from '../../ports.ts';
import { type DeviceRequest, type DeviceResponse, problemResponse } from '../device-request.ts';
import { groupCommit } from '../group-commit.ts';
import type { IdentityGate } from '../identity-gate.ts';
import { identityRefusal } from '../identity-gate.ts';
import type { KnownDevices } from '../known-devices.ts';
import type { DdiGateways } from './ddi-gateways.ts';

/** A request that was found to come from a DDI device, and how it showed that. */
export interface DdiSender {
  readonly device: KnownDevice;
  /** As it is stored now: read for this request, since another server may have spoken with the device. */
  readonly ddi: DdiDevice;
  readonly shownBy: DdiReportClass;
  readonly isJustRead: boolean;
}

export interface DdiSenders {
  identify(request: DeviceRequest, deviceId: DeviceId): Promise<Result<DdiSender, DeviceResponse>>;
}

/** Devices of one read, and those that may wait for it. */
const BATCH_DEVICES_MAX = 500;
const WAITING_MAX = 20_000;
const GATHER_MS = durationMs(2);

/** Finds who speaks: by the certificate of the connection, by the device's own token, or by that of a gateway in its scope. */
export function ddiSenders(options: {
  readonly store: DdiStore;
  readonly devices: KnownDevices;
  readonly identities: IdentityGate;
  readonly gateways: DdiGateways;
  readonly digestText: DigestText;
  readonly fleetClock: FleetClock;
  readonly schedule: Schedule;
}): DdiSenders {
  const { store, devices, identities, gateways, digestText, fleetClock, schedule } = options;
  const reads = groupCommit<DeviceId, DdiDevice | undefined>({
    itemsMax: BATCH_DEVICES_MAX,
    waitingMax: WAITING_MAX,
    gatherMs: GATHER_MS,
    schedule,
    async commit(deviceIds) {
      const found = new Map((await store.loadDevices(deviceIds)).map((one) => [one.deviceId, one]));
      return deviceIds.map((deviceId) => found.get(deviceId));
    },
  });

  async function shownBy(
    request: DeviceRequest,
    device: KnownDevice,
    ddi: DdiDevice,
  ): Promise<Result<DdiReportClass, DeviceResponse>> {
    const { deviceId } = ddi;
    const { certificate } = request;
    if (certificate !== undefined) {
      const { keyId } = certificate;
      if (certificate.deviceId !== deviceId) {
        const detail = 'The path names another device than the client certificate; a device speaks for itself only';
        return err(problemResponse({ code: 'device-mismatch', detail, fields: { deviceId } }));
      }
      const isSuperseded = keyId !== undefined && ddi.certificateKeyId !== undefined && keyId !== ddi.certificateKeyId;
      return isSuperseded ? err(identityRefusal('certificate-superseded', deviceId)) : ok('certificate');
    }
    const [, scheme, token = ''] = AUTHORIZATION.exec(String(request.headers.authorization ?? '')) ?? [];
    // Digests are compared, so that the time it takes tells nothing about the token.
    const digest = digestText(token);
    if (scheme === 'TargetToken' && ddi.tokenDigest === digest) return ok('target-token');
    if (scheme === 'GatewayToken') {
      const gateway = await gateways.find(digest);
      if (gateway === undefined) return err(unauthorised(deviceId));
      if (matchQuery(gateway.query, device.record, fleetClock.now())) return ok('gateway-token');
      const detail = 'The gateway token is valid, but not for this device; widen its scope or give it another gateway';
      return err(problemResponse({ code: 'ddi-gateway-out-of-scope', detail, fields: { deviceId } }));
    }
    return err(unauthorised(deviceId));
  }

  return {
    async identify(request, deviceId) {
      const kept = devices.peek(deviceId);
      const [device, ddi] = await Promise.all([kept ?? devices.find(deviceId), reads.add(deviceId)]);
      if (device === undefined || ddi === undefined) {
        const detail =
          'No device is registered for DDI under this controller id; add it first with `outrider device add <id> --ddi`';
        return err(problemResponse({ code: 'device-unknown', detail, fields: { deviceId } }));
      }
      const shown = await shownBy(request, device, ddi);
      if (!shown.ok) return shown;
      const admitted = await identities.admit(device, withoutKey(request.certificate));
      if (!admitted.ok) return admitted;
      const isJustRead = admitted.value !== kept;
      return ok({ device: admitted.value, ddi, shownBy: shown.value, isJustRead });
    },
  };
}

/** A DDI device has no key that is registered to sign with; `shownBy` has held its certificate against it. Revocation is of the device. */
function withoutKey(certificate: ClientCertificate | undefined): ClientCertificate | undefined {
  if (certificate === undefined) return undefined;
  const { keyId: _, ...others } = certificate;
  return others;
}

function unauthorised(deviceId: DeviceId): DeviceResponse {
  const detail =
    'The request shows no valid target token of this device, gateway token or client certificate; ' +
    'send `Authorization: TargetToken <token>`, and make a new token where it was lost';
  return problemResponse({
    code: 'ddi-token-invalid',
    detail,
    fields: { deviceId },
    headers: { 'www-authenticate': 'TargetToken' },
  });
}

/** As hawkBit's clients write it; a token is what this server made, or somebody brought along. */
const AUTHORIZATION = /^(TargetToken|GatewayToken) ([\x21-\x7e]{1,256})$/;
