// SPDX-License-Identifier: Apache-2.0
import type { BlobReader } from '@outrider/domain/gateway/ports';
import { parseSha256 } from '@outrider/domain/kernel/ids';
import { namesTag, readRange } from './byte-range.ts';
import { type DeviceRequest, type DeviceResponse, problemResponse } from './device-request.ts';

export const BLOB_PATH = '/blobs/';

/**
 * Answers GET and HEAD of `/blobs/<sha256>`. The digest names the content for good, so that every cache on the way may
 * keep it for a year, and its quoted digest is a strong entity tag (RFC 9110 §8.8.3).
 */
export async function answerBlob(request: DeviceRequest, blobs: BlobReader): Promise<DeviceResponse> {
  const digest = parseSha256(request.path.slice(BLOB_PATH.length));
  if (!digest.ok) {
    const detail = `The path names ${digest.error.seen}; a blob is named by 64 lower-case hexadecimal digits`;
    return problemResponse({ code: 'blob-unknown', detail });
  }
  const sizeBytes = await blobs.sizeOf(digest.value);
  if (sizeBytes === undefined) {
    return problemResponse({ code: 'blob-unknown', detail: `No blob with digest ${digest.value} is stored here` });
  }
  const tag = `"${digest.value}"`;
  const headers = { etag: tag, 'accept-ranges': 'bytes', 'cache-control': 'public, max-age=31536000, immutable' };
  const held = header(request, 'if-none-match');
  if (held !== undefined && namesTag(held, tag)) return { status: 304, headers, body: '' };

  const content = { ...headers, 'content-type': 'application/octet-stream' };
  if (request.method === 'HEAD') {
    return { status: 200, headers: { ...content, 'content-length': String(sizeBytes) }, body: '' };
  }
  const range = readRange(rangeField(request, tag), sizeBytes);
  switch (range.kind) {
    case 'whole':
      return {
        status: 200,
        headers: { ...content, 'content-length': String(sizeBytes) },
        body: blobs.read(digest.value),
      };
    case 'part':
      return {
        status: 206,
        headers: {
          ...content,
          'content-length': String(range.end - range.start + 1),
          'content-range': `bytes ${range.start}-${range.end}/${sizeBytes}`,
        },
        body: blobs.read(digest.value, range),
      };
    case 'unsatisfiable':
      return problemResponse({
        code: 'range-unsatisfiable',
        detail: `The range lies outside the blob, which has ${sizeBytes} bytes; ask from byte 0 on`,
        headers: { 'content-range': `bytes */${sizeBytes}` },
      });
  }
}

/** `Range`, unless `If-Range` names another content: then the whole blob is meant (RFC 9110 §13.1.5). */
function rangeField(request: DeviceRequest, tag: string): string | undefined {
  const condition = header(request, 'if-range');
  return condition === undefined || condition.trim() === tag ? header(request, 'range') : undefined;
}

function header(request: DeviceRequest, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' ? value : undefined;
}
