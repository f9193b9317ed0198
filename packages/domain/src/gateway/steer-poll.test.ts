// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { propertyOptions } from '@outrider/testkit/seed';
import { NOW } from '@outrider/testkit/small-fleet';
import fc from 'fast-check';
import { durationMs, hours, minutes } from '../kernel/time.ts';
import type { CheckInAnswer } from './check-in.ts';
import type { LedgerRow } from './ledger.ts';
import { STEER_FROM_PERMILLE, STEERED_MAX_MS, steerPoll, stretched } from './steer-poll.ts';

const REFUSAL: CheckInAnswer = { kind: 'refusal', code: 'no-rollout', pollAfterMs: hours(6) };
const intervals = fc.integer({ min: 60_000, max: STEERED_MAX_MS }).map(durationMs);
const permille = fc.integer({ min: 0, max: 50_000 });

test('a gateway with room asks devices back as it always does', () => {
  assert.equal(steerPoll(REFUSAL, { ledger: [], now: NOW, loadPermille: STEER_FROM_PERMILLE }), REFUSAL);
});

test('a gateway at twice its aim asks an idle device back later', () => {
  const answer = steerPoll(REFUSAL, { ledger: [], now: NOW, loadPermille: 2 * STEER_FROM_PERMILLE });
  assert.equal(answer.pollAfterMs, hours(12));
});

test('the re-polls of a device whose enrolment is watched are not stretched by any load', () => {
  const watched = { grantedAt: NOW - hours(23) } as unknown as LedgerRow;
  const over = { grantedAt: NOW - hours(26) } as unknown as LedgerRow;
  assert.equal(steerPoll(REFUSAL, { ledger: [watched], now: NOW, loadPermille: 9_000 }), REFUSAL);
  assert.ok(steerPoll(REFUSAL, { ledger: [over], now: NOW, loadPermille: 9_000 }).pollAfterMs > REFUSAL.pollAfterMs);
});

test('more load never shortens an interval, and none grows beyond the longest', () => {
  fc.assert(
    fc.property(intervals, permille, permille, (interval, one, other) => {
      const [less, more] = [Math.min(one, other), Math.max(one, other)];
      assert.ok(stretched(interval, less) >= interval);
      assert.ok(stretched(interval, more) >= stretched(interval, less));
      assert.ok(stretched(interval, more) <= STEERED_MAX_MS);
    }),
    propertyOptions(),
  );
});

test('intervals that differ stay apart by half of what they did, however high the load', () => {
  fc.assert(
    fc.property(intervals, permille, (interval, load) => {
      const later = durationMs(interval + minutes(60));
      if (later < STEERED_MAX_MS) assert.ok(stretched(later, load) - stretched(interval, load) >= minutes(30) - 1);
    }),
    propertyOptions(),
  );
});

test('a fleet that is steered asks no more than the gateway aims at, while its intervals leave room', () => {
  fc.assert(
    fc.property(fc.array(intervals, { minLength: 1, maxLength: 50 }), permille, (fleet, load) => {
      const factor = Math.max(1, load / STEER_FROM_PERMILLE);
      const roomy = fleet.map((one) => durationMs(Math.ceil(one / (2 * (factor + 1)))));
      const rate = (of: readonly number[]) => of.reduce((sum, one) => sum + 1 / one, 0);
      const [before, after] = [rate(roomy), rate(roomy.map((one) => stretched(one, load)))];
      // `before` fills the gateway to `load`; what is left fills it to the aim at most.
      if (load > STEER_FROM_PERMILLE) assert.ok((after / before) * load <= STEER_FROM_PERMILLE * 1.000_001);
    }),
    propertyOptions(),
  );
});
