// SPDX-License-Identifier: Apache-2.0
import { isAscii } from 'node:buffer';
import { assert } from '@outrider/domain/kernel/assert';
import { REQUEST_BYTES_MAX } from '@outrider/protocol/kernel/limits';
import { CHECK_IN_PATH } from '../gateway/device-routes.ts';

/** A check-in as it stands in the bytes of a connection. */
export interface PlainCheckIn {
  /** Names in lower case, as node:http hands them over. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * Reads bytes that are one whole check-in in the plainest form of HTTP/1.1: ASCII, each header once, a Content-Length, nothing
 * behind the body. `incomplete`: the beginning of one. `other`: whatever else, right or wrong; node:http is to read it. So nothing is
 * decided here that node:http would decide otherwise: two readers that differ about where a request ends are an attack (RFC 9112
 * §11.2).
 */
export function readPlainCheckIn(bytes: Buffer): PlainCheckIn | 'incomplete' | 'other' {
  if (bytes.length > PLAIN_BYTES_MAX || !isAscii(bytes)) return 'other';
  const text = bytes.toString('latin1');
  if (!text.startsWith(REQUEST_LINE)) return 'other';
  const headEnd = text.indexOf('\r\n\r\n', REQUEST_LINE.length - 2);
  if (headEnd === -1) return 'incomplete';
  const headers = readHeaders(text, headEnd);
  const lengthText = headers?.['content-length'];
  if (headers === undefined || lengthText === undefined || !LENGTH.test(lengthText)) return 'other';
  const bodyFrom = headEnd + 4;
  const bodyEnd = bodyFrom + Number(lengthText);
  if (text.length === bodyEnd) return { headers, body: text.slice(bodyFrom) };
  return text.length < bodyEnd && bodyEnd <= PLAIN_BYTES_MAX ? 'incomplete' : 'other';
}

const REQUEST_LINE = `POST ${CHECK_IN_PATH} HTTP/1.1\r\n`;

/** Head and body together: what most check-ins are far below. */
const PLAIN_BYTES_MAX = 16_384;

const LENGTH = /^(0|[1-9][0-9]{0,4})$/;

assert(PLAIN_BYTES_MAX <= REQUEST_BYTES_MAX, 'what is read here is never too long for a message');

function readHeaders(text: string, headEnd: number): Record<string, string> | undefined {
  const headers: Record<string, string> = Object.create(null);
  let from = REQUEST_LINE.length;
  while (from < headEnd) {
    const newline = text.indexOf('\r\n', from);
    // The end of the head is a line end itself.
    const to = newline === -1 ? headEnd : newline;
    const colon = text.indexOf(':', from);
    if (colon === -1 || colon >= to) return undefined;
    const written = text.slice(from, colon);
    const isOrdinary = ORDINARY_NAMES.has(written);
    const name = isOrdinary ? written : written.toLowerCase();
    if (!isOrdinary && !NAME.test(name)) return undefined;
    // Each once: of some names node:http joins the values, of others it keeps the first.
    if (headers[name] !== undefined) return undefined;
    const value = text.slice(colon + 1, to);
    if (!VALUE.test(value)) return undefined;
    headers[name] = value.trim();
    if (!isOrdinary && FRAMING_NAMES.has(name) && !isKeptOpen(name, headers[name])) return undefined;
    from = to + 2;
  }
  return headers;
}

/** As most devices and terminators write them: known to be names. Any other is looked at. */
const ORDINARY_NAMES = new Set([
  'host',
  'content-type',
  'content-length',
  'accept',
  'user-agent',
  'outrider-device',
  'outrider-signature',
  'outrider-boot',
  'outrider-certificate-device',
  'outrider-certificate-subject',
  'outrider-certificate-serial',
  'outrider-certificate-sha256',
  'outrider-certificate-key',
  'outrider-certificate-not-after',
  'outrider-certificate-verify',
]);

/** What may change where a message ends, what its body means, or what becomes of the connection: node:http's to judge. */
const FRAMING_NAMES = new Set([
  'connection',
  'content-encoding',
  'expect',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** What HTTP/1.1 does anyway, and many clients say. */
function isKeptOpen(name: string, value: string): boolean {
  return name === 'connection' && value.toLowerCase() === 'keep-alive';
}

/** A token (RFC 9110 §5.6.2) in lower case, of the characters that names of fields have. */
const NAME = /^[a-z0-9_-]+$/;
/** Visible characters and spaces: no line end that is none, no tab. */
const VALUE = /^[\x20-\x7e]*$/;
