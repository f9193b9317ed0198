// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decisionErrorText } from './errors.ts';
import { evaluate } from './eval.ts';

const BASE = {
  kind: 'base',
  alpha: 0.01,
  weight: 0.25,
  segments: 8,
  baseRate: 0.0005,
  open: 640,
  closed: 600,
  events: 5,
  error: 0.000476,
} as const;

test('five reverts of 640 permits halt, and every figure is there to be checked by hand', () => {
  assert.deepEqual(evaluate(BASE), {
    ok: true,
    value: {
      lnE: 6.707342960953289,
      thresholdOverall: 6.684611727667927,
      thresholdSegment: 8.764053269347762,
      upper: 0.03922152779036828,
      halt: true,
    },
  });
});

test('a skew of four to one in a handful of crashes does not halt', () => {
  const answer = evaluate({
    kind: 'coin',
    alpha: 0.01,
    weight: 0.2,
    segments: 8,
    tolerance: 1.1,
    error: 0.000476,
    strata: [{ pi: 0.375, eventsTreated: 4, eventsControl: 1 }],
    treated: { closed: 900, events: 4 },
    control: { closed: 1700, events: 1 },
  });
  assert.ok(answer.ok && 'halt' in answer.value && !answer.value.halt);
});

test('without a control event the odds have no bound, and the answer says so', () => {
  const answer = evaluate({
    kind: 'coin',
    alpha: 0.01,
    weight: 0.2,
    segments: 8,
    tolerance: 1.1,
    error: 0.000476,
    strata: [{ pi: 0.2, eventsTreated: 4, eventsControl: 0 }],
    treated: { closed: 900, events: 4 },
    control: { closed: 1700, events: 0 },
  });
  assert.ok(answer.ok && 'thetaUpper' in answer.value);
  assert.equal(answer.value.thetaUpper, null);
  assert.equal(answer.value.excessUpper, answer.value.treatedUpper);
});

test('a control that is not drawn by the coin raises the A/A alarm', () => {
  const answer = evaluate({ kind: 'aa', alpha: 0.01, strata: [{ pi: 0.2, eventsTreated: 40, eventsControl: 60 }] });
  assert.ok(answer.ok && 'alarm' in answer.value && answer.value.alarm);
});

test('counts and gates that cannot be are refused with the value seen and the value allowed', () => {
  for (const [input, text] of [
    [{ ...BASE, events: 601 }, 'A count that cannot be: events is 601, allowed is a whole number from 0 to 600'],
    [{ ...BASE, open: 6.5 }, 'A count that cannot be: open is 6.5, allowed is a whole number from 0'],
    [{ ...BASE, alpha: 0 }, 'A gate that cannot be computed: alpha is 0, allowed is between 0 and 1, both excluded'],
  ] as const) {
    const answer = evaluate(input);
    assert.ok(!answer.ok);
    assert.equal(decisionErrorText(answer.error), text);
  }
  const tooHigh = evaluate({ ...BASE, baseRate: 0.9 });
  assert.ok(!tooHigh.ok && tooHigh.error.code === 'gate-impossible');
});
