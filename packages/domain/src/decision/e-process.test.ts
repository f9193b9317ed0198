// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { propertyOptions } from '@outrider/testkit/seed';
import fc from 'fast-check';
import { lnEAa, lnEBase, lnECoin, lnOddsRatio, lnOddsRatios, multipleGrid } from './e-process.ts';
import { thresholdAa, thresholdOverall, thresholdSegment } from './thresholds.ts';

const BILLION = 1_000_000_000;
const pi = fc.constantFrom(0.2, 0.375, 0.5, 0.818, 10 / 11);
const events = fc.oneof(fc.nat(20), fc.nat(BILLION));
const strata = fc.array(fc.record({ pi, eventsTreated: events, eventsControl: events }), { maxLength: 5 });

test('a rollout halts at 2 reverts of 10 permits, 3 of 50, 5 of 640, 18 of 10,000 and 84 of 100,000, not one earlier', () => {
  const threshold = thresholdOverall(0.01, 0.25);
  for (const [reverts, open] of [
    [2, 10],
    [3, 50],
    [5, 640],
    [18, 10_000],
    [84, 100_000],
  ] as const) {
    assert.ok(lnEBase({ baseRate: 0.0005, open, events: reverts }) >= threshold, `${reverts} of ${open} halts`);
    assert.ok(
      lnEBase({ baseRate: 0.0005, open, events: reverts - 1 }) < threshold,
      `${reverts - 1} of ${open} does not`,
    );
  }
});

test('without events there is no evidence', () => {
  assert.equal(lnEBase({ baseRate: 0.01, open: 0, events: 0 }), 0);
  assert.equal(lnECoin({ tolerance: 1.05, strata: [] }), 0);
  assert.equal(lnEAa([{ pi: 0.5, eventsTreated: 0, eventsControl: 0 }]), 0);
});

test('a threshold is a share of alpha: 1/800 overall and 1/6400 in each of 8 segments for reverts', () => {
  assert.ok(Math.abs(thresholdOverall(0.01, 0.25) - Math.log(800)) < 1e-15 * 10);
  assert.ok(Math.abs(thresholdSegment(0.01, 0.25, 8) - Math.log(6400)) < 1e-15 * 10);
  assert.ok(Math.abs(thresholdAa(0.01) - Math.log(700)) < 1e-15 * 10);
});

test('a permit whose report is still to come can only lower the evidence', () => {
  const counts = fc.record({ baseRate: fc.double({ min: 1e-6, max: 0.5, noNaN: true }), open: events, more: events });
  fc.assert(
    fc.property(counts, fc.nat(50), ({ baseRate, open, more }, reverts) => {
      const before = lnEBase({ baseRate, open: open + reverts, events: reverts });
      assert.ok(lnEBase({ baseRate, open: open + reverts + more, events: reverts }) <= before);
    }),
    propertyOptions(),
  );
});

test('another event of the treated arm raises the evidence, one of the control arm lowers it', () => {
  fc.assert(
    fc.property(
      pi,
      fc.nat(1000),
      fc.nat(1000),
      fc.constantFrom(1.03, 1.05, 1.1),
      (share, treated, control, tolerance) => {
        const of = (eventsTreated: number, eventsControl: number) =>
          lnECoin({ tolerance, strata: [{ pi: share, eventsTreated, eventsControl }] });
        assert.ok(of(treated + 1, control) > of(treated, control));
        assert.ok(of(treated, control + 1) < of(treated, control));
      },
    ),
    propertyOptions(),
  );
});

test('no count up to a billion makes the evidence anything but a number', () => {
  fc.assert(
    fc.property(strata, events, events, (counts, a, b) => {
      const base = lnEBase({ baseRate: 0.0005, open: Math.max(a, b), events: Math.min(a, b) });
      const figures = [lnECoin({ tolerance: 1.03, strata: counts }), lnEAa(counts), base];
      assert.ok(figures.every(Number.isFinite), `${figures}`);
    }),
    propertyOptions({ runs: 500 }),
  );
});

test('the ratios of a grid are those of its multiples one by one, to the last bit, however many chances there are', () => {
  const multiples = [0.5, 0.99, 1.01, 2, 1000];
  const grid = multipleGrid(multiples);
  for (let chance = 1; chance < 600; chance++) {
    const strata = [
      { pi: chance / 600, eventsTreated: chance % 7, eventsControl: chance % 11 },
      { pi: 0.375, eventsTreated: 900_000_001, eventsControl: 3 },
    ];
    for (const odds of [1, 1.1, 1 + chance / 100]) {
      const wanted = multiples.map((multiple) => lnOddsRatio(strata, odds, multiple));
      assert.deepEqual([...lnOddsRatios(strata, odds, grid)], wanted);
    }
  }
});
