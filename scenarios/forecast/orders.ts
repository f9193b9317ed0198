// SPDX-License-Identifier: Apache-2.0
import { FIRST_STEP_DEVICES } from '@outrider/domain/decision/admission';
import type { SegmentId, Sha256 } from '@outrider/domain/kernel/ids';
import { DAY_MS, type FleetInstant, fleetInstant } from '@outrider/domain/kernel/time';
import type { CharterDocument } from '@outrider/domain/policy/charter';
import { draftCharter } from '@outrider/domain/policy/draft-charter';
import type { PolicyChange, SegmentPopulation } from '@outrider/domain/policy/log';
import type { RolloutPlan } from '@outrider/domain/policy/rollout';
import { digestOf, NOW } from '@outrider/testkit/small-fleet';
import type { OrdersOf } from './compare.ts';
import type { WorldDevice } from './fleet-world.ts';

/** Orders of people that a forecast has to reckon with, each on a fleet of its own. */
export const ORDERS: Readonly<Record<string, OrdersOf>> = {
  'a freeze of a week in two of three regions': () => ({
    changes: [freeze('holidays', { kind: 'once', from: days(2), until: days(9) }, ['eu', 'us'])],
  }),
  'a freeze each weekend': () => {
    const times = { kind: 'weekly', timeZone: 'Europe/Berlin', ...WEEKEND } as const;
    return { changes: [freeze('weekends', times, ['eu', 'us', 'apac'])] };
  },
  'a tenth of the devices excluded, half of them for five days': (_, devices) => {
    const named = devices.filter((_one, index) => index % 10 === 9).map(({ known }) => known.record.deviceId);
    const half = Math.floor(named.length / 2);
    return {
      changes: [
        {
          kind: 'exclusion-set',
          exclusionId: 'exhibits',
          of: { kind: 'device', in: named.slice(half) },
          reason: 'shown',
        },
        {
          ...{ kind: 'exclusion-set', exclusionId: 'workshop', of: { kind: 'device', in: named.slice(0, half) } },
          ...{ reason: 'being repaired', expiresAt: days(5) },
        },
      ],
    };
  },
  'a region halted': ({ rolloutId, segmentBy }, devices) => ({
    changes: [
      {
        ...{ kind: 'region-halted', rolloutId, region: 'apac', reason: 'a law' },
        populations: populationsIn('apac', segmentBy, devices),
      },
    ],
  }),
  'a ceiling of sixty devices': ({ rolloutId }) => ({
    changes: [{ kind: 'rollout-limited', rolloutId, devices: 60, reason: 'a first look' }],
  }),
  'a charter that opens each wave two days late, and the third to forty devices': (plan, devices) => ({
    changes: [],
    charter: {
      kind: 'valid',
      charter: { document: lateCharter(plan, devices), sha256: digestOf('8'), isSigned: plan.waves.map(() => true) },
      signed: { document: { payloadType: '', payload: '', signatures: [] }, openings: [] },
    },
  }),
};

const WEEKEND = { from: { day: 5, minute: 18 * 60 }, until: { day: 1, minute: 6 * 60 } };

function days(count: number): FleetInstant {
  return fleetInstant(NOW + count * DAY_MS);
}

type Times = Extract<PolicyChange, { readonly kind: 'freeze-set' }>['times'];

function freeze(freezeId: string, times: Times, regions: readonly string[]): PolicyChange {
  const audience = { kind: 'attribute', name: 'region', in: regions } as const;
  return { kind: 'freeze-set', freezeId, audience, times, reason: 'nobody is at work', isIncludingRollback: false };
}

function populationsIn(
  region: string,
  segmentBy: RolloutPlan['segmentBy'],
  devices: readonly WorldDevice[],
): readonly SegmentPopulation[] {
  const counts = new Map<SegmentId, number>();
  for (const { known } of devices) {
    const { attributes } = known.record;
    // Attribute values are parsed by the same pattern as ids.
    const segment = attributes[segmentBy] as SegmentId;
    if (attributes.region === region) counts.set(segment, (counts.get(segment) ?? 0) + 1);
  }
  return [...counts].map(([segment, population]) => ({ segment, population }));
}

function lateCharter(plan: RolloutPlan, devices: readonly WorldDevice[]): CharterDocument {
  const ringDevices = devices
    .map(({ known: { record } }) => ({ deviceId: record.deviceId, tags: record.attributes.tags }))
    .filter((one) => one.tags.length > 0);
  const drawn = draftCharter({
    ...{ plan, releaseSha256: digestOf('7') satisfies Sha256, population: devices.length, ringDevices },
    ...{ firstStepDevices: FIRST_STEP_DEVICES, groups: 2, now: NOW },
  });
  const waves = drawn.waves.map((wave, index) => ({
    ...wave,
    ...(index === 2 ? { devicesMax: 40 } : {}),
    notBefore: fleetInstant(wave.notBefore + 2 * DAY_MS),
  }));
  return { ...drawn, waves };
}
