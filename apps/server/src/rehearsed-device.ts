// SPDX-License-Identifier: Apache-2.0
import type { CheckInAnswer, Offer } from '@outrider/domain/gateway/check-in';
import type { ReportedState, RunningSoftware } from '@outrider/domain/gateway/device-record';
import type { PermitAnswer, PermitDocument } from '@outrider/domain/gateway/permit';
import type { ReportEvent } from '@outrider/domain/gateway/report';
import { assert } from '@outrider/domain/kernel/assert';
import type { DeviceId, RolloutId } from '@outrider/domain/kernel/ids';
import { type FleetInstant, fleetInstant, minutes } from '@outrider/domain/kernel/time';
import type { ReleaseManifest } from '@outrider/domain/release/release';
import { encodeCheckIn, parseCheckInAnswer } from '@outrider/protocol/gateway/check-in';
import { encodePermitRequest, parsePermitAnswer, parsePermitDocument } from '@outrider/protocol/gateway/permit';
import { encodeRegistration } from '@outrider/protocol/gateway/registration';
import { encodeReport, parseReportAnswer } from '@outrider/protocol/gateway/report';
import { DEVICE_HEADER, requestText, SIGNATURE_HEADER } from '@outrider/protocol/gateway/request-signature';
import { parseManifest } from '@outrider/protocol/release/manifest';
import type { Server } from './compose.ts';
import type { DeviceRequest } from './gateway/device-request.ts';
import { DEVICE_TYPE, REGISTRATION_TOKEN, signerOf } from './rehearsal.ts';

/** How a device reaches its server: a call, or HTTP. */
export type Send = (request: DeviceRequest) => Promise<{ readonly status: number; readonly body: string }>;

/** Straight to a server in this process. */
export function sendTo(server: Pick<Server, 'handleDevice'>): Send {
  return async (request) => {
    const { status, body } = await server.handleDevice(request);
    return { status, body: String(body) };
  };
}

/** A device that speaks the real protocol and installs at once, or fails to, as its fate says. */
export interface RehearsedDevice {
  readonly deviceId: DeviceId;
  readonly hardwareId: string;
  running(): RunningSoftware;
  /** When it wants to be woken next. */
  wakesAt(): FleetInstant;
  /** Fallen back from a release: it ran on this hardware and its health check failed. */
  wasHarmed(): boolean;
  register(): Promise<{ readonly status: number; readonly body: string }>;
  /** Checks in; with an offer asks for the permit; with a permit installs and reports. */
  wake(now: FleetInstant): Promise<void>;
  checkIn(): Promise<CheckInAnswer>;
  askPermit(offer: Offer): Promise<PermitAnswer>;
  /** Sends a report; the same `sequence` again is the same report again. */
  report(event: ReportEvent, permit: PermitDocument, sequence?: number): Promise<string>;
  lastSequence(): number;
  /** Sends any message, signed. */
  send(path: string, body: string): ReturnType<Send>;
  /** The headers and body of a message, for those who want to tamper with it. */
  signedRequest(path: string, body: string): DeviceRequest;
  /** A request for bytes, with headers of its own. */
  signedGet(path: string, headers?: DeviceRequest['headers']): DeviceRequest;
}

export function rehearsedDevice(options: {
  readonly deviceId: string;
  readonly hardwareId: string;
  readonly region?: string;
  readonly tags?: readonly string[];
  readonly factory: ReleaseManifest;
  /** That of rehearsals, when absent. */
  readonly registrationToken?: string;
  readonly send: Send;
  /** Whether the release passes the health check on this device. */
  readonly isHealthy: (version: string) => boolean;
}): RehearsedDevice {
  const { hardwareId, factory, send, isHealthy } = options;
  const deviceId = options.deviceId as DeviceId;
  const signer = signerOf(options.deviceId);
  let sequence = 0;
  let running = softwareOf(factory);
  let state: ReportedState = 'idle';
  let wakesAt = fleetInstant(0);
  let isHarmed = false;
  const given = new Set<RolloutId>();

  function identityHeaders(method: 'GET' | 'POST', path: string, body: string): Readonly<Record<string, string>> {
    const { signature } = signer.sign(requestText({ method, path, body }));
    return { [DEVICE_HEADER]: deviceId, [SIGNATURE_HEADER]: signature };
  }

  function signedRequest(path: string, body: string): DeviceRequest {
    const headers = { ...identityHeaders('POST', path, body), 'content-type': 'application/json' };
    return { method: 'POST', path, headers, body };
  }

  function signedGet(path: string, headers: DeviceRequest['headers'] = {}): DeviceRequest {
    return { method: 'GET', path, headers: { ...headers, ...identityHeaders('GET', path, '') }, body: '' };
  }

  async function post(path: string, body: string): Promise<string> {
    const answer = await send(signedRequest(path, body));
    assert(answer.status === 200, `200 from ${path}, got ${answer.status} ${answer.body}`);
    return answer.body;
  }

  async function checkIn(): Promise<CheckInAnswer> {
    const body = encodeCheckIn({ deviceId, sequence: ++sequence, running, state });
    const answer = parseCheckInAnswer(await post('/v1/check-in', body));
    assert(answer.ok, 'an answer to a check-in');
    return answer.value;
  }

  async function askPermit({ rolloutId, releaseId, isRollback }: Offer): Promise<PermitAnswer> {
    const body = encodePermitRequest({ deviceId, sequence: ++sequence, rolloutId, releaseId, isRollback });
    const answer = parsePermitAnswer(await post('/v1/permit', body));
    assert(answer.ok, 'an answer to a permit request');
    return answer.value;
  }

  async function report(event: ReportEvent, permit: PermitDocument, again?: number): Promise<string> {
    const { rolloutId, releaseId, permitId } = permit;
    const own = { deviceId, sequence: again ?? ++sequence, rolloutId, releaseId, permitId, event, running, detail: '' };
    const answer = parseReportAnswer(await post('/v1/report', encodeReport(own)));
    assert(answer.ok, 'an answer to a report');
    return answer.value.result;
  }

  async function install(offer: Offer, permit: PermitDocument): Promise<void> {
    const release = parseManifest(offer.release.payload);
    assert(release.ok, 'an offer with a manifest');
    const { rollbackTwin } = release.value;
    const target = offer.isRollback ? rollbackTwin : release.value;
    assert(target !== undefined, 'a twin in a release that is rolled back');
    if (isHealthy(target.version)) {
      running = softwareOf(target);
      state = 'verified';
      await report('verified', permit);
      return;
    }
    isHarmed = true;
    state = 'reverted';
    given.add(offer.rolloutId);
    await report('reverted', permit);
  }

  return {
    deviceId,
    hardwareId,
    running: () => running,
    wakesAt: () => wakesAt,
    wasHarmed: () => isHarmed,
    register: () =>
      send(
        signedRequest(
          '/v1/register',
          encodeRegistration({
            token: options.registrationToken ?? REGISTRATION_TOKEN,
            deviceId,
            publicKey: signer.publicKey,
            attributes: {
              deviceType: DEVICE_TYPE,
              model: 'c1',
              hardwareId,
              region: options.region ?? 'north',
              customer: 'acme',
              carrier: 'one',
              tags: options.tags ?? [],
            },
            running,
          }),
        ),
      ),
    async wake(now) {
      const answer = await checkIn();
      wakesAt = fleetInstant(now + answer.pollAfterMs);
      if (answer.kind === 'refusal' || (given.has(answer.rolloutId) && !answer.isRollback)) return;
      const permit = await askPermit(answer);
      if (permit.kind === 'not-yet') {
        wakesAt = fleetInstant(now + permit.askAfterMs);
        return;
      }
      const document = parsePermitDocument(permit.permit.payload);
      assert(document.ok, 'a permit with a document');
      await install(answer, document.value);
      wakesAt = fleetInstant(now + minutes(15));
    },
    checkIn,
    askPermit,
    report,
    lastSequence: () => sequence,
    send: (path, body) => send(signedRequest(path, body)),
    signedRequest,
    signedGet,
  };
}

function softwareOf({
  version,
  releaseCounter,
  components,
}: Pick<ReleaseManifest, 'version' | 'releaseCounter' | 'components'>): RunningSoftware {
  return {
    version,
    releaseCounter,
    components: components.map(({ name, image }) => ({ name, digest: image.digest })),
  };
}
