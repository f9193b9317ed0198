// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { propertyOptions } from '@outrider/testkit/seed';
import { NOW } from '@outrider/testkit/small-fleet';
import fc from 'fast-check';
import { DAY_MS, type FleetInstant, fleetInstant, HOUR_MS, hours } from '../kernel/time.ts';
import {
  CONTACT_SLOT_MS,
  type ContactStatus,
  newContactHistory,
  wasSilentBefore,
  withContactIn,
} from './contact-history.ts';

test('a device is silent before exactly when no contact fell into the eight slots from 72 to 24 h ago', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(120), { maxLength: 30 }), (gapsInHours) => {
      const instants = heardAt(gapsInHours);
      const now = fleetInstant((instants.at(-1) ?? NOW) + HOUR_MS);
      const isHeard = instants.some((at) => {
        const slotsAgo = slotOf(now) - slotOf(at);
        return slotsAgo >= 4 && slotsAgo <= 11;
      });
      const isKnown = NOW <= (slotOf(now) - 11) * CONTACT_SLOT_MS;
      assert.equal(wasSilentBefore(statusAfter(instants), now), isKnown ? !isHeard : undefined);
    }),
    propertyOptions({ runs: 500 }),
  );
});

test('the question for a permit is itself no contact of the days before', () => {
  const asked = fleetInstant(NOW + 4 * DAY_MS);
  const status = statusAfter([NOW, asked]);
  assert.equal(wasSilentBefore(status, asked), true);
  assert.equal(wasSilentBefore(statusAfter([NOW, fleetInstant(NOW + 2 * DAY_MS), asked]), asked), false);
});

test('of a device that was registered yesterday, or whose contacts nobody kept, nothing is said', () => {
  const asked = fleetInstant(NOW + DAY_MS);
  assert.equal(wasSilentBefore(statusAfter([NOW, asked]), asked), undefined);
  assert.equal(wasSilentBefore({ lastContactAt: NOW }, asked), undefined);
  const upgraded = { lastContactAt: asked, contactHistory: withContactIn({ lastContactAt: NOW }, asked) };
  assert.equal(wasSilentBefore(upgraded, fleetInstant(asked + hours(60))), undefined);
});

test('a clock that goes back makes no contact out of nothing', () => {
  const status = statusAfter([fleetInstant(NOW + 10 * DAY_MS), NOW]);
  assert.equal(status.contactHistory?.slots, 1);
});

function heardAt(gapsInHours: readonly number[]): readonly FleetInstant[] {
  const instants: FleetInstant[] = [NOW];
  for (const gap of gapsInHours) instants.push(fleetInstant((instants.at(-1) ?? NOW) + gap * HOUR_MS));
  return instants;
}

function statusAfter(instants: readonly FleetInstant[]): ContactStatus {
  const [first = NOW, ...others] = instants;
  let status: ContactStatus = { lastContactAt: first, contactHistory: newContactHistory(first) };
  for (const at of others) status = { lastContactAt: at, contactHistory: withContactIn(status, at) };
  return status;
}

function slotOf(at: FleetInstant): number {
  return Math.floor(at / CONTACT_SLOT_MS);
}
