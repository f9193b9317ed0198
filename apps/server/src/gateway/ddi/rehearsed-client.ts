// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import type { BlobReader } from '@outrider/domain/gateway/ports';
import { assert } from '@outrider/domain/kernel/assert';
import type { DeviceId, ReleaseCounter } from '@outrider/domain/kernel/ids';
import type { Component, ReleaseManifest } from '@outrider/domain/release/release';
import type { Server } from '../../compose.ts';
import { DEVICE_TYPE } from '../../rehearsal.ts';
import type { DeviceRequest } from '../device-request.ts';

/** A DDI client for tests: it sends what it is told and reads answers as JSON. */
export interface DdiClient {
  readonly deviceId: DeviceId;
  readonly token: string;
  get(path: string, more?: Partial<DeviceRequest>): Promise<DdiAnswer>;
  post(path: string, body: unknown, more?: Partial<DeviceRequest>): Promise<DdiAnswer>;
  /** What the base shows: `deploymentBase/7`, `cancelAction/7` or nothing. */
  shown(): Promise<string | undefined>;
  feedback(path: string, execution: string, finished: string, details?: readonly string[]): Promise<DdiAnswer>;
}

export interface DdiAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  /** Absent: the answer is no JSON. */
  readonly json: DdiJson;
}

/** Whatever a test expects to find there: what is absent reads as undefined. */
export interface DdiJson {
  readonly [name: string]: DdiJson;
}

/** Registers a camera for DDI that is in the first ring. */
export async function ddiClient(
  server: Server,
  deviceId: string,
  more: {
    readonly window?: { readonly fromMinute: number; readonly toMinute: number };
    readonly tags?: readonly string[];
  } = {},
): Promise<DdiClient> {
  const added = await server.ddi.registrations.add(
    [
      {
        // The constructor of an id in tests.
        deviceId: deviceId as DeviceId,
        attributes: {
          ...{ deviceType: DEVICE_TYPE, model: 'c1', hardwareId: 'rev-a', region: 'unknown' },
          ...{ customer: 'acme', carrier: 'unknown', tags: more.tags ?? ['dogfood'] },
        },
        version: '1.0.0',
        releaseCounter: 1 as ReleaseCounter,
        shows: 'target-token',
        ...(more.window === undefined ? {} : { maintenanceWindow: more.window }),
      },
    ],
    'ada',
  );
  assert(added.ok, 'a device that was added');
  const token = added.value[0]?.targetToken ?? '';
  return speakingAs(server, deviceId as DeviceId, token);
}

/** The same for a device that was added before, under whatever token. */
export function speakingAs(server: Server, deviceId: DeviceId, token: string): DdiClient {
  const root = `/DEFAULT/controller/v1/${deviceId}`;
  async function send(request: Omit<DeviceRequest, 'headers'>, more: Partial<DeviceRequest> = {}): Promise<DdiAnswer> {
    const headers = { authorization: `TargetToken ${token}`, host: 'ota.example:8440', ...more.headers };
    const answer = await server.handleDevice({ ...request, ...more, headers });
    const text =
      typeof answer.body === 'string' ? answer.body : Buffer.concat(await Array.fromAsync(answer.body)).toString();
    const isJson = answer.headers['content-type']?.includes('json') === true;
    return { status: answer.status, headers: answer.headers, text, json: isJson ? JSON.parse(text) : {} };
  }
  const get: DdiClient['get'] = (path, more) => send({ method: 'GET', path: `${root}${path}`, body: '' }, more);
  const post: DdiClient['post'] = (path, body, more = {}) =>
    send(
      { method: 'POST', path: `${root}${path}`, body: typeof body === 'string' ? body : JSON.stringify(body) },
      { ...more, headers: { 'content-type': 'application/json;charset=UTF-8', ...more.headers } },
    );
  return {
    deviceId,
    token,
    get,
    post,
    async shown() {
      const { json } = await get('');
      const { cancelAction, deploymentBase } = json._links ?? {};
      const href = (cancelAction ?? deploymentBase)?.href;
      return href === undefined ? undefined : String(href).slice(String(href).indexOf(root) + root.length + 1);
    },
    feedback: (path, execution, finished, details = []) =>
      post(`/${path}/feedback`, { id: '1', status: { execution, result: { finished }, details } }),
  };
}

/** The release with each component as a file for such clients. */
export async function withFiles(manifest: ReleaseManifest, blobs: BlobReader): Promise<ReleaseManifest> {
  const { rollbackTwin: twin } = manifest;
  const components = await filed(manifest.components, blobs);
  if (twin === undefined) return { ...manifest, components };
  return { ...manifest, components, rollbackTwin: { ...twin, components: await filed(twin.components, blobs) } };
}

async function filed(components: readonly Component[], blobs: BlobReader): Promise<readonly Component[]> {
  const all: Component[] = [];
  for (const component of components) {
    const bytes = Buffer.concat(await Array.fromAsync(blobs.read(component.image.digest)));
    const [md5 = '', sha1 = ''] = ['md5', 'sha1'].map((name) => createHash(name).update(bytes).digest('hex'));
    all.push({ ...component, file: { name: `${component.name}.swu`, md5, sha1 } });
  }
  return all;
}
