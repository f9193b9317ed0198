// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { propertyOptions } from '@outrider/testkit/seed';
import fc from 'fast-check';
import { excessUpper, rateUpper, thetaUpper } from './bounds.ts';

const ERROR = 0.01 / 21;
const count = fc.oneof(fc.nat(30), fc.nat(1_000_000_000));
const pi = fc.constantFrom(0.2, 0.375, 0.5, 0.818, 10 / 11);
const stratum = fc.record({ pi, eventsTreated: count, eventsControl: count });

test('with no data, and with nothing but failures, a rate may be 1', () => {
  assert.equal(rateUpper({ closed: 0, events: 0 }, ERROR), 1);
  assert.equal(rateUpper({ closed: 7, events: 7 }, ERROR), 1);
});

test('the bound of a rate lies above what was seen, falls with each success and rises with each failure', () => {
  fc.assert(
    fc.property(count, fc.integer({ min: 1, max: 1_000_000_000 }), (events, successes) => {
      const closed = events + successes;
      const upper = rateUpper({ closed, events }, ERROR);
      assert.ok(upper >= events / closed && upper <= 1, `${upper} for ${events} of ${closed}`);
      assert.ok(rateUpper({ closed: closed + 1, events }, ERROR) <= upper * (1 + 1e-12));
      assert.ok(rateUpper({ closed: closed + 1, events: events + 1 }, ERROR) >= upper * (1 - 1e-12));
    }),
    propertyOptions({ runs: 500 }),
  );
});

test('a smaller error makes every bound wider', () => {
  fc.assert(
    fc.property(count, count, fc.array(stratum, { minLength: 1, maxLength: 4 }), (events, successes, strata) => {
      const counts = { closed: events + successes, events };
      assert.ok(rateUpper(counts, ERROR / 10) >= rateUpper(counts, ERROR));
      assert.ok(thetaUpper(strata, ERROR / 10) >= thetaUpper(strata, ERROR));
    }),
    propertyOptions(),
  );
});

test('without an event in the control arm nothing bounds the odds', () => {
  assert.equal(thetaUpper([], ERROR), Number.POSITIVE_INFINITY);
  assert.equal(thetaUpper([{ pi: 0.2, eventsTreated: 9, eventsControl: 0 }], ERROR), Number.POSITIVE_INFINITY);
});

test('the bound of the odds rises with events of the treated arm and falls with those of the control arm', () => {
  fc.assert(
    fc.property(pi, fc.nat(5000), fc.nat(5000), (share, eventsTreated, more) => {
      const eventsControl = more + 1;
      const of = (t: number, c: number) => thetaUpper([{ pi: share, eventsTreated: t, eventsControl: c }], ERROR);
      const upper = of(eventsTreated, eventsControl);
      assert.ok(upper > 0 && of(eventsTreated + 1, eventsControl) >= upper * (1 - 1e-12));
      assert.ok(of(eventsTreated, eventsControl + 1) <= upper * (1 + 1e-12));
    }),
    propertyOptions(),
  );
});

test('no count up to a billion makes a bound anything but a number from 0 to infinity', () => {
  fc.assert(
    fc.property(fc.array(stratum, { maxLength: 5 }), (strata) => {
      assert.ok(thetaUpper(strata, ERROR) >= 0);
    }),
    propertyOptions({ runs: 300 }),
  );
});

test('harm is never more than all events of the treated arm, and none when the arms cannot differ', () => {
  const upper = excessUpper({ treatedUpper: 0.02, controlUpper: 0.01, thetaUpper: Number.POSITIVE_INFINITY });
  assert.equal(upper, 0.02);
  assert.equal(excessUpper({ treatedUpper: 0.02, controlUpper: 0.01, thetaUpper: 0.9 }), 0);
  assert.ok(Math.abs(excessUpper({ treatedUpper: 0.02, controlUpper: 0.01, thetaUpper: 1.5 }) - 0.005) < 1e-15);
});
