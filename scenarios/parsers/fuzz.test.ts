// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import process from 'node:process';
import { test } from 'node:test';
import { sizesOf } from '../parsers.ts';
import { fuzz } from './fuzz.ts';
import { type FuzzedText, fuzzedParsers } from './list.ts';

/** A short run of `npm run prove -- parsers`. */
const INPUTS = 6_000;

test('no bytes from the network crash a parser or are refused without a name', async () => {
  const parsers = await fuzzedParsers();
  assert.ok(parsers.length >= 25, `${parsers.length} parsers`);
  const sizes = sizesOf(parsers, INPUTS);
  let [inputs, outerPassed] = [0, 0];
  for (const parser of parsers) {
    const result = await fuzz(parser, sizes.get(parser.name) ?? 0, process.env.SEED ?? '42');
    assert.deepEqual([...result.crashes, ...result.unnamed], [], parser.name);
    assert.ok(result.inputs > 0, parser.name);
    inputs += result.inputs;
    outerPassed += result.outerPassed;
  }
  assert.ok(outerPassed * 2 >= inputs, `${outerPassed} of ${inputs} passed the outer parse`);
});

test('a parser that throws, refuses without a name, or hangs is found', async () => {
  const around = (parse: FuzzedText['parse']): FuzzedText => ({
    ...{ kind: 'text', name: 'planted', golden: ['{"a":1,"b":[2,3]}'], parse },
  });
  const thrower = around((text) => {
    if (text.includes('[')) throw new TypeError('planted');
    return { ok: true };
  });
  assert.ok((await fuzz(thrower, 200, '1')).crashes.length > 0);
  assert.ok(
    (
      await fuzz(
        around(() => ({ ok: false, error: {} })),
        10,
        '1',
      )
    ).unnamed.length === 10,
  );
  const hanging = around(() => {
    const began = process.threadCpuUsage();
    while (process.threadCpuUsage(began).user < 60_000);
    return { ok: true };
  });
  assert.ok((await fuzz(hanging, 1, '1')).slowestMs > 50);
});
