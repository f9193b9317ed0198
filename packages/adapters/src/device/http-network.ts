// SPDX-License-Identifier: Apache-2.0
import type { IncomingMessage } from 'node:http';
import { DownloadCut } from '@outrider/domain/device/errors';
import type { Network, NetworkError } from '@outrider/domain/device/ports';
import type { Sha256 } from '@outrider/domain/kernel/ids';
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import type { MetadataFetchError } from '@outrider/domain/trust/tuf/ports';
import { encodeCheckIn, parseCheckInAnswer } from '@outrider/protocol/gateway/check-in';
import { encodePermitRequest, parsePermitAnswer } from '@outrider/protocol/gateway/permit';
import { encodeReport, parseReportAnswer } from '@outrider/protocol/gateway/report';
import { describeParseError, type ParseError } from '@outrider/protocol/kernel/parse-error';
import { type HttpClient, open, retryAfterOf, sendMessage } from './http-client.ts';

/** The servers over HTTP, by the wire protocol version 1. */
export function httpNetwork(client: HttpClient): Network {
  return {
    checkIn: (checkIn) =>
      ask(client, { path: '/v1/check-in', body: encodeCheckIn(checkIn), parse: parseCheckInAnswer }),
    askPermit: (request) =>
      ask(client, { path: '/v1/permit', body: encodePermitRequest(request), parse: parsePermitAnswer }),
    async sendReport(report) {
      const answer = await ask(client, { path: '/v1/report', body: encodeReport(report), parse: parseReportAnswer });
      return answer.ok ? ok('acknowledged') : answer;
    },
    fetchBlob: (digest, start) => fetchBlob(client, digest, start),
    fetchMetadata: (name, bytesMax) => fetchMetadata(client, name, bytesMax),
  };
}

interface Question<T> {
  readonly path: string;
  readonly body: string;
  readonly parse: (text: string) => Result<T, ParseError>;
}

async function ask<T>(client: HttpClient, { path, body, parse }: Question<T>): Promise<Result<T, NetworkError>> {
  const answer = await sendMessage(client, path, body);
  if (!answer.ok) return answer;
  const parsed = parse(answer.value);
  return parsed.ok ? parsed : err({ code: 'answer-malformed', detail: describeParseError(parsed.error) });
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A document of a repository, counted while it comes and cut at the length that was named. */
async function fetchMetadata(
  client: HttpClient,
  name: string,
  bytesMax: number,
): Promise<Result<string | undefined, MetadataFetchError>> {
  const path = `/repo/${name}`;
  let answer: IncomingMessage | undefined;
  try {
    answer = await open(client, { method: 'GET', path, body: '' }, { withinMs: DOCUMENT_MAX_MS });
    const { statusCode } = answer;
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      bytes += chunk.byteLength;
      if (bytes > bytesMax) return err({ code: 'too-long', detail: `${name} goes on after ${bytesMax} bytes` });
      chunks.push(chunk);
    }
    if (statusCode === 404 || statusCode === 403) return ok(undefined);
    if (statusCode !== 200) return err({ code: 'unreachable', detail: `GET ${path} was answered with ${statusCode}` });
    return ok(utf8.decode(Buffer.concat(chunks)));
  } catch (cause) {
    if (cause instanceof TypeError) return err({ code: 'not-text', detail: `${name} is not UTF-8` });
    return err({ code: 'unreachable', detail: cause instanceof Error ? cause.message : String(cause) });
  } finally {
    if (answer !== undefined && !answer.complete) answer.destroy();
  }
}

/** A document is small: a server that drips it holds a device up no longer than this. */
const DOCUMENT_MAX_MS = 60_000;

/** Everything that goes wrong on the way is a cut: what came is kept, the rest is asked for later. */
async function* fetchBlob(client: HttpClient, digest: Sha256, start: number): AsyncGenerator<Uint8Array> {
  let answer: IncomingMessage | undefined;
  try {
    const headers = start > 0 ? { range: `bytes=${start}-` } : {};
    answer = await open(client, { method: 'GET', path: `/blobs/${digest}`, body: '' }, { headers });
    const isRight =
      start === 0
        ? answer.statusCode === 200
        : answer.statusCode === 206 && answer.headers['content-range']?.startsWith(`bytes ${start}-`);
    if (!isRight) {
      const what = `GET /blobs/${digest} from byte ${start} was answered with ${answer.statusCode}`;
      throw new DownloadCut(what, undefined, retryAfterOf(answer));
    }
    const chunks: AsyncIterable<Buffer> = answer;
    for await (const chunk of chunks) yield chunk;
  } catch (cause) {
    if (cause instanceof DownloadCut) throw cause;
    throw new DownloadCut(cause instanceof Error ? cause.message : String(cause), cause);
  } finally {
    // A blob that was read to its end leaves the connection open for the next message.
    if (answer !== undefined && !answer.complete) answer.destroy();
  }
}
