// SPDX-License-Identifier: Apache-2.0
import type {
  DeviceCa,
  DeviceCredentials,
  IdentityStore,
  IssuedCertificate,
  IssueError,
} from '@outrider/domain/gateway/identity-ports';
import type { GivenCredentials } from '@outrider/domain/gateway/registration';
import type { DeviceId } from '@outrider/domain/kernel/ids';
import { ok, type Result } from '@outrider/domain/kernel/result';
import { durationMs } from '@outrider/domain/kernel/time';
import type { PublicKey } from '@outrider/domain/trust/envelope';
import { encodeGivenCredentials, parseCertificateOrder } from '@outrider/protocol/gateway/registration';
import { describeParseError } from '@outrider/protocol/kernel/parse-error';
import { type CommandError, refuse } from '../errors.ts';
import type { Schedule } from '../ports.ts';
import { type AuthenticationOptions, authenticate } from './authenticate.ts';
import type { Counters } from './counters.ts';
import { type DeviceRequest, type DeviceResponse, jsonResponse, problemResponse } from './device-request.ts';
import { groupCommit } from './group-commit.ts';

/** Gives devices their certificates: each is on record before it leaves. */
export interface Certificates {
  readonly hasCa: boolean;
  /** PEM; absent where there is no CA. */
  readonly serverRoots?: string;
  /** Codes: ca-missing, csr-malformed, csr-for-another, key-kind-unsupported, ca-expired. */
  give(request: {
    readonly csr: string;
    readonly deviceId: DeviceId;
    readonly publicKey: PublicKey;
  }): Promise<Result<GivenCredentials, CommandError>>;
  /** For a DDI device, whose key may be of any kind. Codes: ca-missing, csr-malformed, csr-for-another, ca-expired. */
  giveToDdi(request: {
    readonly csr: string;
    readonly deviceId: DeviceId;
  }): Promise<Result<GivenCredentials & { readonly certificate: IssuedCertificate }, CommandError>>;
}

/** Certificates of one statement, and devices that may wait: a fleet that renews on one day does so in batches. */
const BATCH_CERTIFICATES_MAX = 500;
const WAITING_MAX = 20_000;
const GATHER_MS = durationMs(2);

export function certificates(options: {
  /** Absent: the installation has none, and devices sign their requests. */
  readonly deviceCa?: DeviceCa;
  readonly store: IdentityStore;
  readonly schedule: Schedule;
  readonly counters: Counters;
}): Certificates {
  const { deviceCa, store, schedule, counters } = options;
  const commits = groupCommit({
    ...{ itemsMax: BATCH_CERTIFICATES_MAX, waitingMax: WAITING_MAX, gatherMs: GATHER_MS, schedule },
    async commit(batch: readonly DeviceCredentials[]) {
      await store.storeCertificates(batch.map((one) => one.certificate));
      return batch;
    },
  });
  async function give(
    deviceId: DeviceId,
    issue: (ca: DeviceCa) => Result<DeviceCredentials, IssueError>,
  ): Promise<Result<GivenCredentials & { readonly certificate: IssuedCertificate }, CommandError>> {
    if (deviceCa === undefined) {
      const detail = 'The server has no CA for devices; make one with `outrider ca init`, or sign requests instead';
      return refuse('ca-missing', detail, { deviceId });
    }
    const issued = issue(deviceCa);
    if (!issued.ok) return refuse(issued.error.code, issued.error.detail, { deviceId });
    const { chain, renewAfter, certificate } = await commits.add(issued.value);
    counters.add('certificate', 'issued');
    const { serverRoots } = deviceCa;
    return ok({ chain, serverRoots, notAfter: certificate.notAfter, renewAfter, certificate });
  }

  return {
    hasCa: deviceCa !== undefined,
    ...(deviceCa === undefined ? {} : { serverRoots: deviceCa.serverRoots }),
    async give(request) {
      const given = await give(request.deviceId, (ca) => ca.issue(request));
      if (!given.ok) return given;
      const { certificate: _, ...credentials } = given.value;
      return ok(credentials);
    },
    giveToDdi: (request) => give(request.deviceId, (ca) => ca.issueToDdi(request)),
  };
}

export const SERVER_ROOTS_PATH = '/v1/server-roots';

/**
 * Answers `GET /v1/server-roots`: public, for a device that holds a token with the digest of one of them and no root yet. It
 * believes nothing but that digest.
 */
export function answerServerRoots({ serverRoots }: Certificates): DeviceResponse {
  if (serverRoots === undefined) {
    const detail = 'The server has no CA, and so no root to pin; make one with `outrider ca init`';
    return problemResponse({ code: 'ca-missing', detail });
  }
  const headers = { 'content-type': 'application/x-pem-file', 'cache-control': 'no-store' };
  return { status: 200, headers, body: serverRoots };
}

/**
 * Answers `POST /v1/certificate`: the first certificate, the next one at half time, or one after the last has run out. Signed by
 * the registered key, whatever the connection shows, so that a device whose certificate has run out gets on by itself.
 */
export async function orderCertificate(
  request: DeviceRequest & { readonly method: 'POST' },
  options: AuthenticationOptions & { readonly certificates: Certificates },
): Promise<DeviceResponse> {
  const sender = await authenticate(request, options, 'signature');
  if (!sender.ok) return sender.error;
  const order = parseCertificateOrder(request.body);
  if (!order.ok) return problemResponse({ code: 'body-malformed', detail: describeParseError(order.error) });
  const { deviceId, publicKey } = sender.value.device.record;
  if (order.value.deviceId !== deviceId) {
    const detail = 'The body names another device than the one that signed it; a device speaks for itself only';
    return problemResponse({ code: 'device-mismatch', detail, fields: { deviceId: order.value.deviceId } });
  }
  const given = await options.certificates.give({ csr: order.value.csr, deviceId, publicKey });
  return given.ok ? jsonResponse(201, encodeGivenCredentials(given.value)) : problemResponse(given.error);
}
