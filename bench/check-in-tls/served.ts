// SPDX-License-Identifier: Apache-2.0
import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import process from 'node:process';
import { CA_FOLDER, loadCaFolder } from '@outrider/adapters/server/ca/ca-folder';
import { openDeviceCa } from '@outrider/adapters/server/ca/device-ca';
import { tlsMaterial } from '@outrider/adapters/server/ca/tls-material';
import { wallClock } from '@outrider/adapters/shared/clock';
import { parseKnownDevice } from '@outrider/protocol/gateway/device-record';
import { composeServer } from '@outrider/server/compose';
import { listenToTerminator } from '@outrider/server/http/terminator-listener';
import { listenWithTls } from '@outrider/server/http/tls-listener';
import { rehearse, SOON } from '@outrider/server/rehearsal';
import { memoryStore } from '@outrider/testkit/memory-store';
import { memoryBlobs } from '@outrider/testkit/memory-store/blobs';

/**
 * A gateway in a process of its own, so that its processor time is its own: `node served.ts <folder> <tls|bare>`. Prints where it
 * listens. `bare`: node:https with the same certificates, which reads the body and answers as many bytes, and does nothing else.
 */
const [folder = '', kind = 'tls', deviceText = ''] = process.argv.slice(2);
const loaded = await loadCaFolder({ folder: join(folder, CA_FOLDER) });
if (!loaded.ok || loaded.value === undefined) throw new Error('no CA in the folder');
const files = loaded.value;
await mkdir(folder, { recursive: true });

if (kind === 'bare') {
  const answer = Buffer.from('{"code":"no-rollout","kind":"refusal","pollAfterMs":43200000}');
  const server = createServer({
    ...tlsMaterial(files),
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.3',
  });
  server.on('request', (request, response) => {
    request.on('data', () => {});
    request.on('end', () => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': answer.byteLength });
      response.end(answer);
    });
  });
  server.listen({ host: '127.0.0.1', port: 0 }, () => {
    console.log(JSON.stringify({ port: (server.address() as AddressInfo).port }));
  });
} else {
  const store = memoryStore();
  const device = parseKnownDevice(deviceText);
  if (!device.ok) throw new Error('no device');
  await store.registry.register([device.value.record]);
  const { ports } = rehearse({ store, blobs: memoryBlobs(), schedule: SOON });
  const clock = wallClock();
  const machineClock = { now: () => performance.now() as ReturnType<typeof ports.machineClock.now> };
  const server = composeServer({ ...ports, machineClock, deviceCa: openDeviceCa({ files, clock, lifeDays: 365 }) });
  await server.drain();
  // As production: the policy is read twice a second.
  setInterval(() => void server.drain(), 500);
  const { log } = ports;
  const schedule = { after: () => () => {} };
  const tls = await listenWithTls({ server, files, host: '127.0.0.1', port: 0, clock, schedule, log });
  const path = join(folder, 'gateway.sock');
  const socket = await listenToTerminator({ server, path, schedule, log });
  if (!tls.ok || !socket.ok) throw new Error('cannot listen');
  console.log(JSON.stringify({ port: Number(new URL(tls.value.url).port), path }));
}
