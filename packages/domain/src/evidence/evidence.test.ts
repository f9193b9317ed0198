// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { SegmentId } from '../kernel/ids.ts';
import { fleetInstant, HOUR_MS } from '../kernel/time.ts';
import { defaultGates, defaultWaves, PERMIT_LIFE_MS_DEFAULT } from '../policy/default-plan.ts';
import type { RolloutPlan } from '../policy/rollout.ts';
import { count, emptyEvidence, restartInstallCounts } from './count.ts';
import type { CoinMetric, EvidenceEvent } from './evidence.ts';

test('an event that stands for many devices counts as that many devices one by one', () => {
  fc.assert(
    fc.property(fc.array(bulkEvent(), { maxLength: 12 }), fc.boolean(), (events, isRestarted) => {
      const asOf = fleetInstant(9 * HOUR_MS);
      const empty = emptyEvidence(PLAN, fleetInstant(0));
      const before = isRestarted ? restartInstallCounts(empty, fleetInstant(4 * HOUR_MS)) : empty;
      assert.deepEqual(count(before, events, asOf), count(before, events.flatMap(singles), asOf));
    }),
  );
});

const PLAN: RolloutPlan = {
  rolloutId: 'rollout-1' as RolloutPlan['rolloutId'],
  deviceType: 'camera',
  releaseId: 'camera-2.0.0' as RolloutPlan['releaseId'],
  audience: { kind: 'everyone' },
  salt: 'salt',
  segmentBy: 'hardwareId',
  waves: defaultWaves(),
  gates: defaultGates(),
  onSegmentHalt: 'halt-rollout',
  onHalt: 'stay',
  permitLifeMs: PERMIT_LIFE_MS_DEFAULT,
};

function singles({ devices, ...event }: EvidenceEvent): readonly EvidenceEvent[] {
  return Array.from({ length: devices ?? 1 }, () => event);
}

function bulkEvent(): fc.Arbitrary<EvidenceEvent> {
  const segment = fc.constantFrom('rev-a' as SegmentId, 'rev-b' as SegmentId);
  const arm = fc.constantFrom('treated' as const, 'control' as const);
  const metric = fc.constantFrom<CoinMetric>('silent24', 'silent72', 'silent168', 'crash24', 'sensor24');
  const pi = fc.constantFrom(0.2, 0.375);
  const at = fc.integer({ min: 1, max: 9 * HOUR_MS }).map(fleetInstant);
  const devices = fc.integer({ min: 1, max: 20 });
  const isOne = fc.boolean();
  return fc.oneof(
    fc.record({ kind: fc.constant('enrolled' as const), segment, arm, pi, at, devices }),
    fc.record({
      kind: fc.constantFrom('confirmed' as const, 'reverted' as const, 'install-failed' as const),
      segment,
      at,
      grantedAt: at,
      isFirstEnd: isOne,
      wasConfirmed: isOne,
      devices,
    }),
    fc.record({ kind: fc.constant('coin-event' as const), metric, segment, arm, pi, isFirstHalf: isOne, devices }),
    fc.record({ kind: fc.constant('window-closed' as const), metric, segment, arm, hadEvent: isOne, devices }),
  );
}
