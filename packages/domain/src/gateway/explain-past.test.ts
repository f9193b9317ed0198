// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aDevice, aManifest, anExposure, aPlan, id, NOW } from '@outrider/testkit/small-fleet';
import type { Revision, RolloutId } from '../kernel/ids.ts';
import { after, durationMs, type FleetInstant, HOUR_MS } from '../kernel/time.ts';
import type { PolicyChange, PolicyEntry } from '../policy/log.ts';
import type { PublishedRelease } from '../release/release.ts';
import { explainPast, policyAt } from './explain-past.ts';

const rolloutId = id<RolloutId>('r1');
const hour = (number: number): FleetInstant => after(NOW, durationMs(number * HOUR_MS));
const event = (one: 'approve' | 'start' | 'pause'): PolicyChange => ({
  ...{ kind: 'rollout-event', rolloutId, event: one, reason: 'a test' },
});

/** Created in the first hour, started in the second, paused in the fourth. */
const entries: readonly PolicyEntry[] = [
  { at: hour(1), change: { kind: 'rollout-created' as const, plan: aPlan({ onHalt: 'stay' }) } },
  { at: hour(1), change: event('approve') },
  { at: hour(2), change: event('start') },
  { at: hour(4), change: event('pause') },
].map((one, index) => ({ ...one, revision: (index + 1) as Revision, author: 'ada' }));

function explainedAt(at: FleetInstant, more: { withdrawnAt?: FleetInstant; opened?: FleetInstant } = {}) {
  const { withdrawnAt, opened } = more;
  const release: PublishedRelease = {
    ...{ manifest: aManifest(), publishedAt: NOW },
    envelope: { payloadType: '', payload: '', signatures: [] },
    ...(withdrawnAt === undefined ? {} : { withdrawnAt, withdrawnReason: 'it smells' }),
  };
  // Nothing was open before the decision that opened it.
  const closed = anExposure({ downloadsAllowed: 0 });
  return explainPast(
    {
      policy: policyAt(entries, at),
      releases: [release],
      exposures: [anExposure()],
      exposuresUntilNext: new Map(opened !== undefined && opened > at ? [[rolloutId, closed]] : []),
    },
    aDevice(),
    at,
  );
}

test('a device is explained by the policy of that instant', () => {
  const answers = [0, 1, 2, 3, 4].map((number) => {
    const { answer, past } = explainedAt(hour(number));
    return [answer.code, past.revision];
  });
  assert.deepEqual(answers, [
    ['no-rollout', 0],
    ['no-rollout', 2],
    ['offer', 3],
    ['offer', 3],
    ['rollout-not-running', 4],
  ]);
});

test('what was opened or withdrawn later is not taken for what was', () => {
  assert.equal(explainedAt(hour(2), { opened: hour(3) }).answer.code, 'wave-not-open');
  assert.equal(explainedAt(hour(3), { opened: hour(3) }).answer.code, 'offer');
  assert.equal(explainedAt(hour(2), { withdrawnAt: hour(3) }).answer.code, 'offer');
  assert.equal(explainedAt(hour(3), { withdrawnAt: hour(3) }).answer.code, 'release-withdrawn');
});

test('what nobody has kept is named', () => {
  const { knownAsToday } = explainedAt(hour(2)).past;
  assert.match(knownAsToday.join('\n'), /What the device runs.*1\.0\.0.*no permit[\s\S]*attributes/);
});
