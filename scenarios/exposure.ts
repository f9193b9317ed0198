// SPDX-License-Identifier: Apache-2.0

import type { DeviceId } from '@outrider/domain/kernel/ids';
import { armUnitOf, orderOf } from '@outrider/domain/policy/place';
import type { Figure, MeasureOptions } from '../bench/figures.ts';
import { playStorm, type StormResults } from './exposure/play-storm.ts';

export const name = 'exposure';

export const flags = {
  devices: { sentence: 'devices that ask at once', default: 10_000, min: 300, max: 15_000 },
  gateways: { sentence: 'gateway processes', default: 4, min: 2, max: 16 },
} as const;

/**
 * Ten thousand devices ask for permits at once at several gateways that are killed meanwhile: no cap is exceeded at any look,
 * every permit in a device's hands is a row, and everyone who got one has a place that the forecast showed.
 */
export async function run({ seed, log, flags: given }: MeasureOptions): Promise<readonly Figure[]> {
  const devices = given.devices ?? flags.devices.default;
  const gateways = given.gateways ?? flags.gateways.default;
  const results = await playStorm({ seed, gateways, devices, log });
  return figuresOf(results, devices < flags.devices.default);
}

function figuresOf(results: StormResults, isReduced: boolean): readonly Figure[] {
  const { rows, held, opened, salt } = results;
  const treated = rows.filter((one) => one.isTreated);
  const ids = new Set(rows.map((one) => one.permitId));
  const isOutside = (deviceId: string) => orderOf(salt, deviceId as DeviceId) >= opened.threshold;
  const isUntossed = (deviceId: string) => armUnitOf(salt, deviceId as DeviceId) >= opened.pi;
  const reduced = isReduced ? { isReduced: true as const } : {};
  return [
    { ...some('devices that asked at once', results.asked), ...reduced },
    some('permit requests sent', results.requests),
    some('gateways killed with kill -9 in the midst of it', results.kills),
    some('devices that registered meanwhile', results.late),
    some('devices whose region was changed meanwhile', results.attributesChanged),
    some('looks at caps and rows', results.looks),
    none('looks at which granted > cap, overall or in a segment', results.overruns),
    none('looks at which granted was not the number of treated rows', results.miscounts),
    some('devices that were granted', treated.length),
    none(
      'of these, outside the prefix of the hash order that was open',
      treated.filter((one) => !one.isRing && isOutside(one.deviceId)).length,
    ),
    none(
      'of these, that the coin had not chosen',
      treated.filter((one) => !one.isRing && isUntossed(one.deviceId)).length,
    ),
    none('of these, twice in the ledger', treated.length - new Set(treated.map((one) => one.deviceId)).size),
    some('permits in the hands of devices', held.size),
    none(
      'of these, missing from the ledger after the kills and one of PostgreSQL',
      [...held].filter((one) => !ids.has(one)).length,
    ),
    {
      figure: 'from the first request to the last answer',
      value: results.tookMs / 1_000,
      unit: 's',
      goal: 'shown',
      holds: true,
    },
  ];
}

function none(figure: string, value: number): Figure {
  return { figure, value, unit: 'count', goal: '0', holds: value === 0 };
}

/** A proof that looked at nothing is none. */
function some(figure: string, value: number): Figure {
  return { figure, value, unit: 'count', goal: '> 0', holds: value > 0 };
}
