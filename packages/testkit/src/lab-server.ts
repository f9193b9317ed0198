// SPDX-License-Identifier: Apache-2.0
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Sha256 } from '@outrider/domain/kernel/ids';
import type { Result } from '@outrider/domain/kernel/result';
import { encodeCheckInAnswer, parseCheckIn } from '@outrider/protocol/gateway/check-in';
import { encodePermitAnswer, parsePermitRequest } from '@outrider/protocol/gateway/permit';
import { encodeRegistrationAnswer, parseRegistration } from '@outrider/protocol/gateway/registration';
import { encodeReportAnswer, parseReport } from '@outrider/protocol/gateway/report';
import type { DeviceLab } from './device-lab.ts';
import type { LabNetwork } from './lab-network.ts';

/** A lab's server behind HTTP, as far as a device sees it: for tests of the agent as a program. */
export interface LabServer {
  readonly url: string;
  close(): void;
}

/** Serves on a free port of the loopback interface. Every token registers. */
export async function labServer(lab: DeviceLab, network: LabNetwork): Promise<LabServer> {
  const server: Server = createServer((request, response) => {
    serve(lab, network, request, response).catch((cause: unknown) => response.writeHead(500).end(String(cause)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // A server on a TCP port has an address of this kind.
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function serve(
  lab: DeviceLab,
  network: LabNetwork,
  ...[request, response]: [IncomingMessage, ServerResponse]
): Promise<void> {
  const body = await textOf(request);
  switch (request.url) {
    case '/v1/register': {
      const { deviceId } = taken(parseRegistration(body));
      response.writeHead(201).end(encodeRegistrationAnswer({ deviceId, anchors: lab.anchors }));
      return;
    }
    case '/v1/check-in':
      response.end(encodeCheckInAnswer(taken(await network.checkIn(taken(parseCheckIn(body))))));
      return;
    case '/v1/permit':
      response.end(encodePermitAnswer(taken(await network.askPermit(taken(parsePermitRequest(body))))));
      return;
    case '/v1/report':
      taken(await network.sendReport(taken(parseReport(body))));
      response.end(encodeReportAnswer({ result: 'counted' }));
      return;
    default:
      await serveBlob(network, request, response);
  }
}

async function serveBlob(network: LabNetwork, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const digest = (request.url ?? '').replace('/blobs/', '') as Sha256;
  const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  if (start > 0) response.writeHead(206, { 'content-range': `bytes ${start}-*/*` });
  for await (const chunk of network.fetchBlob(digest, start)) response.write(chunk);
  response.end();
}

function taken<T>(result: Result<T, unknown>): T {
  if (result.ok) return result.value;
  throw new Error(JSON.stringify(result.error));
}

async function textOf(request: IncomingMessage): Promise<string> {
  const parts: Uint8Array[] = [];
  const chunks: AsyncIterable<Uint8Array> = request;
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts).toString('utf8');
}
