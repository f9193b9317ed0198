// SPDX-License-Identifier: Apache-2.0
import { createServer } from 'node:http';
import process from 'node:process';

/** The limit: node:http reads the body, parses it, and answers JSON of the size of a refusal. Nothing else. */
const [, , socketPath] = process.argv;
const server = createServer({ keepAliveTimeout: 75_000, requireHostHeader: false }, (request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const { deviceId } = JSON.parse(Buffer.concat(chunks).toString('utf8'));
    const answer = {
      code: 'wave-not-open',
      kind: 'refusal',
      pollAfterMs: 43_200_000 + deviceId.length,
      rolloutId: 'rollout-camera-3.9.0',
    };
    const body = JSON.stringify(answer);
    const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' };
    response.writeHead(200, { ...headers, 'content-length': Buffer.byteLength(body) });
    response.end(body);
  });
});
server.listen({ path: socketPath }, () => process.send?.('ready'));
process.on('disconnect', () => process.exit(0));
