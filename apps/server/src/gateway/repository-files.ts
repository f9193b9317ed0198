// SPDX-License-Identifier: Apache-2.0
import { digestText } from '@outrider/adapters/shared/digest';
import type { Repositories } from '../trust/repositories.ts';
import { namesTag } from './byte-range.ts';
import { type DeviceRequest, type DeviceResponse, problemResponse } from './device-request.ts';

export const REPOSITORY_PATH = '/repo/';

/** A cache on the way asks again after this: much less than the hour that the fleet's timestamp holds. */
const FRESH_S = 60;

/**
 * Answers GET and HEAD of `/repo/image/...` and `/repo/director/...`: documents that anyone may read, since each is signed and
 * none is a secret. A file with a version in its name never changes, and any cache may keep it; the timestamps are asked for again.
 */
export async function answerDocument(
  request: DeviceRequest,
  repositories: Repositories | undefined,
): Promise<DeviceResponse> {
  const path = request.path.slice(REPOSITORY_PATH.length);
  const text = await repositories?.read(path);
  if (text === undefined) {
    const hasRoots = (await repositories?.roots()) !== undefined;
    const detail = hasRoots
      ? `The repository has no document ${path.slice(0, 200)}`
      : 'This server has no repositories; found them with `outrider trust init`, or restore the folder repository from a backup';
    return problemResponse({ code: 'document-unknown', detail });
  }
  const tag = `"${digestText(text)}"`;
  const isFixed = /\/\d+\.[^/]+$/.test(path);
  const caching = isFixed ? 'public, max-age=31536000, immutable' : `public, max-age=${FRESH_S}, must-revalidate`;
  const headers = { etag: tag, 'cache-control': caching };
  const held = request.headers['if-none-match'];
  if (typeof held === 'string' && namesTag(held, tag)) return { status: 304, headers, body: '' };
  const content = { ...headers, 'content-type': 'application/json' };
  if (request.method === 'GET') return { status: 200, headers: content, body: text };
  return { status: 200, headers: { ...content, 'content-length': String(Buffer.byteLength(text)) }, body: '' };
}
