// SPDX-License-Identifier: Apache-2.0
import { chooseArtifact } from '../delta/delta.ts';
import type { DeviceId, RolloutId } from '../kernel/ids.ts';
import { firstFailing } from '../kernel/predicate.ts';
import { DAY_MS, type FleetInstant } from '../kernel/time.ts';
import { type Candidate, candidateOf } from './candidate.ts';
import type { AskedDevice } from './device-record.ts';
import { REFUSALS } from './errors.ts';
import type { Arm } from './ledger.ts';
import { freezeText, OFFER_PREDICATES } from './offer-predicates.ts';
import type { LiveRollout, PolicySnapshot } from './snapshot.ts';

/** A device before one rollout: what it last said, and what came of its newest rows in the ledger. */
export interface DeviceStanding {
  readonly device: AskedDevice;
  readonly enrolment?: StandingRow;
  /** The row of the way back. */
  readonly rollback?: StandingRow;
  /** What it reported when it reverted or could not install. */
  readonly detail?: string;
}

/** A ledger row as far as an explanation of the fleet asks about it. */
export interface StandingRow {
  readonly arm: Arm;
  readonly grantedAt: FleetInstant;
  readonly verifiedAt?: FleetInstant;
  readonly revertedAt?: FleetInstant;
  readonly installFailedAt?: FleetInstant;
  readonly crashedAt?: FleetInstant;
}

/** Why a device stands where it stands; what no row of the ledger explains is explained as its check-in would be. */
export type RolloutCause = keyof typeof ROLLOUT_CAUSES;

/** One sentence for each cause, in the order in which people ask: what went wrong, what is under way, what waits, the rest. */
export const ROLLOUT_CAUSES = {
  reverted: 'The device installed the release and fell back to its old slot',
  'install-failed': 'The device was permitted and could not install',
  'silent-since-permit': 'The device was permitted and has not been heard of for a day or longer',
  'crashed-since': 'The device runs the release and has reported a crash since',
  'under-way': 'The device is permitted and has not told how it ended',
  'deferred-after-permit': 'The device is permitted and waits for its own conditions: window, power, consent',
  'going-back': 'The device is permitted to go back and has not told how it ended',
  'way-back-open': 'The device was given the release and is offered the way back',
  back: 'The device is back on the former version',
  verified: 'The device runs the release, confirmed',
  'control-arm': 'The device is in the control arm, which has to wait so that the arms can be compared',
  silent: 'The device is offered the release and has not been heard of for a day or longer',
  frozen: 'The device is offered the release; a freeze holds where it is, and no permit is given until it ends',
  deferred: 'The device is offered the release and waits for its own conditions: window, power, consent',
  'cap-full': 'The device is offered the release; all permits that the evidence allows so far have been given',
  'segment-cap-full': 'The device is offered the release; all permits allowed in its segment so far have been given',
  offered: 'The device may download by a delta and has not asked for its permit yet',
  'offered-whole': 'The device may download the whole image, since no delta leads there from what it runs',
  ...REFUSALS,
} as const;

/** From this long without a contact a device counts as silent, as in the first window of the evidence. */
const SILENT_AFTER_MS = DAY_MS;

/** The one cause that explains best why the device is, or is not, on the release. Total for every device of the type. */
export function causeOf(
  snapshot: PolicySnapshot,
  live: LiveRollout,
  standing: DeviceStanding,
  now: FleetInstant,
): RolloutCause {
  const { device, enrolment } = standing;
  if (enrolment?.arm === 'treated') return causeOfTreated(live, standing, now);
  const isBack = live.rollout.state === 'rolling-back' || live.rollout.state === 'rolled-back';
  if (enrolment !== undefined && !isBack && live.rollout.state !== 'completed') return 'control-arm';
  const known = { record: device, ledger: [] };
  const candidate = candidateOf(snapshot, live, { device: known, running: device.status.running, now });
  const failing = OFFER_PREDICATES[firstFailing(OFFER_PREDICATES, candidate)];
  // A device that was enrolled is reached for good, wherever the wave stands.
  if (failing !== undefined && !(enrolment !== undefined && failing.code === 'wave-not-open')) return failing.code;
  return causeOfOffered(candidate, isSilent(device, now));
}

/** What stands beside a cause that is the same for many devices: the freeze that holds, and until when. */
export function reasonOfCause(
  snapshot: PolicySnapshot,
  live: LiveRollout,
  { standing: { device }, cause, now }: { standing: DeviceStanding; cause: RolloutCause; now: FleetInstant },
): string | undefined {
  if (cause !== 'frozen') return undefined;
  const known = { record: device, ledger: [] };
  const { freezes } = candidateOf(snapshot, live, { device: known, running: device.status.running, now });
  return freezes.map((one) => freezeText(one, now)).join('; ');
}

function causeOfTreated(
  live: LiveRollout,
  { device, enrolment, rollback }: DeviceStanding,
  now: FleetInstant,
): RolloutCause {
  const silent = isSilent(device, now);
  const { manifest } = live.release;
  const runs = device.status.running.releaseCounter;
  const isBack = live.rollout.state === 'rolling-back' || live.rollout.state === 'rolled-back';
  if (rollback !== undefined) {
    if (rollback.verifiedAt !== undefined) return 'back';
    if (rollback.revertedAt !== undefined) return 'reverted';
    if (rollback.installFailedAt !== undefined) return 'install-failed';
    return silent ? 'silent-since-permit' : 'going-back';
  }
  if (enrolment?.revertedAt !== undefined) return 'reverted';
  if (enrolment?.installFailedAt !== undefined) return 'install-failed';
  if (isBack && runs === manifest.releaseCounter) return silent ? 'silent-since-permit' : 'way-back-open';
  if (enrolment?.verifiedAt !== undefined) {
    if (silent) return 'silent-since-permit';
    return enrolment.crashedAt === undefined ? 'verified' : 'crashed-since';
  }
  if (silent) return 'silent-since-permit';
  return device.status.state === 'deferred' ? 'deferred-after-permit' : 'under-way';
}

function causeOfOffered(candidate: Candidate, silent: boolean): RolloutCause {
  const { live, device, segment, running, manifest } = candidate;
  if (silent) return 'silent';
  if (candidate.freezes.length > 0) return 'frozen';
  if (device.status.state === 'deferred') return 'deferred';
  const { exposure } = live;
  if (exposure.granted >= exposure.cap) return 'cap-full';
  const own = exposure.segments.find((one) => one.segment === segment);
  if (own === undefined || own.granted >= own.cap) return 'segment-cap-full';
  const isByDelta = manifest.components.every(({ name, image }) => {
    const base = running.components.find((one) => one.name === name);
    return base?.digest === image.digest || chooseArtifact(image, base?.digest, live.deltas).kind === 'delta';
  });
  return isByDelta ? 'offered' : 'offered-whole';
}

function isSilent(device: AskedDevice, now: FleetInstant): boolean {
  return now - device.status.lastContactAt >= SILENT_AFTER_MS;
}

/** The whole fleet before one rollout, grouped by cause. */
export interface FleetExplanation {
  readonly rolloutId: RolloutId;
  readonly at: FleetInstant;
  /** All devices of the rollout's type: the sum of the groups. */
  readonly devices: number;
  readonly groups: readonly CauseGroup[];
}

/** Devices that stand where they stand for the same cause and, where they said one, the same reason. */
export interface CauseGroup {
  readonly cause: RolloutCause;
  readonly sentence: string;
  /** What the devices reported, or which freeze holds, cut to its first line; absent where there is nothing to add. */
  readonly reason?: string;
  readonly devices: number;
  /** The first few of them by id. */
  readonly samples: readonly DeviceId[];
}

/** A person looks at a few devices of a group, and asks for all of them with a query. */
export const SAMPLES_MAX = 5;

/** Different reasons told apart for one cause; what devices write there is free text, so the rest is one group. */
export const REASONS_MAX = 20;

/** What stands for the reasons beyond `REASONS_MAX`. */
export const OTHER_REASONS = 'other reasons';

/** A line of a terminal. */
const REASON_CHARACTERS_MAX = 120;

/** Groups standings as they stream by; what it holds does not grow with the fleet. */
export interface CauseTally {
  /** `reason`: what stands beside the cause (`reasonOfCause`); absent: what the device reported, where it went wrong. */
  add(standing: DeviceStanding, cause: RolloutCause, reason?: string): void;
  groups(): readonly CauseGroup[];
}

/** An empty tally. */
export function causeTally(): CauseTally {
  const byCause = new Map<RolloutCause, Map<string, { devices: number; readonly samples: DeviceId[] }>>();
  return {
    add({ device, detail }, cause, why) {
      const reasons = byCause.get(cause) ?? new Map();
      byCause.set(cause, reasons);
      const hasFailed = cause === 'reverted' || cause === 'install-failed';
      const told = reasonOf(why ?? (hasFailed ? (detail ?? '') : ''));
      const reason = reasons.has(told) || reasons.size < REASONS_MAX ? told : OTHER_REASONS;
      const group = reasons.get(reason) ?? { devices: 0, samples: [] };
      reasons.set(reason, group);
      group.devices++;
      if (group.samples.length < SAMPLES_MAX) group.samples.push(device.deviceId);
    },
    groups() {
      // The keys of the table of causes are the causes.
      return (Object.keys(ROLLOUT_CAUSES) as RolloutCause[]).flatMap((cause) =>
        [...(byCause.get(cause) ?? [])]
          .map(([reason, { devices, samples }]) => ({
            cause,
            sentence: ROLLOUT_CAUSES[cause],
            ...(reason === '' ? {} : { reason }),
            devices,
            samples,
          }))
          .sort((a, b) => b.devices - a.devices),
      );
    },
  };
}

function reasonOf(detail: string): string {
  return (detail.split('\n', 1)[0] ?? '').trim().slice(0, REASON_CHARACTERS_MAX);
}
