// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { loadConsoleFiles } from './console-files.ts';
import { consoleListener, isConsolePath } from './console-listener.ts';

const folder = await mkdtemp(join(tmpdir(), 'outrider-page-'));
await mkdir(join(folder, 'console'));
await writeFile(join(folder, 'index.html'), '<!doctype html><title>Outrider</title>');
await writeFile(join(folder, 'console', 'page-a1.js'), 'export const page = 1;\n');
await writeFile(join(folder, 'console', 'notes.txt'), 'of nobody');
await writeFile(join(folder, '.sources-sha256'), 'a stamp');

const built = createServer(consoleListener(await loadConsoleFiles(folder)));
const unbuilt = createServer(consoleListener(await loadConsoleFiles(join(folder, 'nowhere'))));
const urls = await Promise.all([built, unbuilt].map(opened));
after(async () => {
  for (const one of [built, unbuilt]) one.close();
  await rm(folder, { recursive: true });
});

async function opened(server: ReturnType<typeof createServer>): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // A TCP server has an address of this kind once it listens.
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('the page comes under a policy that lets a browser run nothing of a stranger', async () => {
  const response = await fetch(`${urls[0]}/?from=bookmark`);
  assert.equal(response.status, 200);
  assert.match(await response.text(), /Outrider/);
  const policy = response.headers.get('content-security-policy') ?? '';
  assert.match(policy, /default-src 'none'; script-src 'self'; style-src 'self'/);
  assert.match(policy, /frame-ancestors 'none'/);
  assert.doesNotMatch(policy, /unsafe|data:|https:|\*/);
  assert.equal(response.headers.get('x-content-type-options'), 'nosniff');
  assert.equal(response.headers.get('referrer-policy'), 'no-referrer');
  assert.equal(response.headers.get('cache-control'), 'no-cache');
});

test('files named by their digests are kept for a year, the page itself is asked for anew and costs nothing', async () => {
  const script = await fetch(`${urls[0]}/console/page-a1.js`);
  assert.equal(script.headers.get('content-encoding'), 'gzip');
  assert.match(script.headers.get('cache-control') ?? '', /immutable/);
  assert.equal(await script.text(), 'export const page = 1;\n');
  const page = await fetch(`${urls[0]}/`);
  const again = await fetch(`${urls[0]}/`, { headers: { 'if-none-match': page.headers.get('etag') ?? '' } });
  assert.equal(again.status, 304);
});

test('nothing but the files of the page is served, whatever the path says', async () => {
  for (const path of [
    '/console/notes.txt',
    '/console/.sources-sha256',
    '/console/..%2f..%2fadmin-token',
    '/console/',
  ]) {
    assert.equal((await fetch(`${urls[0]}${path}`)).status, 404, path);
  }
  for (const path of ['/v1/check-in', '/blobs/00', '/consoles', '/api/v1/status'])
    assert.equal(isConsolePath(path), false);
  assert.equal((await fetch(`${urls[0]}/`, { method: 'POST', body: 'x' })).status, 405);
});

test('a server whose page was not built says what to do, and serves devices all the same', async () => {
  const response = await fetch(`${urls[1]}/`);
  assert.equal(response.status, 404);
  assert.match(await response.text(), /npm run build/);
});
