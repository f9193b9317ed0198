// SPDX-License-Identifier: Apache-2.0
import type { Delta } from '../../delta/delta.ts';
import type { RolloutPlan } from '../../policy/rollout.ts';
import type { ReleaseManifest } from '../../release/release.ts';
import { budgetOf } from '../admission.ts';
import { lnEBase } from '../e-process.ts';
import { thresholdSegment } from '../thresholds.ts';
import type { CountedFleet } from './counted-fleet.ts';
import type { Provable } from './provable.ts';

/** Something that a plan lacks, or cannot do, and that a person should know before it starts. Codes never change. */
export interface Missing {
  readonly code: MissingCode;
  /** What exactly, with its numbers. */
  readonly detail: string;
}

/** A part of a fleet's behaviour that history can tell. */
export type Measured = 'rates' | 'contacts';

/** The closed union of what can be missing. */
export type MissingCode = keyof typeof MISSING;

/** One sentence for each code. */
export const MISSING = {
  'audience-empty': 'No eligible device is in the audience',
  'approval-missing': 'Nobody has approved the plan yet',
  'delta-missing': 'Devices of a version have no delta and fetch whole images',
  'delta-back-missing': 'There is no delta back to the images of the rollback twin',
  'twin-missing': 'The release has no rollback twin: a halt cannot take it back',
  'devices-not-eligible': 'Devices of the audience will get no offer of this release',
  'segment-too-small': 'A segment has too few devices for its own evidence to halt it, whatever happens there',
  'fleet-too-small':
    'The fleet, or the control arm that it can spare, is too small to exclude a harm of one device in fifty',
  'budget-above-fleet': 'The budget is no limit: it is as large as the audience',
  'rates-stated': 'How often devices fail by themselves is a stated value: the fleet has no history of it yet',
  'contacts-stated': 'How often devices call and how long they defer are stated values: the dates move with them',
} as const;

/** One device in fifty: who cannot exclude that is protected by little more than the reports of fallbacks. */
const EXCESS_TO_EXCLUDE = 0.02;

/** What is missing, the most important first. */
export function missingOf(given: {
  readonly plan: RolloutPlan;
  readonly release: ReleaseManifest;
  readonly deltas: readonly Delta[];
  readonly fleet: CountedFleet;
  readonly isApproved: boolean;
  /** What of the fleet's behaviour was measured. */
  readonly measured: readonly Measured[];
  readonly provable: readonly Provable[];
}): readonly Missing[] {
  const { plan, release, fleet, provable } = given;
  const population = fleet.populations.reduce((sum, one) => sum + one.population, 0);
  const found: Missing[] = [];
  const tell = (code: MissingCode, detail: string): number => found.push({ code, detail });
  if (fleet.classes.length === 0) tell('audience-empty', `${population} devices match, none of them is eligible`);
  if (!given.isApproved) tell('approval-missing', `Rollout ${plan.rolloutId} needs an approval before it can start`);
  if (release.rollbackTwin === undefined) tell('twin-missing', `Release ${release.releaseId} was signed without one`);
  for (const [version, devices] of wholeByVersion(fleet)) tell('delta-missing', `${devices} devices run ${version}`);
  for (const name of componentsWithoutWayBack(release, given.deltas)) tell('delta-back-missing', `Component ${name}`);
  for (const { code, devices } of fleet.ineligible) tell('devices-not-eligible', `${devices} devices: ${code}`);
  for (const { segment, population: devices } of fleet.populations) {
    if (!canHalt(plan, devices, fleet.populations.length)) tell('segment-too-small', `${segment} has ${devices}`);
  }
  const unprovable = provable.filter((one) => one.excess === EXCESS_TO_EXCLUDE && one.devicesNeeded === undefined);
  if (unprovable.length > 0)
    tell('fleet-too-small', `${unprovable.map((one) => one.metric).join(', ')}; ${population} devices`);
  const budget = budgetOf(plan.gates, population);
  if (budget >= population)
    tell('budget-above-fleet', `${budget} devices may be risked, the audience has ${population}`);
  if (!given.measured.includes('rates')) tell('rates-stated', 'They are those of the design');
  if (!given.measured.includes('contacts')) tell('contacts-stated', 'They are those of the design');
  return found;
}

function wholeByVersion(fleet: CountedFleet): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const one of fleet.classes) {
    if (!one.isByDelta) counts.set(one.version, (counts.get(one.version) ?? 0) + one.devices);
  }
  return counts;
}

function componentsWithoutWayBack(release: ReleaseManifest, deltas: readonly Delta[]): readonly string[] {
  const back = release.rollbackTwin?.components ?? [];
  return back.flatMap(({ name, image }) => {
    const now = release.components.find((one) => one.name === name)?.image.digest;
    const isThere =
      now === image.digest || deltas.some((one) => one.fromDigest === now && one.toDigest === image.digest);
    return isThere ? [] : [name];
  });
}

/** Whether a segment in which every device falls back would be halted by its own evidence. */
function canHalt(plan: RolloutPlan, devices: number, segments: number): boolean {
  return plan.gates.metrics.some(
    (gate) =>
      gate.metric === 'revert' &&
      lnEBase({ baseRate: gate.baseRate, open: devices, events: devices }) >=
        thresholdSegment(plan.gates.alpha, gate.weight, segments),
  );
}
