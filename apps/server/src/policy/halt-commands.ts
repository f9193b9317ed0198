// SPDX-License-Identifier: Apache-2.0
import { decideSafely } from '@outrider/domain/decision/replay';
import { restartExposure } from '@outrider/domain/decision/restart';
import { RULE_NOW } from '@outrider/domain/decision/rule';
import type { ServerStore } from '@outrider/domain/decision/server-store';
import { emptyEvidence } from '@outrider/domain/evidence/count';
import type { Evidence } from '@outrider/domain/evidence/evidence';
import { isCountedBy, leftOutBy } from '@outrider/domain/evidence/left-out';
import type { FleetClock } from '@outrider/domain/kernel/clock';
import type { DeviceId, Revision, RolloutId, SegmentId } from '@outrider/domain/kernel/ids';
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import { sha256Text } from '@outrider/domain/kernel/sha256';
import { after, type FleetInstant, fleetInstant } from '@outrider/domain/kernel/time';
import type { Exposure } from '@outrider/domain/policy/exposure';
import type { PolicyChange, PolicyEntry, ResumeOrder } from '@outrider/domain/policy/log';
import { RESUME_LIFE_MS, type ResumeTerms } from '@outrider/domain/policy/resume-approval';
import type { Rollout } from '@outrider/domain/policy/rollout';
import type { Envelope } from '@outrider/domain/trust/envelope';
import { encodeEvidence } from '@outrider/protocol/evidence/evidence';
import { type CommandError, refuse } from '../errors.ts';
import type { ChangeContext, PolicyReceipt } from './policy-commands.ts';
import { policyProblem } from './policy-problem.ts';
import { countAudience } from './populations.ts';
import { type ApprovalPorts, readResume } from './read-approval.ts';
import type { SnapshotHolder } from './snapshot-holder.ts';

export interface ExclusionRequest extends ChangeContext {
  readonly rolloutId: RolloutId;
  readonly kind: 'evidence-excluded' | 'evidence-included';
  readonly deviceIds: readonly DeviceId[];
  readonly reason: string;
}

export interface ResumeRequest extends ChangeContext {
  readonly rolloutId: RolloutId;
  /** A `ResumeApproval`, signed by at least two groups of approvers. */
  readonly approval: Envelope;
}

export interface RegionRequest extends ChangeContext {
  readonly rolloutId: RolloutId;
  readonly region: string;
  readonly isRollingBack: boolean;
  readonly reason: string;
}

/** What two people look at, and have to sign, before a halted rollout goes on. */
export interface ResumeDraft extends ResumeTerms {
  /** Up to here the evidence was counted. */
  readonly asOf: FleetInstant;
  /** The latest instant a resume may name. */
  readonly expiresAtMax: FleetInstant;
  readonly haltedSegments: readonly SegmentId[];
  readonly haltedRegions: readonly string[];
  readonly excludedDevices: readonly DeviceId[];
  /** Why the rule would halt again at once if the counts went on, with all segments open; absent: it would not. */
  readonly stillHalts?: string;
}

type Receipt = Promise<Result<PolicyReceipt, CommandError>>;

/** What people can do about a rollout that is halted. */
export interface HaltCommands {
  /** One region gets nothing more, or goes back; the others go on. */
  haltRegion(request: RegionRequest): Receipt;
  /** Takes devices out of the counts, or in again: recorded, reversible, and of no effect on the halt. */
  changeBelief(request: ExclusionRequest): Receipt;
  /** What a resume has to name now. Codes: rollout-unknown, rollout-not-halted, evidence-unsettled. */
  draftResume(rolloutId: RolloutId): Promise<Result<ResumeDraft, CommandError>>;
  /** Lets a halted rollout go on by the signatures of two groups of approvers or more. */
  resumeHalted(request: ResumeRequest): Receipt;
}

export function haltCommands(options: {
  readonly store: ServerStore;
  readonly holder: SnapshotHolder;
  readonly fleetClock: FleetClock;
  readonly approvals: ApprovalPorts;
  readonly append: (
    change: PolicyChange,
    context: ChangeContext,
    exposure?: Exposure,
  ) => Promise<Result<PolicyEntry, CommandError>>;
  readonly receiptOf: (
    entry: PolicyEntry,
    about: { readonly rolloutId: RolloutId; readonly openIn?: `rollout:${string}` },
  ) => Promise<PolicyReceipt>;
}): HaltCommands {
  const { store, holder, fleetClock, approvals, append, receiptOf } = options;

  async function halted(rolloutId: RolloutId): Promise<Result<Halted, CommandError>> {
    await holder.refresh();
    const policyRevision = holder.policy().revision;
    const rollout = holder.policy().rollouts.get(rolloutId);
    if (rollout === undefined) return err(policyProblem({ code: 'rollout-unknown', rolloutId }));
    if (rollout.state !== 'halted') return err(policyProblem({ code: 'rollout-not-halted', state: rollout.state }));
    const stored = await store.decisions.loadLatestEvidence(rolloutId);
    const evidence = stored ?? emptyEvidence(rollout.plan, fleetInstant(0));
    if (!isCountedBy(evidence, leftOutBy(rollout))) {
      const detail = `The counts of ${rolloutId} do not yet say what was ordered in revision ${rollout.revision}; ask again in a minute`;
      return refuse('evidence-unsettled', detail, { rolloutId });
    }
    const exposure = await store.exposures.loadExposure(rolloutId);
    if (exposure === undefined) return err(policyProblem({ code: 'rollout-not-live', state: rollout.state }));
    return ok({ rollout, evidence, exposure, policyRevision });
  }

  function termsOf({ rollout, evidence }: Halted): ResumeTerms {
    const { plan, epoch, revision } = rollout;
    return {
      rolloutId: plan.rolloutId,
      releaseId: plan.releaseId,
      epoch,
      revision,
      evidenceSha256: sha256Text(encodeEvidence(evidence)),
      now: fleetClock.now(),
    };
  }

  return {
    async haltRegion({ rolloutId, region, isRollingBack, reason, ...context }) {
      await holder.refresh();
      const rollout = holder.policy().rollouts.get(rolloutId);
      if (rollout === undefined) return err(policyProblem({ code: 'rollout-unknown', rolloutId }));
      const release = await store.catalogue.loadRelease(rollout.plan.releaseId);
      if (isRollingBack && release?.manifest.rollbackTwin === undefined) {
        const detail =
          'The release was the first of its device type and has no rollback twin; halt the region without the way back';
        return refuse('twin-missing', detail, { rolloutId });
      }
      const counted = release && (await countAudience(store, rollout.plan, release.manifest, region));
      if (counted === undefined || counted.populations.length === 0) {
        const detail = `No device of the audience of ${rolloutId} is in the region ${region}; check its name`;
        return refuse('audience-empty', detail, { region });
      }
      const back = isRollingBack ? { isRollingBack } : {};
      const { populations } = counted;
      const entry = await append({ kind: 'region-halted', rolloutId, region, ...back, populations, reason }, context);
      return entry.ok ? ok(await receiptOf(entry.value, { rolloutId, openIn: `rollout:${rolloutId}` })) : entry;
    },

    async changeBelief({ rolloutId, kind, deviceIds, reason, ...context }) {
      const known = await store.registry.loadDevices(deviceIds);
      const enrolled = new Set(
        known.flatMap(({ record, ledger }) =>
          ledger.some((row) => row.rolloutId === rolloutId && row.kind === 'enrolment') ? [record.deviceId] : [],
        ),
      );
      const stranger = deviceIds.find((one) => !enrolled.has(one));
      if (stranger !== undefined) {
        const detail = `The device ${stranger} has no row in the ledger of ${rolloutId}, so nothing of it is counted; check its id`;
        return refuse('device-not-found', detail, { deviceId: stranger });
      }
      const entry = await append({ kind, rolloutId, deviceIds: [...new Set(deviceIds)], reason }, context);
      return entry.ok ? ok(await receiptOf(entry.value, { rolloutId })) : entry;
    },

    async draftResume(rolloutId) {
      const found = await halted(rolloutId);
      if (!found.ok) return found;
      const { rollout, evidence } = found.value;
      const terms = termsOf(found.value);
      const stillHalts = haltsAgain(found.value, rollout.haltedSegments);
      return ok({
        ...terms,
        asOf: evidence.asOf,
        expiresAtMax: after(terms.now, RESUME_LIFE_MS),
        haltedSegments: rollout.haltedSegments,
        haltedRegions: (rollout.haltedRegions ?? []).map((one) => one.region),
        excludedDevices: rollout.excludedDevices ?? [],
        ...(stillHalts === undefined ? {} : { stillHalts }),
      });
    },

    async resumeHalted({ rolloutId, approval, ...context }) {
      const found = await halted(rolloutId);
      if (!found.ok) return found;
      const { rollout, exposure, policyRevision } = found.value;
      // What was signed is about the rollout as it was read here: another change in between refuses this one.
      const expectedRevision = context.expectedRevision ?? policyRevision;
      const approved = await readResume(approval, termsOf(found.value), approvals);
      if (!approved.ok) return approved;
      const { document, signers } = approved.value;
      const { reason, counts, segments, regions } = document;
      const fault =
        counts === 'restart' ? faultOfRestart(found.value, segments) : faultOfGoingOn(found.value, segments);
      if (fault !== undefined) return err(fault);
      const resumed: ResumeOrder = { counts, segments, ...(regions === undefined ? {} : { regions }) };
      const change: PolicyChange = {
        ...{ kind: 'rollout-event', rolloutId, event: 'resume', reason },
        ...{ approval, signers, resumed },
      };
      const narrowed = counts === 'restart' ? restartExposure(rollout.plan, exposure) : undefined;
      const entry = await append(change, { ...context, expectedRevision }, narrowed);
      return entry.ok ? ok(await receiptOf(entry.value, { rolloutId })) : entry;
    },
  };
}

interface Halted {
  readonly rollout: Rollout;
  readonly evidence: Evidence;
  readonly exposure: Exposure;
  readonly policyRevision: Revision;
}

/** What the rule says of the stored evidence when these segments are open again: the reason of a halt, or none. */
function haltsAgain({ rollout, evidence, exposure }: Halted, reopened: readonly SegmentId[]): string | undefined {
  const { decision } = decideSafely(rollout.plan, {
    evidence,
    exposure,
    now: evidence.asOf,
    haltedSegments: rollout.haltedSegments.filter((one) => !reopened.includes(one)),
    isStopOnly: true,
    rule: RULE_NOW,
  });
  if (decision.overall.kind === 'halt') return decision.overall.reason;
  const segment = decision.segments.find(
    (one) => one.verdict.kind === 'halt' && (reopened.includes(one.segment) || !isKnown(rollout, one.segment)),
  );
  return segment?.verdict.reason;
}

function isKnown({ haltedSegments }: Rollout, segment: SegmentId): boolean {
  return haltedSegments.includes(segment);
}

function faultOfGoingOn(found: Halted, segments: readonly SegmentId[]): CommandError | undefined {
  const reason = haltsAgain(found, segments);
  if (reason === undefined) return undefined;
  const detail = `The rollout would halt again at once: ${reason}; exclude what is forged, or let a restart of the counts be signed`;
  return { code: 'evidence-still-halts', detail };
}

/** Once all were released there is no first step to go back to; and a rollout of which every segment is halted has none open. */
function faultOfRestart({ rollout, exposure }: Halted, segments: readonly SegmentId[]): CommandError | undefined {
  const { rolloutId } = rollout.plan;
  if (exposure.isComplete) {
    const detail = `All devices of ${rolloutId} had been released, so its tests cannot begin again with a first step; make a new rollout`;
    return { code: 'resume-invalid', detail };
  }
  const halted = new Set(rollout.haltedSegments.filter((one) => !segments.includes(one)));
  if (exposure.segments.some((one) => !halted.has(one.segment))) return undefined;
  const detail = `Every segment of ${rolloutId} is halted, so it would halt again at once; let a resume be signed that opens some`;
  return { code: 'evidence-still-halts', detail };
}
