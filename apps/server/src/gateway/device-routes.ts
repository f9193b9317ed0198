// SPDX-License-Identifier: Apache-2.0
import {
  retryAfterS,
  STORE_AWAY_REASONS,
  StoreAwayError,
  type StoreAwayReason,
} from '@outrider/domain/decision/store-away';
import type { CheckInAnswer, Offer } from '@outrider/domain/gateway/check-in';
import type { KnownDevice } from '@outrider/domain/gateway/device-record';
import type { BlobReader } from '@outrider/domain/gateway/ports';
import { assert } from '@outrider/domain/kernel/assert';
import type { DeviceId } from '@outrider/domain/kernel/ids';
import { err, type Result } from '@outrider/domain/kernel/result';
import type { SignatureVerifier } from '@outrider/domain/trust/ports';
import { encodeCheckInAnswer } from '@outrider/protocol/gateway/check-in';
import { encodePermitAnswer, parsePermitRequest } from '@outrider/protocol/gateway/permit';
import { encodeReportAnswer, parseReport } from '@outrider/protocol/gateway/report';
import { REQUEST_BYTES_MAX } from '@outrider/protocol/kernel/limits';
import { describeParseError, type ParseError } from '@outrider/protocol/kernel/parse-error';
import { inRequest, requestId } from '../log/request-context.ts';
import type { Health } from '../observability/health.ts';
import type { Recorder } from '../observability/recorder.ts';
import type { RequestTraces } from '../observability/request-traces.ts';
import type { Log } from '../ports.ts';
import type { Repositories } from '../trust/repositories.ts';
import { type Authenticated, authenticate, authenticateKept, type Proof } from './authenticate.ts';
import { answerBlob, BLOB_PATH } from './blobs.ts';
import { answerServerRoots, type Certificates, orderCertificate, SERVER_ROOTS_PATH } from './certificates.ts';
import { checkInReader, type ReadCheckIn } from './check-in-reader.ts';
import { type CheckIns, OFFERS_STALE } from './check-ins.ts';
import type { Clones } from './clones.ts';
import type { DdiRoutes } from './ddi/ddi-routes.ts';
import { type DeviceRequest, type DeviceResponse, jsonResponse, problemResponse } from './device-request.ts';
import type { IdentityGate } from './identity-gate.ts';
import type { KnownDevices } from './known-devices.ts';
import { type Permits, STORE_AWAY } from './permits.ts';
import type { Reports } from './reports.ts';
import { answerDocument, REPOSITORY_PATH } from './repository-files.ts';

export interface DeviceRoutes {
  /** Answers one request of a device; never rejects. */
  handle(request: DeviceRequest): Promise<DeviceResponse>;
  /** A check-in of a device in memory: nothing is read for it. Undefined: it is another request, or has to wait. */
  handleAtOnce(request: DeviceRequest): DeviceResponse | Promise<DeviceResponse> | undefined;
  /** Requests answered since the start, whatever the answer. */
  handledCount(): number;
}

export interface DeviceRouteOptions {
  readonly devices: KnownDevices;
  readonly verifier: SignatureVerifier;
  readonly checkIns: CheckIns;
  readonly permits: Permits;
  readonly reports: Reports;
  readonly identities: IdentityGate;
  readonly clones: Clones;
  readonly register: (request: PostRequest) => Promise<DeviceResponse>;
  readonly certificates: Certificates;
  readonly ddi: DdiRoutes;
  readonly blobs: BlobReader;
  readonly health: Health;
  readonly recorder: Recorder;
  readonly traces?: RequestTraces;
  /** Absent where the installation has none. */
  readonly repositories?: Repositories;
  readonly log: Log;
}

type PostRequest = DeviceRequest & { readonly method: 'POST' };
type ReadRequest = DeviceRequest & { readonly method: 'GET' | 'HEAD' };

export const CHECK_IN_PATH = '/v1/check-in';

/** The routes of devices: `/v1/*`, `/blobs/*`, `/health/*`, and those of DDI below its tenant. */
export function deviceRoutes(options: DeviceRouteOptions): DeviceRoutes {
  const { checkIns, permits, reports, recorder, traces, log } = options;
  const { counters, timings } = recorder;
  const readCheckIn = checkInReader();
  let handled = 0;

  const messages: Readonly<Record<string, (request: PostRequest) => Promise<DeviceResponse>>> = {
    '/v1/register': async (request) => {
      const response = await options.register(request);
      if (response.status === 201) counters.add('registration', 'registered');
      return response;
    },
    '/v1/certificate': (request) => orderCertificate(request, options),
    [CHECK_IN_PATH]: (request) =>
      answerMessage(request, options, {
        proof: 'device',
        parse: readCheckIn,
        answer: async ({ device }, checkIn) => {
          const answer = checkIns.answer(device, checkIn);
          return encodeCheckInAnswer(await (directed(answer, device, options) ?? answer));
        },
        whenStoreAway: () => encodeCheckInAnswer(checkIns.counted(OFFERS_STALE)),
      }),
    '/v1/permit': (request) =>
      answerMessage(request, options, {
        proof: 'device',
        parse: parsePermitRequest,
        answer: async ({ device }, permitRequest) => encodePermitAnswer(await permits.answer(device, permitRequest)),
        whenStoreAway: () => encodePermitAnswer(permits.counted(STORE_AWAY)),
      }),
    '/v1/report': (request) =>
      answerMessage(request, options, {
        proof: 'signature',
        parse: parseReport,
        answer: async ({ device, authentication: { signature } }, report) => {
          assert(signature !== undefined, 'the signature of a report, which its proof asks for');
          const answer = await reports.take({ device, signature, hasKey: true }, report, request.body);
          counters.add('report', answer.result);
          return encodeReportAnswer(answer);
        },
      }),
  };

  async function route(request: DeviceRequest): Promise<DeviceResponse> {
    const message = Object.hasOwn(messages, request.path) ? messages[request.path] : undefined;
    if (message !== undefined) {
      if (!isPost(request)) return methodNotAllowed(request, 'POST');
      return refuseBody(request) ?? (await message(request));
    }
    const ddi = options.ddi.handle(request);
    if (ddi !== undefined) return await ddi;
    // Caches and probes may add a query of their own; it names nothing here.
    const path = request.path.split('?', 1)[0] ?? '';
    if (path.startsWith(BLOB_PATH)) {
      if (!isRead(request)) return methodNotAllowed(request, 'GET, HEAD');
      return (await refuseStranger(request, options)) ?? answerBlob({ ...request, path }, options.blobs);
    }
    if (path.startsWith(REPOSITORY_PATH)) {
      if (!isRead(request)) return methodNotAllowed(request, 'GET, HEAD');
      return answerDocument({ ...request, path }, options.repositories);
    }
    if (path === SERVER_ROOTS_PATH) {
      return isRead(request) ? answerServerRoots(options.certificates) : methodNotAllowed(request, 'GET, HEAD');
    }
    if (path === '/health/live' || path === '/health/ready') {
      if (!isRead(request)) return methodNotAllowed(request, 'GET, HEAD');
      if (path === '/health/live') return jsonResponse(200, '{"status":"live"}');
      const report = await options.health.ready();
      return jsonResponse(report.status === 'ready' ? 200 : 503, JSON.stringify(report));
    }
    const detail = 'There is nothing at this path; see docs/protocol for the paths that exist';
    return problemResponse({ code: 'route-unknown', detail, fields: { path: path.slice(0, 200) } });
  }

  async function answer(request: DeviceRequest): Promise<DeviceResponse> {
    // Whoever asks how the server is, is no device.
    if (request.path.startsWith('/health/')) return route(request).catch((cause: unknown) => failed(cause, log));
    const began = recorder.now();
    const trace = traces?.begin(request);
    const response = await route(request).catch((cause: unknown) => failed(cause, log));
    const durationMs = recorder.now() - began;
    noteAnswered(response, durationMs);
    log.debug?.(
      { stage: 'gateway', code: 'answered', path: request.path.slice(0, 200), status: response.status, durationMs },
      'A request of a device was answered',
    );
    const traceResponse = trace === undefined ? undefined : traces?.end(trace, request, response.status);
    if (traceResponse === undefined) return response;
    return { ...response, headers: { ...response.headers, traceresponse: traceResponse } };
  }

  function noteAnswered({ status, code }: DeviceResponse, durationMs: number): void {
    timings.request.observe(durationMs);
    if (status >= 400) counters.add('problem', String(status));
    if (code !== undefined) counters.add('refused', code);
    handled++;
  }

  /** An offer, which the director has still to sign. */
  async function noted(
    signed: Promise<DeviceResponse>,
    began: ReturnType<typeof recorder.now>,
  ): Promise<DeviceResponse> {
    const response = await signed.catch((cause: unknown) => failed(cause, log));
    noteAnswered(response, recorder.now() - began);
    return response;
  }

  /** Who wants a trace or a line of the log about every request takes the long way. */
  const isPlain = traces === undefined && log.debug === undefined;

  function handleAtOnce(request: DeviceRequest): DeviceResponse | Promise<DeviceResponse> | undefined {
    if (!isPlain || request.path !== CHECK_IN_PATH || !isPost(request)) return undefined;
    const began = recorder.now();
    try {
      const response = refuseBody(request) ?? checkInAtOnce(request, options, readCheckIn);
      if (response instanceof Promise) return noted(response, began);
      if (response !== undefined) noteAnswered(response, recorder.now() - began);
      return response;
    } catch (cause) {
      const response = inRequest(request.headers, () => failed(cause, log));
      noteAnswered(response, recorder.now() - began);
      return response;
    }
  }

  return {
    handle: (request) => inRequest(request.headers, () => answer(request)),
    handleAtOnce,
    handledCount: () => handled,
  };
}

/** What a message needs: its proof, its reader, its answer, and what stands in for it while the store is away. */
interface DeviceMessage<Message> {
  readonly proof: Proof;
  readonly parse: (body: string) => Result<Message, ParseError>;
  readonly answer: (sender: Authenticated, message: Message) => Promise<string>;
  /** Absent: 503. Check-ins and permit requests have an answer that says so, and are never an error. */
  readonly whenStoreAway?: () => string;
}

async function answerMessage<Message extends { readonly deviceId: DeviceId; readonly sequence: number }>(
  request: PostRequest,
  options: DeviceRouteOptions,
  message: DeviceMessage<Message>,
): Promise<DeviceResponse> {
  try {
    const sender = await authenticate(request, options, message.proof);
    if (!sender.ok) return sender.error;
    const parsed = readOwn(request, sender.value, message.parse);
    if (!parsed.ok) return parsed.error;
    options.clones.note(sender.value.device.record, request);
    const { sequence } = parsed.value;
    const device = await options.devices.current(sender.value.device, {
      sequence,
      isJustRead: sender.value.isJustRead,
    });
    return jsonResponse(200, await message.answer({ ...sender.value, device }, parsed.value));
  } catch (cause) {
    if (cause instanceof StoreAwayError && message.whenStoreAway) return jsonResponse(200, message.whenStoreAway());
    throw cause;
  }
}

function checkInAtOnce(
  request: PostRequest,
  options: DeviceRouteOptions,
  read: ReadCheckIn,
): DeviceResponse | Promise<DeviceResponse> | undefined {
  const sender = authenticateKept(request, options, 'device');
  if (sender === undefined) return undefined;
  if (!sender.ok) return sender.error;
  options.clones.note(sender.value.device.record, request);
  const checkIn = readOwn(request, sender.value, read);
  if (!checkIn.ok) return checkIn.error;
  const { device } = sender.value;
  if (!options.devices.isCurrent(device, checkIn.value.sequence)) return undefined;
  const answer = options.checkIns.answerNow(device, checkIn.value);
  const signed = directed(answer, device, options);
  if (signed === undefined) return jsonResponse(200, encodeCheckInAnswer(answer));
  if (!(signed instanceof Promise)) return jsonResponse(200, encodeCheckInAnswer(signed));
  return signed.then((offer) => jsonResponse(200, encodeCheckInAnswer(offer)));
}

/** An offer with the director's word for this device; undefined where nothing has to be signed: only an offer costs a signature. */
function directed(
  answer: CheckInAnswer,
  { record: { deviceId, attributes } }: KnownDevice,
  { repositories }: DeviceRouteOptions,
): Offer | Promise<Offer> | undefined {
  if (answer.kind === 'refusal' || repositories === undefined) return undefined;
  return repositories.direct(answer, { deviceId, hardwareId: attributes.hardwareId });
}

/** The message in the body, which must be about its sender. */
function readOwn<Message extends { readonly deviceId: DeviceId }>(
  { body }: PostRequest,
  { device }: Authenticated,
  parse: (body: string) => Result<Message, ParseError>,
): Result<Message, DeviceResponse> {
  const parsed = parse(body);
  if (!parsed.ok) return err(problemResponse({ code: 'body-malformed', detail: describeParseError(parsed.error) }));
  const { deviceId } = parsed.value;
  if (deviceId === device.record.deviceId) return parsed;
  const detail = 'The body names another device than the one that sent it; a device speaks for itself only';
  return err(problemResponse({ code: 'device-mismatch', detail, fields: { deviceId } }));
}

/** The only place where what a request threw becomes an answer. */
function failed(cause: unknown, log: Log): DeviceResponse {
  if (cause instanceof StoreAwayError) return storeAway(cause.reason);
  log.error({ stage: 'gateway', code: 'internal-error', err: cause }, 'A request of a device failed');
  const detail = 'The server failed on this request; its log says why, under this request id';
  return problemResponse({ code: 'internal-error', detail, fields: { requestId: requestId() } });
}

function storeAway(reason: StoreAwayReason): DeviceResponse {
  const retryS = retryAfterS(reason);
  return problemResponse({
    code: 'store-away',
    detail: `${STORE_AWAY_REASONS[reason]}; send the same request again in ${retryS} s, it counts once`,
    fields: { reason },
    headers: { 'retry-after': String(retryS) },
  });
}

/**
 * Bytes go to registered devices only, so that a leaked digest is no leaked image. HEAD tells no more than that something
 * is stored under a digest, which whoever publishes must be able to ask.
 */
async function refuseStranger(request: ReadRequest, options: DeviceRouteOptions): Promise<DeviceResponse | undefined> {
  if (request.method === 'HEAD') return undefined;
  const sender = await authenticate(request, options, 'device');
  return sender.ok ? undefined : sender.error;
}

function isPost(request: DeviceRequest): request is PostRequest {
  return request.method === 'POST';
}

function isRead(request: DeviceRequest): request is ReadRequest {
  return request.method === 'GET' || request.method === 'HEAD';
}

function methodNotAllowed(request: DeviceRequest, allow: string): DeviceResponse {
  const detail = `This path does not take ${request.method.slice(0, 20)}; it takes ${allow}`;
  return problemResponse({ code: 'method-not-allowed', detail, headers: { allow } });
}

/** Media type and length, for those who come without the HTTP listener's own check too. */
function refuseBody({ headers, body }: DeviceRequest): DeviceResponse | undefined {
  const mediaType = headers['content-type'];
  if (mediaType === 'application/json' && body.length <= REQUEST_BYTES_MAX) return undefined;
  if (typeof mediaType !== 'string' || mediaType.split(';')[0]?.trim().toLowerCase() !== 'application/json') {
    const detail = `The body has the media type ${String(mediaType).slice(0, 80)}; send application/json`;
    return problemResponse({ code: 'media-type-unsupported', detail });
  }
  if (body.length > REQUEST_BYTES_MAX) {
    const detail = `The body has at least ${body.length} bytes, allowed are ${REQUEST_BYTES_MAX}; send less`;
    return problemResponse({ code: 'body-too-large', detail });
  }
  return undefined;
}
