// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fleetInstant } from '@outrider/domain/kernel/time';
import { propertyOptions } from '@outrider/testkit/seed';
import fc from 'fast-check';
import { dueQueue } from './due-queue.ts';

test('devices wake in the order they are due, and those due together in the order they were queued', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 20 })), fc.nat({ max: 20 }), (instants, now) => {
      const queue = dueQueue<number>();
      instants.forEach((at, index) => {
        queue.push(index, fleetInstant(at));
      });
      const expected = instants
        .map((at, index) => ({ at, index }))
        .filter(({ at }) => at <= now)
        .sort((a, b) => a.at - b.at || a.index - b.index)
        .map(({ index }) => index);
      assert.deepEqual(queue.takeDue(fleetInstant(now)), expected);
      assert.equal(queue.size, instants.length - expected.length);
    }),
    propertyOptions(),
  );
});

test('a step in which nobody is due wakes nobody', () => {
  const queue = dueQueue<string>();
  queue.push('device', fleetInstant(600_000));
  assert.deepEqual(queue.takeDue(fleetInstant(599_999)), []);
  assert.equal(queue.nextAt(), 600_000);
});
