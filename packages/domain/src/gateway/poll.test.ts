// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { propertyOptions } from '@outrider/testkit/seed';
import { aDevice, aSnapshot, id, NOW } from '@outrider/testkit/small-fleet';
import fc from 'fast-check';
import type { DeviceId, ReleaseId, RolloutId } from '../kernel/ids.ts';
import { durationMs, HOUR_MS, MINUTE_MS } from '../kernel/time.ts';
import { answerPermit } from './answer-permit.ts';
import type { LedgerRow } from './ledger.ts';
import { IDLE_POLL_MS, pollAfter, RE_POLLS_MS } from './poll.ts';

describe('the interval at which a device is asked back', () => {
  test('is twelve hours in the mean, spread over as much', () => {
    const intervals = Array.from({ length: 2_000 }, (_, sequence) =>
      pollAfter({ deviceId: id<DeviceId>('d1'), sequence, now: NOW }),
    );
    const meanMs = intervals.reduce((sum, one) => sum + one, 0) / intervals.length;
    assert.ok(Math.abs(meanMs - IDLE_POLL_MS) < 0.03 * IDLE_POLL_MS);
    assert.ok(Math.min(...intervals) >= 0.5 * IDLE_POLL_MS && Math.max(...intervals) <= 1.5 * IDLE_POLL_MS);
  });

  test('is the same for the same message, so that a run can be replayed', () => {
    const situation = { deviceId: id<DeviceId>('d1'), sequence: 7, now: NOW };
    assert.equal(pollAfter(situation), pollAfter(situation));
  });

  test('after an enrolment leads through 15 minutes, 1, 6 and 23 hours, in both arms alike', () => {
    const contacts = (arm: LedgerRow['arm']) => contactsAfterGrant({ ...row(), arm });
    assert.deepEqual(contacts('treated'), contacts('control'));
    const found = contacts('control');
    for (const [index, dueMs] of RE_POLLS_MS.slice(0, 3).entries()) {
      const lateMs = (found[index] ?? 0) - dueMs;
      assert.ok(lateMs > 0 && lateMs <= 10 * MINUTE_MS, `re-poll ${index} is ${lateMs} ms late`);
    }
    // The idle interval may bring the fourth contact forward, never past the re-poll.
    assert.ok((found[3] ?? 0) <= 23 * HOUR_MS + 10 * MINUTE_MS);
  });

  test('gives every reachable device a contact that counts against silence within 24 hours', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[0-9a-f]{32}$/), (permitId) => {
        const contacts = contactsAfterGrant({ ...row(), permitId: id(permitId) });
        assert.ok(contacts.filter((atMs) => atMs > HOUR_MS && atMs <= 24 * HOUR_MS).length >= 3);
      }),
      propertyOptions(),
    );
  });
});

function row(): LedgerRow {
  const device = aDevice();
  const request = {
    deviceId: device.record.deviceId,
    sequence: 1,
    rolloutId: id<RolloutId>('r1'),
    releaseId: id<ReleaseId>('camera-1.1.0'),
    isRollback: false,
  };
  const proposal = answerPermit(aSnapshot([{}]), device, request, NOW);
  assert.ok('row' in proposal);
  return proposal.row;
}

/** Milliseconds after the grant at which a device that obeys comes back, for two days. */
function contactsAfterGrant(enrolment: LedgerRow): readonly number[] {
  const found: number[] = [];
  let now = enrolment.grantedAt;
  for (let sequence = 1; now < enrolment.grantedAt + 48 * HOUR_MS; sequence++) {
    now = (now + durationMs(pollAfter({ deviceId: enrolment.deviceId, sequence, now, enrolment }))) as typeof now;
    found.push(now - enrolment.grantedAt);
  }
  return found;
}
