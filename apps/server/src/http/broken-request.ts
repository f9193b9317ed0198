// SPDX-License-Identifier: Apache-2.0
import { type IncomingMessage, maxHeaderSize, type Server, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { encodeProblem, PROBLEM_MEDIA_TYPE, type ProblemCode, problemStatus } from '@outrider/protocol/kernel/problem';

/** Answers what is no request at all, and so reaches no route, with a problem document too; then hangs up. `note` is told of each. */
export function answerBrokenRequests(
  http: Server<typeof IncomingMessage>,
  note: (code: ProblemCode) => void = () => {},
): void {
  http.on('clientError', (cause: NodeJS.ErrnoException, socket: Socket) => {
    // Into an answer that has begun nothing may be written: its reader would take it for a part of it.
    if (!socket.writable || socket.bytesWritten > 0) return void socket.destroy();
    const problem = problemOf(cause);
    note(problem.code);
    const body = encodeProblem(problem);
    const status = problemStatus(problem.code);
    const head = [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      `content-type: ${PROBLEM_MEDIA_TYPE}`,
      `content-length: ${Buffer.byteLength(body)}`,
      'cache-control: no-store',
      'connection: close',
    ];
    socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
  });
}

function problemOf(cause: NodeJS.ErrnoException): { readonly code: ProblemCode; readonly detail: string } {
  switch (cause.code) {
    case 'HPE_HEADER_OVERFLOW':
      return {
        code: 'headers-too-large',
        detail: `The request line and the headers have more than the allowed ${maxHeaderSize} bytes; send less`,
      };
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return { code: 'request-timeout', detail: 'The request did not come whole in time; send it again, faster' };
    default: {
      const detail = `What came is not HTTP/1.1 (${cause.code ?? cause.message}); speak HTTP/1.1 to this port, without TLS`;
      return { code: 'request-malformed', detail };
    }
  }
}
