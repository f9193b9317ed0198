// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WakeLine } from '@outrider/adapters/device/wake-line';
import type { DeviceId } from '@outrider/domain/kernel/ids';
import { err, ok } from '@outrider/domain/kernel/result';
import { durationMs, fleetInstant } from '@outrider/domain/kernel/time';
import { listenForCalls } from './listen-for-calls.ts';

/** Listens over a line that ends each time as said, and gives what was waited between, until all has been said. */
async function waitsOf(ends: readonly (Awaited<ReturnType<WakeLine>> | 'called')[]) {
  const [waits, faults]: [number[], string[]] = [[], []];
  let [turn, calls] = [0, 0];
  class Over extends Error {}
  await listenForCalls({
    deviceId: 'camera-7' as DeviceId,
    clock: { now: () => fleetInstant(1_000_000) },
    line: async (onCall) => {
      const end = ends[turn++];
      if (end === undefined) throw new Over();
      if (end !== 'called') return end;
      onCall();
      return ok('ended');
    },
    wait: async (ms) => void waits.push(ms),
    onCall: () => void calls++,
    onFault: (sentence) => void faults.push(sentence),
  }).catch((cause: unknown) => assert.ok(cause instanceof Over));
  return { waits, faults, calls };
}

const cut = err({ code: 'network-unreachable', detail: 'cut' } as const);

test('a device listens again after each answer, and a server that answers at once does not keep its radio busy', async () => {
  const { waits, calls } = await waitsOf(['called', ok('ended'), 'called']);
  assert.equal(calls, 2);
  assert.deepEqual(waits, [5_000, 5_000, 5_000]);
});

test('after a fault it comes again by the back-off of messages, and not before Retry-After; the first of a row is told', async () => {
  const busy = err({ code: 'network-unreachable', detail: 'busy', retryAfterMs: durationMs(300_000) } as const);
  const { waits, faults } = await waitsOf([cut, cut, busy, 'called', cut]);
  assert.equal(waits.length, 5);
  assert.ok((waits[0] ?? 0) >= 15_000 && (waits[0] ?? 0) <= 120_000);
  assert.ok((waits[2] ?? 0) >= 300_000);
  assert.ok((waits[4] ?? 0) <= 120_000, 'a call begins the count anew');
  assert.equal(faults.length, 2);
});
