// SPDX-License-Identifier: Apache-2.0
import type { Artifact } from '../delta/delta.ts';
import type { ReportedState, RunningSoftware } from '../gateway/device-record.ts';
import type { PermitDocument } from '../gateway/permit.ts';
import type { Report } from '../gateway/report.ts';
import type { VersionManifest } from '../gateway/version-manifest.ts';
import type { DeviceId, Epoch, PermitId, ReleaseCounter, ReleaseId, RolloutId, Sha256 } from '../kernel/ids.ts';
import type { FleetInstant } from '../kernel/time.ts';
import type { Floors } from '../release/floors.ts';
import type { Image } from '../release/release.ts';
import { type CrashLog, newCrashLog } from './crash-log.ts';
import type { WakeFacts } from './events.ts';
import type { BootState, SlotContent, SlotName } from './ports.ts';

/** Where a device stands: the same words as in its reports. */
export type DevicePhase = ReportedState;

/** All that an agent knows: what it keeps over reboots, and the situation it woke up in. */
export interface DeviceState {
  readonly journal: Journal;
  readonly situation: Situation;
}

/** The durable half: stored before each effect, so that a cut at any point is resumed from it and `Boot.state()`. */
export interface Journal {
  readonly schema: 1;
  readonly deviceId: DeviceId;
  readonly phase: DevicePhase;
  /** Why it is there, for people: a code or a short text, empty when there is nothing to tell. */
  readonly reason: string;
  /** Of the newest message: it is stored before the message leaves, so that no number is used twice. */
  readonly sequence: number;
  /** When to check in next. */
  readonly nextPollAt: FleetInstant;
  /** No message leaves before this instant: back-off after a fault of the network. */
  readonly quietUntil: FleetInstant;
  /** Faults of the network since the last answer. */
  readonly faultCount: number;
  /** What the device was offered and is busy with. */
  readonly update?: Update;
  /** What runs in trial or was verified last: what a fall-back is reported against. */
  readonly installed?: Installed;
  /** Not yet acknowledged, oldest first. */
  readonly reports: readonly QueuedReport[];
  /** Digests that may lie in the staging area. */
  readonly staging: readonly Sha256[];
  /** Counters of releases that failed their trial boot here, newest last. */
  readonly revertedCounters: readonly ReleaseCounter[];
  /** Absent in a journal of an agent that kept none; the next wake begins one. */
  readonly crashes?: CrashLog;
  /** The newest time it was ever sure of: signed by approvers, or signed and no later than its own clock. Absent: none. */
  readonly timeFloor?: FleetInstant;
  /** Raised by confirming a release that was signed with higher ones, by nothing else; never lowered. Absent: none. */
  readonly floors?: Floors;
  /** What it last refused, so that the same is not told at every poll. Absent: nothing. */
  readonly refusalTold?: string;
}

/** A report on its way, with what the device will sign beside it: as it stood when that happened, whatever runs when it leaves. */
export interface QueuedReport extends Report {
  readonly claim?: VersionManifest;
}

/** The volatile half: told anew at each boot and each wake. */
export interface Situation {
  readonly now: FleetInstant;
  readonly boot: BootState;
  readonly mayDownload: boolean;
  /** The earliest instant at which the device would ask for the permit. */
  readonly readyAt: FleetInstant;
  /** How far this boot has come with judging the trial: forgotten by every restart. */
  readonly trial: 'unchecked' | 'slot-verified' | 'healthy' | 'unhealthy';
  /** When it was last called to check in and went by it; absent: not since it started. */
  readonly calledAt?: FleetInstant;
  /** The server refused a report in this wake: leave the others for the next. */
  readonly areReportsHeld: boolean;
}

/** A verified offer and how far the device has come with it. */
export interface Update extends UpdatePlan {
  /** The slot it goes to: neither running nor confirmed when the offer was taken. */
  readonly slot: SlotName;
  /** How the slot comes to hold it. `switch`: it does already, found by hashing it. */
  readonly way: 'fetch' | 'try-switch' | 'switch';
  /** All blobs are staged and have their digests. */
  readonly isStaged: boolean;
  /** The slot holds the images, each block checked. */
  readonly isWritten: boolean;
  /** Do not ask for the permit before. */
  readonly askAt: FleetInstant;
  readonly permit?: HeldPermit;
}

/** What an offer means after all its checks: made by `checkOffer` only. */
export interface UpdatePlan {
  readonly rolloutId: RolloutId;
  readonly releaseId: ReleaseId;
  readonly isRollback: boolean;
  readonly epoch: Epoch;
  /** What the slot will hold. */
  readonly content: SlotContent;
  /** In the order of installation. */
  readonly parts: readonly UpdatePart[];
  /** What the charter allows this device. Absent: no approvers are pinned. */
  readonly charter?: HeldCharter;
  /** What the release was signed with, to be raised when it is confirmed. Absent: none. */
  readonly floors?: Floors;
}

/** A charter after its checks, as far as it is about this device: made by `checkCharter` only. */
export interface HeldCharter {
  readonly sha256: Sha256;
  readonly issuedAt: FleetInstant;
  readonly expiresAt: FleetInstant;
  /** By index: from when on, whether it has the signatures that it needs, and whether it reaches this device. */
  readonly waves: readonly HeldWave[];
}

/** A wave of the charter before this device. */
export interface HeldWave {
  readonly notBefore: FleetInstant;
  readonly isSigned: boolean;
  readonly isMine: boolean;
}

/** One image of a bundle, and the way to it. */
export interface UpdatePart {
  readonly component: string;
  readonly image: Image;
  readonly artifact: Artifact;
}

/** A permit that passed `checkPermit`, with the instant at which this device asked for it. */
export interface HeldPermit {
  readonly document: PermitDocument;
  readonly askedAt: FleetInstant;
  /** The floor of time that comes with it. Absent: no charter was asked for. */
  readonly timeFloor?: FleetInstant;
}

/** What was armed last, and what became of it: the subject of `verified` and `reverted`. */
export interface Installed {
  readonly rolloutId: RolloutId;
  readonly releaseId: ReleaseId;
  readonly permitId: PermitId;
  readonly slot: SlotName;
  readonly releaseCounter: ReleaseCounter;
  readonly isVerified: boolean;
  /** What the last failed health check said. */
  readonly trialLog: string;
}

/** The journal of a device that has none: it checks in at once. `sequence` is zero unless an older journal was lost. */
export function newJournal(deviceId: DeviceId, now: FleetInstant, sequence = 0): Journal {
  return {
    schema: 1,
    deviceId,
    phase: 'idle',
    reason: '',
    sequence,
    nextPollAt: now,
    quietUntil: 0 as FleetInstant,
    faultCount: 0,
    reports: [],
    staging: [],
    revertedCounters: [],
    crashes: newCrashLog(now),
  };
}

/** Whether a journal holds what its phase is about; one that does not was not written by `step`. */
export function isCoherent({ phase, update, installed }: Journal): boolean {
  if (phase === 'installed') return update !== undefined && installed !== undefined;
  if (phase === 'permitted' || phase === 'installing') return update?.permit !== undefined;
  return !PHASES_WITH_UPDATE.includes(phase) || update !== undefined;
}

const PHASES_WITH_UPDATE: readonly DevicePhase[] = ['available', 'downloading', 'downloaded'];

/** The state of an agent that knows its journal and nothing else yet; the first event is `booted`. */
export function stateFrom(journal: Journal, boot: BootState, facts: WakeFacts): DeviceState {
  const { now, mayDownload, readyAt } = facts;
  const known = journal.crashes === undefined ? { ...journal, crashes: newCrashLog(now) } : journal;
  return { journal: known, situation: { now, boot, mayDownload, readyAt, trial: 'unchecked', areReportsHeld: false } };
}

/** What runs now, in the words of the wire; the boot chooser knows it of every slot that ever booted. */
export function runningSoftware(boot: BootState): RunningSoftware {
  const content = boot.contents[boot.running];
  return {
    version: content?.version ?? '0.0.0',
    releaseCounter: content?.releaseCounter ?? (0 as ReleaseCounter),
    components: content?.components ?? [],
  };
}

/** The slot that does not run. */
export function otherSlot(slot: SlotName): SlotName {
  return slot === 'a' ? 'b' : 'a';
}

/** The digests of all blobs an update needs: artifacts and block lists. */
export function digestsOf(plan: UpdatePlan): readonly Sha256[] {
  return plan.parts.flatMap(({ artifact, image }) => [
    artifact.kind === 'full' ? artifact.digest : artifact.delta.digest,
    image.blocksDigest,
  ]);
}
