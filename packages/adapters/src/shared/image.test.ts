// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readFile, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type Header, pack } from 'tar-stream';
import { digestStream } from './digest.ts';
import { packImage, unpackImage } from './image.ts';

const folder = await mkdtemp(join(tmpdir(), 'outrider-image-'));
after(() => rm(folder, { recursive: true, force: true }));
let places = 0;

type Entry = Partial<Header> & Pick<Header, 'name'>;

test('the same files give the same image, whatever their times and the order they were made in', async () => {
  const one = await tree(['launcher', 'lib/a.txt', 'lib/b.txt']);
  const other = await tree(['lib/b.txt', 'launcher', 'lib/a.txt']);
  await utimes(join(other, 'launcher'), new Date(1e12), new Date(1e12));
  await chmod(join(other, 'lib/a.txt'), 0o640);
  assert.deepEqual(await digestStream(await packed(one)), await digestStream(await packed(other)));
});

test('an image unpacks to the files it was made from, executable where they were', async () => {
  const long = `deep/${'n'.repeat(90)}/${'m'.repeat(90)}/file.txt`;
  const source = await tree(['launcher', 'lib/a.txt', long]);
  const place = freshPlace();
  assert.deepEqual(await unpackImage(await packed(source), place), { ok: true, value: 'unpacked' });
  assert.equal(await readFile(join(place, long), 'utf8'), long);
  assert.equal((await stat(join(place, 'launcher'))).mode & 0o111, 0o111);
  assert.equal((await stat(join(place, 'lib/a.txt'))).mode & 0o111, 0);
  assert.deepEqual(await digestStream(await packed(place)), await digestStream(await packed(source)));
});

test('a folder with a link is refused by name', async () => {
  const source = await tree(['launcher']);
  await symlink('/etc/passwd', join(source, 'link'));
  const result = await packImage(source);
  assert.equal(!result.ok && result.error.code, 'entry-kind-refused');
  const missing = await packImage(join(folder, 'nowhere'));
  assert.equal(!missing.ok && missing.error.code, 'folder-missing');
});

test('an image can write nothing outside its folder', async () => {
  const cases: readonly (readonly [string, Entry])[] = [
    ['entry-name-refused', { name: '../escaped' }],
    ['entry-name-refused', { name: '/escaped' }],
    ['entry-name-refused', { name: 'a/../../escaped' }],
    ['entry-name-refused', { name: 'a//b' }],
    ['entry-kind-refused', { name: 'link', type: 'symlink', linkname: '/etc' }],
    ['entry-kind-refused', { name: 'hard', type: 'link', linkname: '/etc/passwd' }],
    ['entry-kind-refused', { name: 'fifo', type: 'fifo' }],
  ];
  for (const [code, header] of cases) {
    const result = await unpackImage(tar([header]), freshPlace());
    assert.equal(!result.ok && result.error.code, code, JSON.stringify(header));
  }
  const twice = await unpackImage(tar([{ name: 'a' }, { name: 'a' }]), freshPlace());
  assert.equal(!twice.ok && twice.error.code, 'entry-name-taken');
  const below = await unpackImage(tar([{ name: 'a' }, { name: 'a/b' }]), freshPlace());
  assert.equal(!below.ok && below.error.code, 'entry-name-taken');
});

test('an image that is cut or no tar at all is refused, and a fault of its source passes through', async () => {
  const whole: Uint8Array[] = [];
  for await (const chunk of await packed(await tree(['launcher', 'lib/a.txt']))) whole.push(chunk);
  const bytes = Buffer.concat(whole);
  for (const wrong of [bytes.subarray(0, 700), Buffer.alloc(4_096, 0x41)]) {
    const result = await unpackImage(once(wrong), freshPlace());
    assert.equal(!result.ok && result.error.code, 'image-malformed');
  }
  const fault = new Error('disk pulled');
  async function* failing(): AsyncGenerator<Uint8Array> {
    yield bytes.subarray(0, 100);
    throw fault;
  }
  await assert.rejects(unpackImage(failing(), freshPlace()), fault);
});

function freshPlace(): string {
  return join(folder, `place-${places++}`);
}

async function tree(names: readonly string[]): Promise<string> {
  const place = freshPlace();
  for (const name of names) {
    await mkdir(join(place, name, '..'), { recursive: true });
    await writeFile(join(place, name), name, { mode: name === 'launcher' ? 0o755 : 0o644 });
  }
  return place;
}

async function packed(place: string): Promise<AsyncIterable<Uint8Array>> {
  const result = await packImage(place);
  assert(result.ok);
  return result.value;
}

function tar(entries: readonly Entry[]): AsyncIterable<Uint8Array> {
  const packer = pack();
  for (const entry of entries) packer.entry(entry, '');
  packer.finalize();
  return bytesOf(packer);
}

async function* bytesOf(packer: AsyncIterable<unknown>): AsyncGenerator<Uint8Array> {
  for await (const chunk of packer) {
    assert(chunk instanceof Uint8Array);
    yield chunk;
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
