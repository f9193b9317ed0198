// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { memoryStore } from '@outrider/testkit/memory-store';
import { NOW } from '@outrider/testkit/small-fleet';
import type { Schedule } from '../ports.ts';
import { BodyTooSlow, pacedBody, STRETCH_BYTES_MIN } from './paced-body.ts';
import { importDevices } from './registry-import.ts';

function stretches() {
  const timers = new Set<() => void>();
  const schedule: Schedule = {
    after(_delayMs, work) {
      timers.add(work);
      return () => void timers.delete(work);
    },
  };
  return {
    schedule,
    timers,
    /** A stretch is over. */
    pass() {
      const due = [...timers];
      timers.clear();
      for (const work of due) work();
    },
  };
}

/** A sender whose pieces come when the test says so. */
function sender() {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const send = (piece: string | Uint8Array) =>
    void writer.write(typeof piece === 'string' ? new TextEncoder().encode(piece) : piece);
  return { body: readable as AsyncIterable<Uint8Array>, send, end: () => void writer.close() };
}

const LINE =
  '{"deviceId":"camera-1","deviceType":"camera","model":"m1","hardwareId":"rev-a","region":"north","customer":"acme","carrier":"wire"}\n';

test('an upload that drips is refused by name after half a minute, and its whole lines are taken in', async () => {
  const { schedule, pass, timers } = stretches();
  const { body, send } = sender();
  const store = memoryStore();
  const request = { body, format: 'ndjson', author: 'ann', isDryRun: false } as const;
  const importing = importDevices(store.importer, request, { fleetClock: { now: () => NOW }, schedule });
  send(LINE);
  send('{"dev');
  await turn();
  pass();
  const answer = await importing;
  assert.ok(!answer.ok);
  assert.equal(answer.error.code, 'body-too-slow');
  assert.match(answer.error.detail, /^Only \d+ bytes came in 30 seconds, allowed are 65536 or more/);
  assert.equal((await store.importer.listExpected({ limit: 10 })).length, 1);
  assert.equal(timers.size, 0);
});

test('a sender at the least pace is read to its end', async () => {
  const { schedule, pass, timers } = stretches();
  const { body, send, end } = sender();
  const reading = Array.fromAsync(pacedBody(body, schedule));
  for (let stretch = 0; stretch < 20; stretch++) {
    send(new Uint8Array(STRETCH_BYTES_MIN));
    await turn();
    pass();
  }
  end();
  assert.equal((await reading).length, 20);
  assert.equal(timers.size, 0);
});

test('a stretch in which the reader was at work by itself is not held against the sender, the next one is', async () => {
  const { schedule, pass } = stretches();
  const { body, send } = sender();
  const paced = pacedBody(body, schedule);
  const reading = paced[Symbol.asyncIterator]();
  send('a');
  await reading.next();
  paced.excuse();
  pass();
  send('b');
  assert.equal((await reading.next()).value?.length, 1);
  const third = reading.next();
  pass();
  await assert.rejects(third, BodyTooSlow);
});
