// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { recordedWorld } from '../recorded-world.ts';

const world = recordedWorld();
after(() => world.remove());
writeFileSync(join(world.folder, 'root.pass'), 'a passphrase of several words\n');
const MAKING = '--server-name 127.0.0.1 --passphrase-file root.pass';

test('a CA is renewed as often as need be, and a former CA for devices is forgotten by the beginning of its digest', async () => {
  await outrider(`ca init ${MAKING} --data data`);
  const first = await digestOf('devices');
  for (let time = 0; time < 3; time++) await outrider(`ca renew ${MAKING} --root-key ca-root.key.json --data data`);
  assert.equal((await shown()).formerDevices.split('; ').length, 3);
  await outrider(`ca forget ${first.slice(0, 16)} --data data`);
  const left = await shown();
  assert.equal(left.formerDevices.includes(first), false);
  assert.equal(left.formerDevices.split('; ').length, 2);
});

test('a second CA stands beside the first until devices have its certificates, then the first root goes with all below it', async () => {
  const [formerRoot, formerDevices] = [await digestOf('root'), await digestOf('devices')];
  await outrider(`ca init ${MAKING} --root-key next.key.json --data next`);
  await outrider('ca pin-root next/ca/roots.pem --data data');
  assert.equal((await shown()).root.split('; ').length, 2);
  assert.equal(await digestOf('root'), formerRoot, 'tokens name the root that the server shows');
  await outrider('ca adopt --from next/ca --beside --data data');
  const beside = await shown();
  assert.equal(beside.root.endsWith(formerRoot), true);
  assert.equal(beside.formerDevices.includes(formerDevices), true);
  await outrider(`ca forget ${formerRoot} --data data`);
  const left = await shown();
  assert.equal(left.root.includes(formerRoot), false);
  assert.equal(left.formerDevices, 'none');
});

test('what the server works with is not forgotten, and what is no CA is not pinned: one sentence each', async () => {
  for (const [words, sentence] of [
    [`ca forget ${await digestOf('root')}`, /To this certificate new certificates of devices lead; make another first/],
    [`ca forget ${await digestOf('devices')}`, /To this certificate new certificates of devices lead/],
    ['ca forget 00000000', /00000000 is the beginning of no one certificate; there are [0-9a-f]{16}/],
    ['ca forget a', /a is the beginning of no one certificate/],
    ['ca pin-root root.pass', /holds no certificate of a CA in PEM; name the roots\.pem of the other CA/],
    ['ca pin-root data/ca/server.pem', /holds no certificate of a CA/],
  ] as const) {
    const { code, log } = await world.run(...`${words} --data data`.split(' '));
    assert.notEqual(code, 0, words);
    assert.match(log, sentence);
  }
});

async function outrider(words: string): Promise<void> {
  const { code, log } = await world.run(...words.split(' '));
  assert.equal(code, 0, `${words}: ${log}`);
}

async function shown(): Promise<Readonly<Record<'root' | 'devices' | 'formerDevices', string>>> {
  return JSON.parse((await world.run('ca', 'show', '--data', 'data', '--json')).output);
}

/** Of the first certificate in a line. */
async function digestOf(line: 'root' | 'devices'): Promise<string> {
  return /SHA-256 ([0-9a-f]{64})/.exec((await shown())[line])?.[1] ?? '';
}
