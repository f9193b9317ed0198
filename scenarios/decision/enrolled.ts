// SPDX-License-Identifier: Apache-2.0
import type { EvidenceEvent, FactBefore } from '@outrider/domain/evidence/evidence';
import type { Arm } from '@outrider/domain/gateway/ledger';
import { binomial } from '@outrider/domain/kernel/binomial';
import type { SegmentId } from '@outrider/domain/kernel/ids';
import type { Prng } from '@outrider/domain/kernel/prng';
import type { FleetInstant } from '@outrider/domain/kernel/time';
import type { Pool } from './fleet.ts';
import type { World } from './world.ts';

/** What was enrolled in one step, by segment and stratum: what the evidence will be told. */
export interface EnrolledInStep {
  add(cohort: { readonly pool: Pool; readonly pi: number; readonly treated: number; readonly control: number }): void;
  events(segments: readonly SegmentId[], at: FleetInstant): readonly EvidenceEvent[];
}

/** Enrolments of one step, and how many of these devices had crashed or been silent before they asked: both arms alike. */
export function enrolledInStep(world: World, source: Prng): EnrolledInStep {
  const totals = new Map<string, Total>();
  return {
    add({ pool, pi, treated, control }) {
      const key = `${pool.segment}/${pi}`;
      const total = totals.get(key) ?? { segment: pool.segment, pi, treated: emptyArm(), control: emptyArm() };
      totals.set(key, total);
      const chances = chancesBefore(world, pool);
      for (const [arm, devices] of [
        ['treated', treated],
        ['control', control],
      ] as const) {
        total[arm].devices += devices;
        // Without a coin there is nothing to compare.
        if (pi >= 1) continue;
        for (const fact of FACTS) total[arm][fact] += binomial(source, devices, chances[fact]);
      }
    },
    events: (segments, at) =>
      [...totals.values()].flatMap(({ segment: index, pi, ...arms }) => {
        const segment = segments[index];
        if (segment === undefined) return [];
        return ARMS.flatMap((arm) => eventsOf({ segment, arm, pi, at }, arms[arm]));
      }),
  };
}

interface Total {
  readonly segment: number;
  readonly pi: number;
  readonly treated: ArmTotal;
  readonly control: ArmTotal;
}

type ArmTotal = Record<FactBefore | 'devices', number>;

const ARMS: readonly Arm[] = ['treated', 'control'];
const FACTS: readonly FactBefore[] = ['crash', 'silence'];
/** The monitor asks about the time from 72 to 24 hours before the request. */
const BEFORE_HOURS = 48;

/** Nobody is polled again before a permit, so who calls rarely is often silent for two days. */
function chancesBefore({ contacts, rates }: World, { contact }: Pool): Readonly<Record<FactBefore, number>> {
  const meanHours = contacts[contact]?.meanHours ?? Number.POSITIVE_INFINITY;
  return { crash: 1 - (1 - rates.crash) ** (BEFORE_HOURS / 24), silence: Math.exp(-BEFORE_HOURS / meanHours) };
}

function eventsOf(
  stratum: { readonly segment: SegmentId; readonly arm: Arm; readonly pi: number; readonly at: FleetInstant },
  total: ArmTotal,
): readonly EvidenceEvent[] {
  const { at, ...place } = stratum;
  if (total.devices === 0) return [];
  const befores = FACTS.flatMap((fact): readonly EvidenceEvent[] =>
    total[fact] === 0 ? [] : [{ kind: 'before', fact, ...place, devices: total[fact] }],
  );
  return [{ kind: 'enrolled', ...place, at, devices: total.devices }, ...befores];
}

function emptyArm(): ArmTotal {
  return { devices: 0, crash: 0, silence: 0 };
}
