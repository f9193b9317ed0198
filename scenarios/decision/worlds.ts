// SPDX-License-Identifier: Apache-2.0
import { defaultWaves } from '@outrider/domain/policy/default-plan';
import { type BaseRates, type Defect, FLEET, RATES, type World } from './world.ts';

/** Good releases: a halt of any of them is an error. */
export const GOOD_WORLDS: readonly World[] = [
  good('G', 'an ordinary good release', { revert: 0.0001 }),
  {
    ...good('GN', 'good in bad times: outage of 6 h, silence x 1.02, crashes x 1.05, doubled early failures', {
      revert: 0.0002,
      firstDayFactor: 2,
    }),
    outage: { lengthHours: 6, installFactor: 5, silentFactor: 3 },
    treatedFactors: { silent: 1.02, crash: 1.05 },
  },
  {
    ...good('GI', 'good, 0.5 % fail to install, devices take twice as long', { revert: 0.0002, install: 0.005 }),
    readiness: FLEET.readiness.map((one) => ({ ...one, meanHours: 2 * one.meanHours })),
  },
  good('GR', 'good, reverts 0.04 % with 20 % swing', { revert: 0.0004, swing: 0.2 }),
];

/** Bad releases; each must be caught. */
export const BAD_WORLDS: readonly World[] = [
  bad('F0.1', '0.1 % fall back', { revert: 0.001 }),
  bad('F0.5', '0.5 % fall back', { revert: 0.005 }),
  bad('F2', '2 % fall back', { revert: 0.02 }),
  bad('F20', '20 % fall back', { revert: 0.2 }),
  bad('F100', 'everything falls back', { revert: 1 }),
  bad('B0.5', '0.5 % go silent at the install', { silentAtOnce: 0.005 }),
  bad('L0.5', '0.5 % go silent after the first day', { silentAfterDay: 0.005 }),
  bad('S50', 'half of a segment of 2 % falls back', { revert: 0.5, isFirstSegmentOnly: true }),
  bad('C1.5', 'crashes x 1.5', { crash: 0.5 * RATES.crash }),
];

/** What the tables of goals do not have: other fleets, other releases, other plans. */
export const FURTHER_WORLDS: readonly World[] = [
  {
    ...good('better', 'a release with fewer crashes (x 0.7) and less silence (x 0.9)', { revert: 0.0001 }),
    treatedFactors: { silent: 0.9, crash: 0.7 },
  },
  { ...good('time-zones', 'segments three hours apart', { revert: 0.0001 }), zoneHours: [0, 3, 6, 9, 12, 15, 18, 21] },
  {
    ...good('asleep', 'three in five devices check in every ten days', { revert: 0.0001 }),
    contacts: [
      { share: 0.2, meanHours: 4, silent: [0.003, 0.0008, 0.0004] },
      { share: 0.2, meanHours: 12, silent: [0.01, 0.004, 0.0015] },
      { share: 0.6, meanHours: 240, silent: [0.2, 0.12, 0.05] },
    ],
  },
  { ...good('late-use', 'one permit in five is used up to two days later', { revert: 0.0001 }), lateUseShare: 0.2 },
  {
    ...good('waves', 'good, under the default waves with their bake times', { revert: 0.0001 }),
    planChange: { waves: defaultWaves() },
  },
  good('swing', 'good, but p0 caps no longer: reverts 0.04 % with 50 % swing', { revert: 0.0004 }),
  {
    ...bad('S50-small', 'half of a segment of 0.5 % falls back', { revert: 0.5, isFirstSegmentOnly: true }),
    segmentShares: [0.005, 0.055, 0.06, 0.1, 0.13, 0.15, 0.2, 0.3],
  },
  bad('burst', '2 % fall back, all in one step of ten minutes in twenty', { revert: 0.02, burstShare: 0.05 }),
  { ...bad('F0.5-late-use', '0.5 % fall back, one permit in five is used late', { revert: 0.005 }), lateUseShare: 0.2 },
  {
    ...bad('F0.5-waves', '0.5 % fall back, under the default waves', { revert: 0.005 }),
    planChange: { waves: defaultWaves() },
  },
  {
    ...bad('S50-exclude', 'half of a segment of 2 % falls back; only the segment is halted', {
      revert: 0.5,
      isFirstSegmentOnly: true,
    }),
    planChange: { onSegmentHalt: 'exclude-segment' },
  },
];

/** The world of this name, from any of the lists. */
export function worldNamed(name: string): World {
  const found = [...GOOD_WORLDS, ...BAD_WORLDS, ...FURTHER_WORLDS].find((one) => one.name === name);
  if (found === undefined) throw new RangeError(`There is no world ${name}`);
  return found;
}

function good(name: string, text: string, rates: Partial<BaseRates>): World {
  return { ...FLEET, name, text, isGood: true, rates: { ...RATES, ...rates } };
}

function bad(name: string, text: string, defect: Defect): World {
  return { ...FLEET, name, text, isGood: false, rates: RATES, defect };
}
