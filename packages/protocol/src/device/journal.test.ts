// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Journal, newJournal } from '@outrider/domain/device/state';
import { parseId, type ReleaseId, type RolloutId, type Sha256 } from '@outrider/domain/kernel/ids';
import { fleetInstant } from '@outrider/domain/kernel/time';
import { encodeJournal, journalWriter } from './journal.ts';

test('a journal that is stored again and again is the text that a journal stored for the first time would be', () => {
  const deviceId = parseId<Journal['deviceId']>('device id', 'device-1');
  assert.ok(deviceId.ok);
  const first = newJournal(deviceId.value, fleetInstant(1_800_000_000_000));
  const staging = ['a'.repeat(64) as Sha256];
  const report = {
    deviceId: deviceId.value,
    sequence: 3,
    at: fleetInstant(1_800_000_000_500),
    event: 'crash',
    rolloutId: 'rollout-1' as RolloutId,
    releaseId: 'release-1' as ReleaseId,
    detail: 'a "quote", a \\ and a line\nbreak',
  } as unknown as Journal['reports'][number];
  const { crashes: _, ...withoutCrashes } = first;
  const steps: readonly Journal[] = [
    first,
    { ...first, sequence: 1, phase: 'checking' },
    { ...first, sequence: 2, reason: 'not "ready"', staging },
    { ...first, sequence: 2, reason: 'not "ready"', staging, reports: [report] },
    { ...withoutCrashes, staging, reports: [report] },
    // A member that was away and came back, and one that became another value of the same text length.
    { ...first, staging: ['b'.repeat(64) as Sha256], reports: [report] },
    { ...first, staging, reports: [] },
  ];
  const write = journalWriter();
  for (const journal of steps) assert.equal(write(journal), encodeJournal(journal));
});
