// SPDX-License-Identifier: Apache-2.0
import type { IncomingMessage, ServerResponse } from 'node:http';
import { encodeProblem, PROBLEM_MEDIA_TYPE, problemStatus } from '@outrider/protocol/kernel/problem';
import { type DeviceRequest, type DeviceResponse, problemResponse } from '../gateway/device-request.ts';

/** Answers whatever is asked with where it is to be asked. */
export function servedElsewhere(detail: string): (request: IncomingMessage, response: ServerResponse) => void {
  const body = encodeProblem({ code: 'served-elsewhere', detail });
  return (request, response) => {
    response.writeHead(problemStatus('served-elsewhere'), {
      'content-type': PROBLEM_MEDIA_TYPE,
      'content-length': Buffer.byteLength(body),
      'cache-control': 'no-store',
    });
    response.end(request.method === 'HEAD' ? undefined : body);
    request.resume();
  };
}

/** What devices say belongs to gateways; bytes and health are answered everywhere. */
export function refusingMessages(
  handle: (request: DeviceRequest) => Promise<DeviceResponse>,
): (request: DeviceRequest) => Promise<DeviceResponse> {
  return async (request) => {
    if (!request.path.startsWith(MESSAGES_PATH)) return handle(request);
    const detail = 'This server is a control plane, which answers people; send messages of devices to a gateway';
    return problemResponse({ code: 'served-elsewhere', detail });
  };
}

const MESSAGES_PATH = '/v1/';
