// SPDX-License-Identifier: Apache-2.0
import { openActionOf } from '@outrider/domain/gateway/ddi/ddi-device';
import type { BlobReader } from '@outrider/domain/gateway/ports';
import type { Result } from '@outrider/domain/kernel/result';
import { encodeDdiBase, encodeDdiCancellation, encodeDdiDeployment } from '@outrider/protocol/gateway/ddi/answers';
import { FEEDBACK_BYTES_MAX, parseConfigData, parseDdiFeedback } from '@outrider/protocol/gateway/ddi/feedback';
import { encodeJson } from '@outrider/protocol/kernel/json-text';
import { describeParseError, type ParseError } from '@outrider/protocol/kernel/parse-error';
import { answerBlob, BLOB_PATH } from '../blobs.ts';
import { type DeviceRequest, type DeviceResponse, jsonResponse, problemResponse } from '../device-request.ts';
import type { DdiConfigDesk } from './ddi-config.ts';
import type { DdiContent, DdiDesk } from './ddi-desk.ts';
import type { DdiFeedbackDesk } from './ddi-feedback.ts';
import { type DdiPath, type DdiResource, parseDdiPath } from './ddi-path.ts';
import type { DdiSender, DdiSenders } from './ddi-sender.ts';

export interface DdiRoutes {
  /** Answers a request whose path is one of DDI; undefined: it is none. */
  handle(request: DeviceRequest): Promise<DeviceResponse> | undefined;
}

export interface DdiRouteOptions {
  /** The one tenant there is, as it stands in the paths of clients; upper and lower case are one. */
  readonly tenant: string;
  /** Where devices reach the server; absent: as they called it themselves. */
  readonly publicUrl: string | undefined;
  readonly senders: DdiSenders;
  readonly desk: DdiDesk;
  readonly feedback: DdiFeedbackDesk;
  readonly config: DdiConfigDesk;
  readonly blobs: BlobReader;
}

/** hawkBit's Direct Device Integration API, as its clients in the field speak it: see docs/protocol/ddi.md. */
export function ddiRoutes(options: DdiRouteOptions): DdiRoutes {
  const { tenant, senders } = options;

  async function answer(request: DeviceRequest, path: DdiPath): Promise<DeviceResponse> {
    if (path.tenant.toLowerCase() !== tenant.toLowerCase()) {
      const detail = `There is no tenant ${path.tenant.slice(0, 64)}, this installation has one; set it in the client to ${tenant}`;
      return problemResponse({ code: 'tenant-unknown', detail });
    }
    const { deviceId, resource } = path;
    if (deviceId === undefined || resource === undefined) return unknownRoute(request);
    const allowed = methodsOf(resource);
    if (!allowed.includes(request.method)) {
      const allow = allowed.join(', ');
      const detail = `This path does not take ${request.method.slice(0, 20)}; it takes ${allow}`;
      return problemResponse({ code: 'method-not-allowed', detail, headers: { allow } });
    }
    const sender = await senders.identify(request, deviceId);
    return sender.ok ? await answerDevice(request, resource, sender.value) : sender.error;
  }

  function answerDevice(request: DeviceRequest, resource: DdiResource, sender: DdiSender): Promise<DeviceResponse> {
    switch (resource.kind) {
      case 'base':
        return answerBase(request, sender);
      case 'config-data':
        return takeConfigData(request, sender);
      case 'artifact':
        return answerArtifact(request, resource, sender);
      case 'deployment':
      case 'cancellation':
        if (resource.isFeedback) return takeFeedback(request, resource, sender);
        return resource.kind === 'deployment'
          ? answerDeployment(request, resource.actionId, sender)
          : answerCancellation(resource.actionId, sender);
    }
  }

  async function answerBase(request: DeviceRequest, sender: DdiSender): Promise<DeviceResponse> {
    const answered = await options.desk.poll(sender);
    const isAskedForAttributes = sender.ddi.told === undefined;
    return jsonResponse(200, encodeDdiBase({ root: rootOf(request, sender), isAskedForAttributes, ...answered }));
  }

  async function answerDeployment(
    request: DeviceRequest,
    actionId: number,
    sender: DdiSender,
  ): Promise<DeviceResponse> {
    const content = await options.desk.deployment(sender, actionId);
    if (content === undefined) return noAction(actionId, 'is not to be installed now; poll again');
    const { version, components } = content;
    return jsonResponse(200, encodeDdiDeployment({ root: rootOf(request, sender), actionId, version, components }));
  }

  async function answerCancellation(actionId: number, sender: DdiSender): Promise<DeviceResponse> {
    const action = sender.ddi.actions.find((one) => one.actionId === actionId);
    if (action?.state !== 'open') return noAction(actionId, 'has ended, and nothing of it is to be cancelled');
    return jsonResponse(200, encodeDdiCancellation(actionId));
  }

  async function takeFeedback(
    request: DeviceRequest,
    resource: Extract<DdiResource, { readonly isFeedback: boolean }>,
    sender: DdiSender,
  ): Promise<DeviceResponse> {
    const said = readBody(request, parseDdiFeedback);
    if (!said.ok) return said.error;
    const action = sender.ddi.actions.find((one) => one.actionId === resource.actionId);
    if (action === undefined) return noAction(resource.actionId, 'is unknown, or was forgotten long ago');
    await options.feedback.take(sender, action, { feedback: said.value, about: resource.kind, body: request.body });
    return accepted();
  }

  async function takeConfigData(request: DeviceRequest, sender: DdiSender): Promise<DeviceResponse> {
    const told = readBody(request, parseConfigData);
    if (!told.ok) return told.error;
    await options.config.take(sender, told.value);
    return accepted();
  }

  async function answerArtifact(
    request: DeviceRequest,
    { module, name, isMd5Sum }: Extract<DdiResource, { readonly kind: 'artifact' }>,
    { ddi }: DdiSender,
  ): Promise<DeviceResponse> {
    const action = openActionOf(ddi);
    const content: DdiContent | undefined = action === undefined ? undefined : options.desk.contentOf(action);
    const component = content?.components[module];
    if (component?.file === undefined || component.file.name !== name) {
      const detail = `The device has no deployment with a file ${name.slice(0, 128)}; poll, and take the link from there`;
      return problemResponse({ code: 'blob-unknown', detail });
    }
    if (!isMd5Sum)
      return await answerBlob({ ...request, path: `${BLOB_PATH}${component.image.digest}` }, options.blobs);
    const body = `${component.file.md5}  ${component.file.name}`;
    return { status: 200, headers: { 'content-type': 'text/plain', 'cache-control': 'no-store' }, body };
  }

  /** Clients take links as they are: behind a proxy only the public address leads back here. */
  function rootOf({ headers, isTls = false }: DeviceRequest, { ddi }: DdiSender): string {
    const host = typeof headers.host === 'string' && HOST.test(headers.host) ? headers.host : 'localhost';
    const called = `${isTls ? 'https' : 'http'}://${host}`;
    const address = (options.publicUrl ?? called).replace(/\/+$/, '');
    return `${address}/${tenant}/controller/v1/${encodeURIComponent(ddi.deviceId)}`;
  }

  return {
    handle(request) {
      const path = parseDdiPath(request.path);
      return path === undefined ? undefined : answer(request, path);
    },
  };
}

function methodsOf(resource: DdiResource): readonly string[] {
  if (resource.kind === 'config-data') return ['PUT', 'POST'];
  if (resource.kind === 'artifact') return ['GET', 'HEAD'];
  return 'isFeedback' in resource && resource.isFeedback ? ['POST', 'PUT'] : ['GET'];
}

/** SWUpdate 2022.12 goes on only after exactly 200: an answer of 201 or 204 blocks its installation for ever. */
function accepted(): DeviceResponse {
  return jsonResponse(200, encodeJson({}));
}

function readBody<T>(
  { headers, body }: DeviceRequest,
  parse: (text: string) => Result<T, ParseError>,
): Result<T, DeviceResponse> {
  const mediaType = String(headers['content-type'] ?? 'application/json')
    .split(';')[0]
    ?.trim()
    .toLowerCase();
  if (mediaType !== 'application/json' && mediaType !== 'application/hal+json') {
    const detail = `The body has the media type ${String(mediaType).slice(0, 80)}; send application/json`;
    return { ok: false, error: problemResponse({ code: 'media-type-unsupported', detail }) };
  }
  if (body.length > FEEDBACK_BYTES_MAX) {
    const detail = `The body has at least ${body.length} bytes, allowed are ${FEEDBACK_BYTES_MAX}; send less`;
    return { ok: false, error: problemResponse({ code: 'body-too-large', detail }) };
  }
  const parsed = parse(body);
  if (parsed.ok) return parsed;
  return { ok: false, error: problemResponse({ code: 'body-malformed', detail: describeParseError(parsed.error) }) };
}

function unknownRoute({ path }: DeviceRequest): DeviceResponse {
  const detail = 'There is nothing at this path; see docs/protocol/ddi.md for the paths that exist';
  return problemResponse({ code: 'route-unknown', detail, fields: { path: path.slice(0, 200) } });
}

function noAction(actionId: number, why: string): DeviceResponse {
  return problemResponse({
    code: 'ddi-action-unknown',
    detail: `The deployment ${actionId} ${why}`,
    fields: { actionId },
  });
}

/** A name or an address with a port, as RFC 9110 §7.2 has it. */
const HOST = /^[\w.:[\]-]{1,255}$/;
