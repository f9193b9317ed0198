// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rateUpper, thetaUpper } from './bounds.ts';
import { lnEAa, lnEBase, lnECoin, type Stratum } from './e-process.ts';
import { lnBeta } from './log-math.ts';

// The numbers at the end come from outside: the formulae of design/decision.md written down once more in Python with
// mpmath 1.3.0 at 60 decimal digits (log-likelihoods taken directly, roots by 200 halvings), rounded to double precision.

test('ln beta agrees with arbitrary precision to 1e-12, also where the difference of log-gammas would not', () => {
  for (const [a, b, expected] of LN_BETA) assertClose(lnBeta(a, b), expected, 1e-12, `lnBeta(${a}, ${b})`);
});

test('the evidence of one sample agrees with arbitrary precision up to counts of 1e9', () => {
  for (const [baseRate, open, events, expected] of BASE) {
    assertClose(lnEBase({ baseRate, open, events }), expected, 1e-12, `${events} of ${open} at ${baseRate}`);
  }
});

test('the evidence of the coin agrees with arbitrary precision up to counts of 1e9', () => {
  for (const [tolerance, strata, expected] of COIN) {
    assertClose(lnECoin({ tolerance, strata: strata.map(stratumOf) }), expected, 1e-12, JSON.stringify(strata));
  }
});

test('the A/A evidence agrees with arbitrary precision up to counts of 1e9', () => {
  for (const [strata, expected] of AA)
    assertClose(lnEAa(strata.map(stratumOf)), expected, 1e-12, JSON.stringify(strata));
});

test('the bound of a rate agrees with arbitrary precision up to counts of 1e9', () => {
  for (const [closed, events, expected] of RATE) {
    assertClose(rateUpper({ closed, events }, ERROR), expected, 1e-12, `${events} of ${closed}`);
  }
});

test('the bound of the odds agrees with arbitrary precision up to counts of 1e9', () => {
  for (const [strata, expected] of THETA) {
    assertClose(thetaUpper(strata.map(stratumOf), ERROR), expected, 1e-12, JSON.stringify(strata));
  }
});

type Golden = readonly [pi: number, eventsTreated: number, eventsControl: number];

function stratumOf([pi, eventsTreated, eventsControl]: Golden): Stratum {
  return { pi, eventsTreated, eventsControl };
}

function assertClose(seen: number, expected: number, relative: number, what: string): void {
  const isClose = seen === expected || Math.abs(seen - expected) <= relative * Math.abs(expected);
  assert.ok(isClose, `${what}: ${seen} is not ${expected}`);
}

const ERROR = 0.000476;

const LN_BETA: readonly (readonly [a: number, b: number, lnBeta: number])[] = [
  [0.5, 0.5, 1.1447298858494002],
  [0.5, 2.5, 0.16390063283767395],
  [0.5, 3.5, -0.01842092395628069],
  [9.5, 9.5, -13.016778366438517],
  [10.5, 3.5, -7.410565031372585],
  [0.5, 1000000000.5, -9.789267975673505],
  [500000000.5, 500000000.5, -693147190.0026397],
  [1000.5, 1000000.5, -7914.244470686279],
  [9.5, 10.5, -13.709925546998463],
  [7.5, 1000000000.5, -147.89012956846435],
  [12.5, 1000000000.5, -240.3064755280187],
];

const BASE: readonly (readonly [baseRate: number, open: number, events: number, lnE: number])[] = [
  [0.0005, 0, 0, 0],
  [0.0005, 10, 2, 8.09739480260224],
  [0.0005, 640, 5, 6.707342960953287],
  [0.0005, 10_000, 18, 7.826112821279508],
  [0.01, 200, 9, 5.049096714601726],
  [0.0005, 1_000_000_000, 500_000, -2348.558660132954],
  [0.0005, 1_000_000_000, 502_000, -2157.8382479967067],
  [0.01, 1_000_000_000, 1_000_000_000, 3401197379.5827136],
  [0.0005, 1_000_000_000, 0, -50028.661694194845],
];

const COIN: readonly (readonly [tolerance: number, strata: readonly Golden[], lnE: number])[] = [
  [1.03, [[0.375, 4, 1]], 0.8843417682118073],
  [1.1, [[0.375, 4, 1]], 0.7913431267346284],
  [
    1.03,
    [
      [0.2, 30, 100],
      [0.375, 12, 18],
      [0.9090909090909091, 40, 3],
    ],
    -0.6269020410422002,
  ],
  [
    1.1,
    [
      [0.2, 30, 100],
      [0.375, 12, 18],
      [0.9090909090909091, 40, 3],
    ],
    -0.8707299749724533,
  ],
  [1.03, [[0.2, 0, 0]], 0],
  [1.1, [[0.2, 0, 0]], 0],
  [1.03, [[0.5, 1_000_000_000, 1_000_000_000]], -171797.41362860025],
  [1.1, [[0.5, 1_000_000_000, 1_000_000_000]], -498520.0595017372],
  [
    1.03,
    [
      [0.2, 200_000_000, 800_000_000],
      [0.5, 500_200_000, 499_800_000],
    ],
    -139463.79922028002,
  ],
  [
    1.1,
    [
      [0.2, 200_000_000, 800_000_000],
      [0.5, 500_200_000, 499_800_000],
    ],
    -411745.16833770974,
  ],
  [1.03, [[0.2, 10, 0]], 13.903779866348293],
  [1.1, [[0.2, 10, 0]], 13.409323509475874],
  [1.03, [[0.2, 0, 25]], -1.2853979638095503],
  [1.1, [[0.2, 0, 25]], -1.3061936270173826],
  [1.03, [[0.5, 1, 1]], -0.38130228667909893],
  [1.1, [[0.5, 1, 1]], -0.3944283552545559],
  [1.03, [[0.8181818181818181, 900, 120]], 11.217592394114591],
  [1.1, [[0.8181818181818181, 900, 120]], 7.955429623439665],
];

const AA: readonly (readonly [strata: readonly Golden[], lnE: number])[] = [
  [[[0.375, 4, 1]], 0.14263570020128724],
  [
    [
      [0.2, 30, 100],
      [0.375, 12, 18],
      [0.9090909090909091, 40, 3],
    ],
    -0.303174505815521,
  ],
  [[[0.2, 0, 0]], 0],
  [[[0.5, 1_000_000_000, 1_000_000_000]], -24754.80796739399],
  [
    [
      [0.2, 200_000_000, 800_000_000],
      [0.5, 500_200_000, 499_800_000],
    ],
    -18325.149381167634,
  ],
  [[[0.2, 10, 0]], 2.670449074315695],
  [[[0.2, 0, 25]], 0.7936273233691102],
  [[[0.5, 1, 1]], -0.02403667295872725],
  [[[0.8181818181818181, 900, 120]], 12.781437822982307],
];

const RATE: readonly (readonly [closed: number, events: number, upper: number])[] = [
  [1, 0, 0.999762],
  [10, 0, 0.6088344863633539],
  [10, 10, 1],
  [600, 5, 0.039221527790368284],
  [900, 4, 0.024342817714876806],
  [1700, 1, 0.009001374406577303],
  [50, 49, 0.9999996173213396],
  [1_000_000_000, 0, 1.858409039257155e-8],
  [1_000_000_000, 1, 2.2385658003231738e-8],
  [1_000_000_000, 500_000_000, 0.5000954921898443],
  [1_000_000_000, 999_999_999, 1],
  [1_000_000, 150, 0.000226788069069103],
  [44, 0, 0.20541932561268297],
];

const THETA: readonly (readonly [strata: readonly Golden[], upper: number])[] = [
  [[[0.375, 4, 1]], 191751.4469647934],
  [
    [
      [0.2, 30, 100],
      [0.375, 12, 18],
      [0.9090909090909091, 40, 3],
    ],
    2.4039104521756065,
  ],
  [[[0.5, 1_000_000_000, 1_000_000_000]], 1.0002267775517517],
  [
    [
      [0.2, 200_000_000, 800_000_000],
      [0.5, 500_200_000, 499_800_000],
    ],
    1.0010365841827884,
  ],
  [[[0.2, 0, 25]], 1.9898049509641826],
  [[[0.5, 1, 1]], 12232.271499296958],
  [[[0.8181818181818181, 900, 120]], 2.780557551591426],
];
