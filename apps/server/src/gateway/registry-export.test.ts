// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { memoryStore } from '@outrider/testkit/memory-store';
import { aDevice, NOW } from '@outrider/testkit/small-fleet';
import { deviceLines } from './registry-export.ts';

async function onStage() {
  const store = memoryStore();
  await store.registry.register([aDevice().record]);
  let endCount = 0;
  const asked = { query: { kind: 'all' }, format: 'csv', now: NOW } as const;
  const lines = Readable.from(deviceLines(store.finder, { ...asked, onEnd: () => void endCount++ }));
  return { lines, ends: () => endCount };
}

test('an export ends once, whether it was read to its end, given up halfway or never begun', async () => {
  const read = await onStage();
  assert.equal((await read.lines.toArray()).length, 2);
  assert.equal(read.ends(), 1);

  const halfway = await onStage();
  for await (const _ of halfway.lines) break;
  assert.equal(halfway.ends(), 1);

  const neverBegun = await onStage();
  neverBegun.lines.destroy();
  await once(neverBegun.lines, 'close');
  assert.equal(neverBegun.ends(), 1, 'two of these would refuse every further export, import and explanation');
});
