// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { memoryStore } from '@outrider/testkit/memory-store';
import { aDevice, NOW } from '@outrider/testkit/small-fleet';
import type { Schedule } from '../ports.ts';
import { deviceLines, ExportStalledError } from './registry-export.ts';
import { turns } from './turns.ts';

async function onStage(pages = turns(1)) {
  const store = memoryStore();
  await store.registry.register([aDevice().record]);
  let endCount = 0;
  const timers = new Set<() => void>();
  const schedule: Schedule = {
    after(_delayMs, work) {
      timers.add(work);
      return () => void timers.delete(work);
    },
  };
  const asked = { query: { kind: 'all' }, format: 'csv', now: NOW } as const;
  const lines = deviceLines(store.finder, { ...asked, pages, schedule, onEnd: () => void endCount++ });
  return { lines, ends: () => endCount, timers };
}

test('an export ends once, whether it was read to its end, given up halfway or never begun', async () => {
  const read = await onStage();
  const readClosed = once(read.lines, 'close');
  assert.equal((await read.lines.toArray()).length, 2);
  await readClosed;
  assert.deepEqual([read.ends(), read.timers.size], [1, 0]);

  const halfway = await onStage();
  for await (const _ of halfway.lines) break;
  await new Promise(setImmediate);
  assert.deepEqual([halfway.ends(), halfway.timers.size], [1, 0]);

  const neverBegun = await onStage();
  neverBegun.lines.destroy();
  await once(neverBegun.lines, 'close');
  assert.equal(neverBegun.ends(), 1, 'sixteen of these would refuse every further export');
});

test('a reader that does not read holds up no other, and is let go of', async () => {
  const pages = turns(1);
  const idle = await onStage(pages);
  idle.lines.once('readable', () => {});
  await once(idle.lines, 'readable');
  const other = await onStage(pages);
  assert.equal((await other.lines.toArray()).length, 2);

  assert.equal(idle.timers.size, 1, 'its time runs');
  const [work = assert.fail] = idle.timers;
  const brokenOff = once(idle.lines, 'close');
  work();
  await assert.rejects(brokenOff, ExportStalledError);
  await new Promise(setImmediate);
  assert.equal(idle.ends(), 1);
});
