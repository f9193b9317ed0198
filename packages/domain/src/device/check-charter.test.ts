// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { propertyOptions } from '@outrider/testkit/seed';
import fc from 'fast-check';
import { fleetInstant, MINUTE_MS } from '../kernel/time.ts';
import { floorAfterPermit, timeAtPermit } from './check-charter.ts';

const instant = fc.integer({ min: 0, max: 4_000_000_000_000 }).map(fleetInstant);

describe('what time a device takes it to be', () => {
  test('never lies before its floor, and never before its own clock', () => {
    fc.assert(
      fc.property(instant, instant, instant, (clock, floor, signed) => {
        const now = timeAtPermit({ clock, floor, signed });
        assert.ok(now >= clock && now >= floor);
        assert.ok(floorAfterPermit({ clock, floor, signed }) >= floor);
      }),
      propertyOptions(),
    );
  });

  test('is moved by whoever holds the online keys at most ten minutes, while the clock may be right', () => {
    fc.assert(
      fc.property(instant, fc.array(instant, { maxLength: 20 }), (clock, permits) => {
        let floor = fleetInstant(0);
        for (const signed of permits) {
          assert.ok(timeAtPermit({ clock, floor, signed }) <= clock + 10 * MINUTE_MS);
          floor = floorAfterPermit({ clock, floor, signed });
          assert.ok(floor <= clock, 'a thief cannot make the clock look wrong, and so be believed');
        }
      }),
      propertyOptions(),
    );
  });

  test('is what the online keys say on a device that wakes in 1970, once it knows a later time for certain', () => {
    const [clock, floor] = [fleetInstant(60_000), fleetInstant(1_800_000_000_000)];
    const signed = fleetInstant(1_800_000_900_000);
    assert.equal(timeAtPermit({ clock, floor, signed }), signed);
    assert.equal(floorAfterPermit({ clock, floor, signed }), signed);
    assert.equal(timeAtPermit({ clock, floor, signed: fleetInstant(5) }), floor, 'and never what they said long ago');
  });
});
