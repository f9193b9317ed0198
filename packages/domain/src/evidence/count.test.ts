// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aPlan, id, NOW } from '@outrider/testkit/small-fleet';
import type { SegmentId } from '../kernel/ids.ts';
import { type FleetInstant, fleetInstant, HOUR_MS, MINUTE_MS } from '../kernel/time.ts';
import { count, emptyEvidence, RECENT_SLOT_MS, restartInstallCounts } from './count.ts';
import type { EvidenceEvent, InstallationEnd } from './evidence.ts';

const segment = id<SegmentId>('rev-a');
const plan = aPlan();

test('a permit granted at the very instant the rollout starts is counted', () => {
  assert.ok(emptyEvidence(plan, NOW).asOf < NOW);
});

test('counting changes nothing in the evidence it starts from', () => {
  const before = count(emptyEvidence(plan, NOW), [enrolled(NOW)], NOW);
  const text = JSON.stringify(before);
  count(before, [enrolled(NOW), end('reverted', NOW)], later(1));
  assert.equal(JSON.stringify(before), text);
});

test('the newest enrolment is known whatever the order of the rows', () => {
  const evidence = count(emptyEvidence(plan, NOW), [enrolled(later(5)), enrolled(later(2))], later(9));
  assert.equal(evidence.lastEnrolledAt, later(5));
});

test('ends of installations are kept for the slot of ten minutes they fall into, and forgotten after the next', () => {
  const slotEnd = fleetInstant(Math.ceil(NOW / RECENT_SLOT_MS) * RECENT_SLOT_MS);
  const within = fleetInstant(slotEnd - 1);
  const evidence = count(emptyEvidence(plan, NOW), [end('confirmed', within), end('reverted', slotEnd)], slotEnd);
  assert.deepEqual(evidence.recent, [{ slotEndsAt: slotEnd, ended: 2, reverted: 1 }]);
  assert.equal(count(evidence, [], fleetInstant(slotEnd + 9 * MINUTE_MS)).recent.length, 1);
  assert.equal(count(evidence, [], fleetInstant(slotEnd + 10 * MINUTE_MS)).recent.length, 0);
});

test('after a signed restart earlier installations count for reverts, no more for failures to install', () => {
  const before = count(emptyEvidence(plan, NOW), [enrolled(NOW), end('install-failed', NOW)], NOW);
  const restarted = restartInstallCounts(before, later(HOUR_MS));
  const events = [end('install-failed', later(2 * HOUR_MS)), enrolled(later(2 * HOUR_MS))];
  const evidence = count(restarted, events, later(3 * HOUR_MS));
  assert.deepEqual(evidence.base, [
    { metric: 'install', segment, open: 1, closed: 0, events: 0, confirmed: 0 },
    { metric: 'revert', segment, open: 2, closed: 0, events: 0, confirmed: 0 },
  ]);
});

function later(ms: number): FleetInstant {
  return fleetInstant(NOW + ms);
}

function enrolled(at: FleetInstant): EvidenceEvent {
  return { kind: 'enrolled', segment, arm: 'treated', pi: 0.5, at };
}

/** An end of an installation that was permitted at the start. */
function end(kind: InstallationEnd['kind'], at: FleetInstant): InstallationEnd {
  return { kind, segment, at, grantedAt: NOW, isFirstEnd: true, wasConfirmed: false };
}
