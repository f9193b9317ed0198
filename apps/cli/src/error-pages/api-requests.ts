// SPDX-License-Identifier: Apache-2.0
import type { ProblemCode } from '@outrider/protocol/kernel/problem';
import { type CodeText, NOTHING_STORED, UNTOUCHED } from './area.ts';

/** Codes about what is wrong with a request before anybody looks at what it wants. */
export const REQUEST_CODES = {
  'request-malformed': [
    'What came to the port is no HTTP/1.1: another protocol, or TLS on a plain port.',
    NOTHING_STORED,
    'Look at the scheme and the port of the caller; behind a proxy, look at what it sends.',
  ],
  'request-timeout': [
    'The head or the body of the request did not come in the time that the server waits.',
    NOTHING_STORED,
    'Send it again. If it comes back, the network between caller and server loses packets, or a proxy holds the body.',
  ],
  'headers-too-large': [
    'The head of the request is larger than 16 KiB.',
    NOTHING_STORED,
    'Shorten the query (`where` has room for 4,096 characters), or look for a proxy that adds cookies.',
  ],
  'body-malformed': [
    'The body is not JSON, lacks a field, has a field too many, or a value is not what it should be. The detail names the field, what stands there and what may.',
    NOTHING_STORED,
    'Correct the field. For devices: the page of the device protocol shows every message.',
  ],
  'body-too-large': [
    'The body is longer than the route takes.',
    'Nothing of it was stored; of an import, the whole batches before the limit were, and sending them again changes nothing.',
    'Split it. An import of any size goes through `outrider device import`, which splits by itself.',
  ],
  'body-too-slow': [
    'The lines of an import came more slowly than two kilobytes a second.',
    'Nothing of an unfinished line was stored; the whole lines before were, and sending them again changes nothing.',
    'Send it again over a better network; nothing is to be done where nobody of yours was importing.',
  ],
  'media-type-unsupported': [
    'The Content-Type is none that the route takes.',
    NOTHING_STORED,
    'Send `application/json`, or `application/octet-stream` for blobs and imports.',
  ],
  'route-unknown': [
    'There is nothing at this path.',
    UNTOUCHED,
    'Compare it with `GET /api/v1/openapi.json`; an older server lacks newer routes.',
  ],
  'served-elsewhere': [
    'The request came to a server of another role: a gateway answers devices, a control plane people.',
    UNTOUCHED,
    'Send it to the address that the detail names: devices to a gateway, commands and the page to the control plane.',
  ],
  'method-not-allowed': [
    'The path exists and does not take this method; the header Allow names those it takes.',
    UNTOUCHED,
    'Use one of them.',
  ],
} as const satisfies Partial<Record<ProblemCode, CodeText>>;
