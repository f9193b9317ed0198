// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as elapse } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { loadPointer } from '@outrider/adapters/server/embedded-postgres/cluster';
import { exists } from '@outrider/adapters/shared/files';
import { EXIT_CODES } from './exit-codes.ts';

const PROGRAM = fileURLToPath(new URL('./main.ts', import.meta.url));
/** "Drains in under five seconds", whatever hangs. */
const STOP_MS_MAX = 5_000;
/** What a second signal may take: nothing is waited for any more. */
const AT_ONCE_MS_MAX = 500;

const root = await mkdtemp(join(tmpdir(), 'outrider-stop-'));
const dataFolder = join(root, 'server');
after(async () => {
  const home = (await loadPointer(dataFolder))?.home;
  await rm(root, { recursive: true });
  if (home !== undefined) await rm(home, { recursive: true, force: true });
});

interface Running {
  readonly child: ChildProcess;
  readonly url: string;
  readonly token: string;
}

test('a server under load that is asked to stop answers what is under way, turns the rest away by name and ends within five seconds', async () => {
  const server = await start();
  const answers: string[] = [];
  let isAsked = false;
  const load = Array.from({ length: 8 }, (_, lane) => keepUploading(server, lane, { answers, isAsked: () => isAsked }));
  const hung = await hangHalfway(server);
  const watched = watchOverview(server);
  await elapse(300);
  const askedAt = performance.now();
  isAsked = true;
  server.child.kill('SIGTERM');
  // On a connection of its own: those under load are answered and closed one by one.
  const ready = await untilTurnedAway(server);
  const [code] = await once(server.child, 'exit');
  const tookMs = performance.now() - askedAt;
  await Promise.all(load);
  hung.destroy();
  assert.equal(code, EXIT_CODES.stopped);
  assert.match(await watched, /^event: |^data: /m, 'a stream of events ends, it does not break');
  assert.ok(tookMs < STOP_MS_MAX, `stopped in ${Math.round(tookMs)} ms`);
  assert.equal(ready.status, 503);
  assert.equal(ready.headers.get('connection'), 'close');
  assert.equal(ready.headers.get('retry-after'), '5');
  assert.equal(ready.code, 'shutting-down');
  const kinds = new Set(answers);
  assert.ok(kinds.has('200'), 'uploads were answered before');
  assert.deepEqual(
    [...kinds].filter((one) => one !== '200' && one !== '503 shutting-down'),
    [],
    'and no other way',
  );
  assert.equal(await exists(join(dataFolder, 'server.json')), false, 'nobody is led to a server that is gone');
  assert.deepEqual(await readdir(join(dataFolder, 'blobs', 'arriving')), [], 'the cut upload left nothing behind');
});

test('PostgreSQL was ended cleanly: the next start has nothing to recover, and a second signal ends it at once', async () => {
  const cluster = await loadPointer(dataFolder);
  assert.ok(cluster !== undefined);
  assert.equal(await exists(join(cluster.home, 'data', 'postmaster.pid')), false);
  const server = await start();
  const log = await readFile(join(cluster.home, 'postgres.log'), 'utf8');
  assert.doesNotMatch(log, /was not properly shut down|was interrupted/);
  const hung = await hangHalfway(server);
  server.child.kill('SIGTERM');
  await elapse(100);
  const askedAt = performance.now();
  server.child.kill('SIGTERM');
  const [code] = await once(server.child, 'exit');
  hung.destroy();
  assert.equal(code, EXIT_CODES['stopped-short']);
  assert.ok(performance.now() - askedAt < AT_ONCE_MS_MAX, 'a second signal waits for nothing');
});

test('after a stop that was cut short the next start is whole again, and a stop during a start ends in time too', async () => {
  const server = await start();
  server.child.kill('SIGINT');
  const [code] = await once(server.child, 'exit');
  assert.equal(code, EXIT_CODES.stopped);
  const starting = launch();
  await elapse(150);
  const askedAt = performance.now();
  starting.kill('SIGTERM');
  await once(starting, 'exit');
  assert.ok(performance.now() - askedAt < STOP_MS_MAX + AT_ONCE_MS_MAX);
});

function launch(): ChildProcess {
  const flags = ['--data', dataFolder, '--port', '0'];
  return spawn(process.execPath, [PROGRAM, ...flags], { stdio: ['ignore', 'pipe', 'ignore'] });
}

async function start(): Promise<Running> {
  const child = launch();
  let said = '';
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout?.on('data', (part) => {
      said += part;
      const found = /ready at (\S+),/.exec(said)?.[1];
      if (found !== undefined) resolve(found);
    });
    child.once('exit', (code) => reject(new Error(`The server ended with ${code} before it was ready`)));
  });
  return { child, url, token: (await readFile(join(dataFolder, 'admin-token'), 'utf8')).trim() };
}

/**
 * Uploads blob after blob until the server is gone; each answer that comes is noted, and one that breaks off is one too. Who
 * only comes after the stop was asked for may also find nobody.
 */
async function keepUploading(
  { url, token }: Running,
  lane: number,
  { answers, isAsked }: { readonly answers: string[]; readonly isAsked: () => boolean },
): Promise<void> {
  for (let number = 0; ; number++) {
    const body = Buffer.alloc(200_000, `${lane} ${number}`);
    const digest = createHash('sha256').update(body).digest('hex');
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/octet-stream' };
    const isLate = isAsked();
    try {
      const response = await fetch(`${url}/api/v1/blobs/${digest}`, { method: 'PUT', headers, body });
      const answer = (await response.json()) as { readonly code?: string };
      answers.push([response.status, ...(answer.code === undefined ? [] : [answer.code])].join(' '));
      if (response.status === 503) return;
    } catch (cause) {
      const reason = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
      const code = reason instanceof Error && 'code' in reason ? String(reason.code) : String(reason);
      if (!isLate) answers.push(code);
      return;
    }
  }
}

/** An upload that stops half-way and keeps its connection. */
async function hangHalfway({ url, token }: Running): Promise<Socket> {
  const { port } = new URL(url);
  const socket = connect(Number(port), '127.0.0.1');
  socket.on('error', () => undefined);
  const digest = createHash('sha256').update('never whole').digest('hex');
  const head = [`PUT /api/v1/blobs/${digest} HTTP/1.1`, 'Host: x', `Authorization: Bearer ${token}`];
  socket.write([...head, 'Content-Type: application/octet-stream', 'Content-Length: 1000', '', 'half'].join('\r\n'));
  await elapse(100);
  return socket;
}

/** All that a stream of events said until its end; rejects when it breaks off. */
async function watchOverview({ url, token }: Running): Promise<string> {
  const response = await fetch(`${url}/api/v1/overview/stream`, { headers: { authorization: `Bearer ${token}` } });
  return await response.text();
}

async function untilTurnedAway({ url }: Running) {
  for (;;) {
    const response = await fetch(`${url}/health/ready`, { headers: { connection: 'close' } });
    const body = (await response.json()) as { readonly code?: string };
    if (response.status === 503) return { status: response.status, headers: response.headers, code: body.code };
  }
}
