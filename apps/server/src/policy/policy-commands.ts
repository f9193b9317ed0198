// SPDX-License-Identifier: Apache-2.0
import type { ServerStore } from '@outrider/domain/decision/server-store';
import { startExposure } from '@outrider/domain/decision/start-exposure';
import { completeExposure } from '@outrider/domain/decision/widen';
import type { OpenPermit } from '@outrider/domain/gateway/ports';
import type { FleetClock } from '@outrider/domain/kernel/clock';
import type { DeviceId, Epoch, KeyId, Revision, RolloutId, SegmentId } from '@outrider/domain/kernel/ids';
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import type { FleetInstant } from '@outrider/domain/kernel/time';
import { decideChange } from '@outrider/domain/policy/decide-change';
import type { Exposure } from '@outrider/domain/policy/exposure';
import type { Policy } from '@outrider/domain/policy/fold';
import type { Overrule, PolicyChange, PolicyEntry, Scope } from '@outrider/domain/policy/log';
import type { PolicyNotices } from '@outrider/domain/policy/ports';
import type { RolloutEvent, RolloutPlan, RolloutState } from '@outrider/domain/policy/rollout';
import type { Envelope } from '@outrider/domain/trust/envelope';
import { describeParseError } from '@outrider/protocol/kernel/parse-error';
import { encodePolicyChange, parsePolicyChange } from '@outrider/protocol/policy/policy-change';
import type { Histories } from '../decision/histories.ts';
import { type CommandError, refuse } from '../errors.ts';
import type { Counters } from '../gateway/counters.ts';
import { currentPerson } from '../log/request-context.ts';
import type { Log } from '../ports.ts';
import { underRequest } from '../trust/changed-by.ts';
import { type CharterCommands, charterCommands } from './charter-commands.ts';
import type { CharterStandings } from './charter-standings.ts';
import { type FlagCommands, flagCommands } from './flag-commands.ts';
import { type HaltCommands, haltCommands } from './halt-commands.ts';
import { type LintedPlan, lintedPlan, type OverruleRequest } from './plan-lint.ts';
import { policyProblem, staleProblem } from './policy-problem.ts';
import { countAudience } from './populations.ts';
import { type ApprovalPorts, readApproval } from './read-approval.ts';
import type { SnapshotHolder } from './snapshot-holder.ts';

/** Who changes the policy, why, and from which revision. */
export interface ChangeContext {
  /** A person's or service's name, or `decision` for the rule itself. */
  readonly author: string;
  /** The revision the author has seen: another one in force refuses the change. Absent: the change is tried again. */
  readonly expectedRevision?: Revision;
  /** Why the change is not the author's to make on this policy: looked at on the very one it is made on. */
  readonly faultOn?: (policy: Policy) => CommandError | undefined;
}

export interface CreateRequest extends ChangeContext {
  readonly plan: RolloutPlan;
  readonly overrules?: readonly OverruleRequest[];
}

export interface LimitRequest extends ChangeContext {
  readonly rolloutId: RolloutId;
  /** Absent: the ceiling is lifted. */
  readonly devices?: number;
  readonly reason: string;
}

export interface CompleteRequest extends ChangeContext {
  readonly rolloutId: RolloutId;
  /** An `ApprovalDocument`, signed by as many groups of approvers as their role demands. */
  readonly approval: Envelope;
}

export interface RolloutEventRequest extends ChangeContext {
  readonly rolloutId: RolloutId;
  readonly event: RolloutEvent;
  readonly reason: string;
  readonly isIncludingRollback?: boolean;
  /** For `approve`: findings about the plan that the approver overrules. */
  readonly overrules?: readonly OverruleRequest[];
}

export interface ScopeRequest extends ChangeContext {
  readonly scope: Scope;
  readonly reason: string;
  readonly isIncludingRollback?: boolean;
}

export interface KeyRequest extends ChangeContext {
  readonly kind: 'device-revoked' | 'device-reinstated';
  readonly deviceId: DeviceId;
  readonly keyId: KeyId;
  readonly reason: string;
}

/** What a change did: durable, and in force for every permit from now on. */
export interface PolicyReceipt {
  readonly revision: Revision;
  readonly at: FleetInstant;
  readonly rollout?: { readonly rolloutId: RolloutId; readonly state: RolloutState; readonly epoch: Epoch };
  /** For what stops something: devices that hold an unexpired permit and have not told how it ended. */
  readonly openPermits?: readonly OpenPermit[];
}

type Receipt = Promise<Result<PolicyReceipt, CommandError>>;

export interface PolicyCommands extends HaltCommands, FlagCommands, Omit<CharterCommands, 'mayStart'> {
  /** The fleet's own history is asked about the plan. */
  createRollout(request: CreateRequest): Receipt;
  /** Approve, start, pause, resume, halt, cancel, complete, roll back: what ROLLOUT_TABLE allows. */
  changeRollout(request: RolloutEventRequest): Receipt;
  /** A person's ceiling: in force for every permit from the moment this returns, below what is granted too. */
  limitRollout(request: LimitRequest): Receipt;
  /** Releases all devices by the signatures of approvers, where the evidence would not yet. */
  completeRollout(request: CompleteRequest): Receipt;
  haltSegment(
    request: ChangeContext & { readonly rolloutId: RolloutId; readonly segment: SegmentId; readonly reason: string },
  ): Receipt;
  /** Revokes the key of a device, or takes that back. In force on every gateway as soon as it has read the policy. */
  changeKey(request: KeyRequest): Receipt;
  pauseScope(request: ScopeRequest): Receipt;
  resumeScope(request: ScopeRequest): Receipt;
  /** Freezes and exclusions, over all rollouts; groups. */
  order(request: ChangeContext & { readonly change: OrderChange }): Receipt;
}

/** A change of the orders over all rollouts, or of a group. */
export type OrderChange = Extract<
  PolicyChange,
  {
    readonly kind:
      | 'freeze-set'
      | 'freeze-lifted'
      | 'exclusion-set'
      | 'exclusion-lifted'
      | 'group-set'
      | 'group-removed';
  }
>;

/** Attempts to append while others append too; each lost one means that somebody else's change went through. */
const ATTEMPTS_MAX = 8;

/** Events after which people want to know who is still on the way. */
const STOPPING: ReadonlySet<RolloutEvent> = new Set<RolloutEvent>(['pause', 'halt', 'cancel', 'roll-back']);

export function policyCommands(options: {
  readonly store: ServerStore;
  readonly holder: SnapshotHolder;
  readonly fleetClock: FleetClock;
  readonly histories: Histories;
  readonly approvals: ApprovalPorts;
  readonly charters: CharterStandings;
  readonly counters: Counters;
  /** Where the other servers hear that there is something to read; absent: they look by themselves. */
  readonly notices?: PolicyNotices;
  readonly log: Log;
}): PolicyCommands {
  const { store, holder, fleetClock, histories, counters, notices, log } = options;

  async function append(
    change: PolicyChange,
    context: ChangeContext,
    exposure?: Exposure,
  ): Promise<Result<PolicyEntry, CommandError>> {
    // The log is read for good, so that nothing is written that its reader would not take.
    const legible = parsePolicyChange(encodePolicyChange(change));
    if (!legible.ok) return refuse('body-malformed', describeParseError(legible.error));
    let lost: CommandError | undefined;
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      await holder.refreshPolicy();
      const policy = holder.policy();
      const expected = context.expectedRevision ?? policy.revision;
      if (expected !== policy.revision) return err(staleProblem({ expected, actual: policy.revision }));
      const fault = context.faultOn?.(policy);
      if (fault !== undefined) return err(fault);
      const decided = decideChange(policy, change);
      if (!decided.ok) return err(policyProblem(decided.error));
      const entry = { expected, at: fleetClock.now(), author: context.author, change, request: underRequest() };
      const appended = await store.policyLog.appendEntry({ ...entry, ...(exposure === undefined ? {} : { exposure }) });
      if (appended.ok) {
        await readBack(appended.value);
        return appended;
      }
      lost = staleProblem(appended.error);
      if (context.expectedRevision !== undefined) return err(lost);
    }
    return err(lost ?? staleProblem({ expected: holder.policy().revision, actual: holder.policy().revision }));
  }

  /** The change is durable; a store that went away right after takes nothing of that back. */
  async function readBack({ revision, author, change }: PolicyEntry): Promise<void> {
    notices?.tell();
    counters.add('policy', change.kind);
    log.info({ stage: 'policy', code: 'policy-changed', revision, author, change }, 'The policy has changed');
    await holder.refresh().catch((cause: unknown) => {
      log.warn({ stage: 'policy', code: 'store-away', err: cause }, 'The policy could not be read after a change');
    });
  }

  /** The exposure that a rollout starts with: its audience is counted now. */
  async function firstExposure(rolloutId: RolloutId): Promise<Result<Exposure | undefined, CommandError>> {
    await holder.refresh();
    const rollout = holder.policy().rollouts.get(rolloutId);
    if (rollout?.state !== 'approved') return ok(undefined);
    const { plan } = rollout;
    const release = await store.catalogue.loadRelease(plan.releaseId);
    if (release === undefined || release.withdrawnAt !== undefined) return unusableRelease(plan, release !== undefined);
    const chartered = await mayStart(rollout, release);
    if (!chartered.ok) return chartered;
    const audience = await countAudience(store, plan, release.manifest);
    if (audience.populations.length === 0) {
      const detail = `No registered ${plan.deviceType} is in the audience of ${rolloutId}; register devices or widen it`;
      return refuse('audience-empty', detail, { rolloutId });
    }
    return ok(startExposure({ plan, ...audience, now: fleetClock.now() }));
  }

  async function lintedNow(linted: Omit<LintedPlan, 'rollouts'>): ReturnType<typeof lintedPlan> {
    await holder.refresh();
    return lintedPlan(histories, { ...linted, rollouts: holder.policy().rollouts.values() });
  }

  /** The history may have changed since the plan was created. An unknown rollout is refused later, by name. */
  async function lintedAtApproval(
    rolloutId: RolloutId,
    requests: readonly OverruleRequest[],
  ): ReturnType<typeof lintedPlan> {
    await holder.refresh();
    const rollout = holder.policy().rollouts.get(rolloutId);
    if (rollout === undefined) return ok([]);
    return lintedNow({ plan: rollout.plan, known: rollout.overruled ?? [], requests });
  }

  async function receiptOf(
    entry: PolicyEntry,
    about: { readonly rolloutId?: RolloutId; readonly openIn?: Scope | `rollout:${string}` },
  ): Promise<PolicyReceipt> {
    const rollout = about.rolloutId === undefined ? undefined : holder.policy().rollouts.get(about.rolloutId);
    const { revision, at } = entry;
    return {
      revision,
      at,
      ...(rollout === undefined
        ? {}
        : { rollout: { rolloutId: rollout.plan.rolloutId, state: rollout.state, epoch: rollout.epoch } }),
      ...(about.openIn === undefined
        ? {}
        : { openPermits: await store.ledger.loadOpenPermits(about.openIn, fleetClock.now()) }),
    };
  }

  const { mayStart, ...charterVerbs } = charterCommands({
    ...{ store, holder, fleetClock, append, receiptOf, lintedAtApproval },
    ...{ charters: options.charters, nameSigners: options.approvals.nameSigners },
  });

  return {
    ...charterVerbs,
    ...haltCommands({ store, holder, fleetClock, approvals: options.approvals, append, receiptOf }),
    ...flagCommands({ store, holder, append, receiptOf }),

    async createRollout({ plan, overrules: requests = [], ...context }) {
      const release = await store.catalogue.loadRelease(plan.releaseId);
      if (release === undefined || release.withdrawnAt !== undefined) {
        return unusableRelease(plan, release !== undefined);
      }
      if (release.manifest.deviceType !== plan.deviceType) {
        const detail = `The plan is for ${plan.deviceType}, its release for ${release.manifest.deviceType}; they must agree`;
        return refuse('plan-invalid', detail, { field: 'deviceType' });
      }
      const overrules = await lintedNow({ plan, requests });
      if (!overrules.ok) return overrules;
      const entry = await append({ kind: 'rollout-created', plan, ...recorded(overrules.value) }, context);
      return entry.ok ? ok(await receiptOf(entry.value, { rolloutId: plan.rolloutId })) : entry;
    },

    async changeRollout({ rolloutId, event, reason, isIncludingRollback, overrules: requests = [], ...context }) {
      if (event === 'approve' && (await isOwnPlan(holder, rolloutId, context.author))) {
        const detail = `${context.author} planned ${rolloutId} and so does not approve it; let another approver look at it`;
        return refuse('approver-is-author', detail, { rolloutId });
      }
      const overrules = event === 'approve' ? await lintedAtApproval(rolloutId, requests) : ok([]);
      if (!overrules.ok) return overrules;
      const exposure = event === 'start' ? await firstExposure(rolloutId) : ok(undefined);
      if (!exposure.ok) return exposure;
      if (event === 'roll-back' && !(await hasTwin(store, holder, rolloutId))) {
        const detail = 'The release was the first of its device type and has no rollback twin; publish a newer release';
        return refuse('twin-missing', detail, { rolloutId });
      }
      const flag = isIncludingRollback === undefined ? {} : { isIncludingRollback };
      const change: PolicyChange = {
        kind: 'rollout-event',
        rolloutId,
        event,
        reason,
        ...flag,
        ...recorded(overrules.value),
      };
      const entry = await append(change, context, exposure.value);
      if (!entry.ok) return entry;
      return ok(
        await receiptOf(entry.value, { rolloutId, ...(STOPPING.has(event) ? { openIn: `rollout:${rolloutId}` } : {}) }),
      );
    },

    async limitRollout({ rolloutId, devices, reason, ...context }) {
      const ceiling = devices === undefined ? {} : { devices };
      const entry = await append({ kind: 'rollout-limited', rolloutId, ...ceiling, reason }, context);
      return entry.ok ? ok(await receiptOf(entry.value, { rolloutId })) : entry;
    },

    async completeRollout({ rolloutId, approval, ...context }) {
      await holder.refresh();
      const rollout = holder.policy().rollouts.get(rolloutId);
      if (rollout === undefined) return err(policyProblem({ code: 'rollout-unknown', rolloutId }));
      // What was signed is about the rollout as it was read here: another change in between refuses this one.
      const expectedRevision = context.expectedRevision ?? holder.policy().revision;
      const approved = await readApproval(approval, { action: 'complete', rollout }, options.approvals);
      if (!approved.ok) return approved;
      const exposure = await store.exposures.loadExposure(rolloutId);
      const { document, signers } = approved.value;
      const { reason } = document;
      const change: PolicyChange = { kind: 'rollout-event', rolloutId, event: 'complete', reason, approval, signers };
      const halted = new Set(rollout.haltedSegments);
      const completed = exposure && completeExposure(rollout.plan, exposure, halted);
      const entry = await append(change, { ...context, expectedRevision }, completed);
      return entry.ok ? ok(await receiptOf(entry.value, { rolloutId })) : entry;
    },

    async haltSegment({ rolloutId, segment, reason, ...context }) {
      const entry = await append({ kind: 'segment-halted', rolloutId, segment, reason }, context);
      return entry.ok ? ok(await receiptOf(entry.value, { rolloutId, openIn: `rollout:${rolloutId}` })) : entry;
    },

    async changeKey({ kind, deviceId, keyId, reason, ...context }) {
      const entry = await append({ kind, deviceId, keyId, reason }, context);
      return entry.ok ? ok(await receiptOf(entry.value, {})) : entry;
    },

    async pauseScope({ scope, reason, isIncludingRollback, ...context }) {
      const flag = isIncludingRollback === undefined ? {} : { isIncludingRollback };
      const entry = await append({ kind: 'scope-paused', scope, reason, ...flag }, context);
      return entry.ok ? ok(await receiptOf(entry.value, { openIn: scope })) : entry;
    },

    async order({ change, ...context }) {
      const entry = await append(change, context);
      return entry.ok ? ok(await receiptOf(entry.value, {})) : entry;
    },

    async resumeScope({ scope, reason, ...context }) {
      const entry = await append({ kind: 'scope-resumed', scope, reason }, context);
      return entry.ok ? ok(await receiptOf(entry.value, {})) : entry;
    },
  };
}

/**
 * Two people, whatever tokens they use: a token's author is its person. The administrator's token is the exception, for the first
 * day and for emergencies, and the audit log says that it was used.
 */
async function isOwnPlan(holder: SnapshotHolder, rolloutId: RolloutId, author: string): Promise<boolean> {
  const person = currentPerson();
  if (person === undefined || person.credential.kind === 'break-glass') return false;
  await holder.refresh();
  return holder.policy().rollouts.get(rolloutId)?.createdBy === author;
}

/** Only what was overruled is written down. */
function recorded(overrules: readonly Overrule[]): { readonly overrules?: readonly Overrule[] } {
  return overrules.length === 0 ? {} : { overrules };
}

function unusableRelease({ releaseId }: RolloutPlan, isWithdrawn: boolean): ReturnType<typeof refuse> {
  if (isWithdrawn) {
    return refuse('release-withdrawn', `The release ${releaseId} has been withdrawn; publish another`, { releaseId });
  }
  return refuse('release-unknown', `No release ${releaseId} is published; publish it first`, { releaseId });
}

/** An unknown rollout is refused later, by name. */
async function hasTwin(store: ServerStore, holder: SnapshotHolder, rolloutId: RolloutId): Promise<boolean> {
  await holder.refresh();
  const rollout = holder.policy().rollouts.get(rolloutId);
  if (rollout === undefined) return true;
  const release = await store.catalogue.loadRelease(rollout.plan.releaseId);
  return release?.manifest.rollbackTwin !== undefined;
}
