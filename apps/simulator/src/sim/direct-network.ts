// SPDX-License-Identifier: Apache-2.0
import { DownloadCut } from '@outrider/domain/device/errors';
import type { Network, NetworkError } from '@outrider/domain/device/ports';
import type { Registration } from '@outrider/domain/gateway/registration';
import type { DeviceId } from '@outrider/domain/kernel/ids';
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import type { Signer } from '@outrider/domain/trust/ports';
import type { TrustAnchors } from '@outrider/domain/trust/role';
import { encodeCheckIn, parseCheckInAnswer } from '@outrider/protocol/gateway/check-in';
import { encodePermitRequest, parsePermitAnswer } from '@outrider/protocol/gateway/permit';
import { encodeRegistration, parseRegistrationAnswer } from '@outrider/protocol/gateway/registration';
import { encodeReport, parseReportAnswer } from '@outrider/protocol/gateway/report';
import { DEVICE_HEADER, requestText, SIGNATURE_HEADER } from '@outrider/protocol/gateway/request-signature';
import { describeParseError, type ParseError } from '@outrider/protocol/kernel/parse-error';
import { parseRetryAfter } from '@outrider/protocol/kernel/retry-after';
import type { Server } from '@outrider/server/compose';

/** A device and the key it signs with. */
export interface DeviceIdentity {
  readonly deviceId: DeviceId;
  readonly signer: Signer;
}

/** The network of a device that lives in the server's own process: the very bytes of the wire, carried by a call. */
export function directNetwork(server: Pick<Server, 'handleDevice'>, identity: DeviceIdentity): Network {
  return {
    checkIn: (checkIn) =>
      ask(server, identity, { path: '/v1/check-in', body: encodeCheckIn(checkIn) }, parseCheckInAnswer),
    askPermit: (request) =>
      ask(server, identity, { path: '/v1/permit', body: encodePermitRequest(request) }, parsePermitAnswer),
    async sendReport(report) {
      const post = { path: '/v1/report', body: encodeReport(report) };
      const answer = await ask(server, identity, post, parseReportAnswer);
      return answer.ok ? ok('acknowledged') : answer;
    },
    async *fetchBlob(digest, start) {
      const path = `/blobs/${digest}`;
      const headers = { ...signed(identity, { method: 'GET', path, body: '' }), range: `bytes=${start}-` };
      const response = await server.handleDevice({ method: 'GET', path, headers, body: '' });
      if (typeof response.body === 'string') {
        const retryAfterMs = parseRetryAfter(response.headers['retry-after']);
        throw new DownloadCut(`The server answered ${response.status}`, undefined, retryAfterMs);
      }
      yield* response.body;
    },
  };
}

/** Registers a device; answers with what it pins. Throws when it is refused, which no device of a simulation is. */
export async function registerDirectly(
  server: Pick<Server, 'handleDevice'>,
  signer: Signer,
  registration: Omit<Registration, 'publicKey'>,
): Promise<TrustAnchors> {
  const identity = { deviceId: registration.deviceId, signer };
  const body = encodeRegistration({ ...registration, publicKey: signer.publicKey });
  const answer = await ask(server, identity, { path: '/v1/register', body }, parseRegistrationAnswer);
  if (!answer.ok) throw new TypeError(`A registration was refused: ${answer.error.detail}`);
  return answer.value.anchors;
}

async function ask<T>(
  server: Pick<Server, 'handleDevice'>,
  identity: DeviceIdentity,
  post: { readonly path: string; readonly body: string },
  parse: (body: string) => Result<T, ParseError>,
): Promise<Result<T, NetworkError>> {
  const request = { method: 'POST', ...post } as const;
  const headers = { 'content-type': 'application/json', ...signed(identity, request) };
  const { status, body, headers: said } = await server.handleDevice({ ...request, headers });
  const text = typeof body === 'string' ? body : '';
  if (status >= 500 || status === 429) {
    const retryAfterMs = parseRetryAfter(said['retry-after']);
    return err({ code: 'network-unreachable', detail: text, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) });
  }
  if (status >= 400) return err({ code: 'server-refused', detail: text });
  const answer = parse(text);
  return answer.ok ? answer : err({ code: 'answer-malformed', detail: describeParseError(answer.error) });
}

function signed(
  { deviceId, signer }: DeviceIdentity,
  request: Parameters<typeof requestText>[0],
): Readonly<Record<string, string>> {
  return { [DEVICE_HEADER]: deviceId, [SIGNATURE_HEADER]: signer.sign(requestText(request)).signature };
}
