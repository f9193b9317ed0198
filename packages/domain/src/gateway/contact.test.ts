// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { propertyOptions } from '@outrider/testkit/seed';
import { aDevice, aSnapshot, id, NOW } from '@outrider/testkit/small-fleet';
import fc from 'fast-check';
import type { ReleaseId, RolloutId } from '../kernel/ids.ts';
import { DAY_MS, fleetInstant, HOUR_MS } from '../kernel/time.ts';
import { answerPermit } from './answer-permit.ts';
import { isNewContact, withContact } from './contact.ts';
import type { LedgerOutcome } from './ledger.ts';

test('the first contact after one hour, one day and three days is noted, and no other', () => {
  const contacts = [HOUR_MS, 2 * HOUR_MS, DAY_MS, DAY_MS + 1, 3 * DAY_MS, 4 * DAY_MS, 9 * DAY_MS];
  const heard = contacts.reduce((outcome, ms) => withContact(outcome, fleetInstant(NOW + ms)), unheard());
  assert.equal(heard.firstContactAt, NOW + 2 * HOUR_MS);
  assert.equal(heard.secondDayContactAt, NOW + DAY_MS + 1);
  assert.equal(heard.fourthDayContactAt, NOW + 4 * DAY_MS);
});

test('a server that writes only new contacts knows as much as one that writes all', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(240), { maxLength: 20 }), (hours) => {
      const contacts = hours.sort((a, b) => a - b).map((hour) => fleetInstant(NOW + hour * HOUR_MS));
      let all = unheard();
      let written = unheard();
      let before = NOW;
      for (const at of contacts) {
        all = withContact(all, at);
        if (isNewContact(written.row, before, at)) written = withContact(written, at);
        before = at;
      }
      assert.deepEqual(written, all);
    }),
    propertyOptions(),
  );
});

function unheard(): LedgerOutcome {
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
  return { position: 1, row: proposal.row };
}
