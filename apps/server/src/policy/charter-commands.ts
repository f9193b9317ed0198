// SPDX-License-Identifier: Apache-2.0
import { FIRST_STEP_DEVICES } from '@outrider/domain/decision/admission';
import type { ServerStore } from '@outrider/domain/decision/server-store';
import type { FleetClock } from '@outrider/domain/kernel/clock';
import type { DeviceId, RolloutId, Sha256 } from '@outrider/domain/kernel/ids';
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import {
  type CharterDocument,
  RING_DEVICES_MAX,
  type SignedCharter,
  type VerifiedCharter,
} from '@outrider/domain/policy/charter';
import type { GatewayCharterError } from '@outrider/domain/policy/charter-errors';
import { draftCharter } from '@outrider/domain/policy/draft-charter';
import type { ChangeSigner, Overrule, PolicyChange, PolicyEntry } from '@outrider/domain/policy/log';
import type { Rollout } from '@outrider/domain/policy/rollout';
import { verifyCharter, verifyOpening } from '@outrider/domain/policy/verify-charter';
import type { PublishedRelease } from '@outrider/domain/release/release';
import type { SigningRole } from '@outrider/domain/trust/role';
import { type CommandError, refuse } from '../errors.ts';
import type { CharterStandings } from './charter-standings.ts';
import type { OverruleRequest } from './plan-lint.ts';
import type { ChangeContext, PolicyReceipt } from './policy-commands.ts';
import { policyProblem } from './policy-problem.ts';
import { countAudience, ringDevicesOf } from './populations.ts';
import { NO_APPROVERS } from './read-approval.ts';
import { type NameSigners, roleWithout } from './signers.ts';
import type { SnapshotHolder } from './snapshot-holder.ts';

export interface CharterRequest extends ChangeContext {
  readonly rolloutId: RolloutId;
  readonly charter: SignedCharter;
  readonly reason: string;
  readonly overrules?: readonly OverruleRequest[];
}

/** What people look at before they sign: a draft, or what is in force, to which openings can be added. */
export interface CharterView {
  readonly draft?: CharterDocument;
  readonly inForce?: SignedCharter;
  readonly sha256?: Sha256;
  /** Whose signatures the charter in force bears, as the role says now. */
  readonly signers?: readonly ChangeSigner[];
}

/** What approvers do about the charter of a rollout. */
export interface CharterCommands {
  /** Codes: rollout-unknown, approver-role-missing, release-unknown, charter-invalid. */
  showCharter(rolloutId: RolloutId): Promise<Result<CharterView, CommandError>>;
  /** Puts it in force, by its signatures; a draft is approved by that. Also codes: approver-is-author, charter-in-force, revision-stale. */
  submitCharter(request: CharterRequest): Promise<Result<PolicyReceipt, CommandError>>;
  /** Whether a rollout may start: yes where no approvers are installed. Code: charter-invalid. */
  mayStart(rollout: Rollout, release: PublishedRelease): Promise<Result<'yes', CommandError>>;
}

export function charterCommands(options: {
  readonly store: ServerStore;
  readonly holder: SnapshotHolder;
  readonly fleetClock: FleetClock;
  readonly charters: CharterStandings;
  readonly nameSigners: NameSigners;
  readonly append: (change: PolicyChange, context: ChangeContext) => Promise<Result<PolicyEntry, CommandError>>;
  readonly receiptOf: (entry: PolicyEntry, about: { readonly rolloutId: RolloutId }) => Promise<PolicyReceipt>;
  readonly lintedAtApproval: (
    rolloutId: RolloutId,
    requests: readonly OverruleRequest[],
  ) => Promise<Result<readonly Overrule[], CommandError>>;
}): CharterCommands {
  const { store, holder, fleetClock, charters, nameSigners, append, receiptOf, lintedAtApproval } = options;

  async function subjectOf(rolloutId: RolloutId): Promise<Result<Subject, CommandError>> {
    await holder.refresh();
    const rollout = holder.policy().rollouts.get(rolloutId);
    if (rollout === undefined) return err(policyProblem({ code: 'rollout-unknown', rolloutId }));
    const role = await charters.loadRole();
    if (role === undefined) {
      return refuse('approver-role-missing', NO_APPROVERS);
    }
    const { releaseId } = rollout.plan;
    const release = await store.catalogue.loadRelease(releaseId);
    if (release !== undefined) return ok({ rollout, release, role });
    return refuse('release-unknown', `No release ${releaseId} is published; publish it first`, { releaseId });
  }

  async function draftFor({
    rollout: { plan },
    release,
    role,
  }: Subject): Promise<Result<CharterDocument, CommandError>> {
    const counted = await countAudience(store, plan, release.manifest);
    if (counted.ringDevices > RING_DEVICES_MAX) {
      const detail = `The rings of the plan hold ${counted.ringDevices} devices, a charter names at most ${RING_DEVICES_MAX}; take a smaller ring`;
      return refuse('charter-invalid', detail, { rule: 'charter-malformed' });
    }
    const population = counted.populations.reduce((sum, one) => sum + one.population, 0);
    const ringDevices: { readonly deviceId: DeviceId; readonly tags: readonly string[] }[] = [];
    for await (const { deviceId, attributes } of ringDevicesOf(store.finder, plan, release.manifest)) {
      ringDevices.push({ deviceId, tags: attributes.tags });
    }
    const releaseSha256 = charters.checkFor(role).digestText(release.envelope.payload);
    const firstStepDevices = FIRST_STEP_DEVICES;
    const groups = role.threshold;
    const now = fleetClock.now();
    return ok(draftCharter({ plan, releaseSha256, population, ringDevices, firstStepDevices, groups, now }));
  }

  return {
    async showCharter(rolloutId) {
      const subject = await subjectOf(rolloutId);
      if (!subject.ok) return subject;
      const { rollout, role } = subject.value;
      const inForce = rollout.charter;
      if (inForce !== undefined && rollout.state !== 'draft') {
        const sha256 = charters.checkFor(role).digestText(inForce.document.payload);
        return ok({ inForce, sha256, signers: await nameSigners(inForce.document, role) });
      }
      const draft = await draftFor(subject.value);
      return draft.ok ? ok({ draft: draft.value }) : draft;
    },

    async submitCharter({ rolloutId, charter, reason, overrules: requests = [], ...context }) {
      const subject = await subjectOf(rolloutId);
      if (!subject.ok) return subject;
      const { rollout, release, role } = subject.value;
      const merged = withOpeningsOf(charter, rollout.charter);
      const standing = charters.standingOf({ ...rollout, charter: merged }, release, role);
      if (standing.kind === 'refused') return charterProblem(standing.error);
      const byOthers = verifyCharter(merged, charters.checkFor(roleWithout(role, rollout.createdBy)));
      if (!byOthers.ok) {
        const detail = `${rollout.createdBy} planned ${rolloutId} and so is none of those who approve it; let another approver sign`;
        return refuse('approver-is-author', detail, { rolloutId });
      }
      // What somebody took the trouble to sign must not be passed over in silence.
      for (const opening of charter.openings) {
        const opened = verifyOpening(opening, standing.charter, charters.checkFor(role));
        if (!opened.ok) return charterProblem(opened.error);
      }
      const linted = rollout.state === 'draft' ? await lintedAtApproval(rolloutId, requests) : ok([]);
      if (!linted.ok) return linted;
      const overrules = linted.value.length === 0 ? {} : { overrules: linted.value };
      // What was signed was compared with the rollout as it was read here: a change in between refuses this one.
      const expectedRevision = context.expectedRevision ?? holder.policy().revision;
      const signers = await nameSigners(merged.document, role);
      const change: PolicyChange = {
        ...{ kind: 'rollout-chartered', rolloutId, charter: merged, reason },
        ...{ signers, ...overrules },
      };
      const entry = await append(change, { ...context, expectedRevision });
      return entry.ok ? ok(await receiptOf(entry.value, { rolloutId })) : entry;
    },

    async mayStart(rollout, release) {
      const role = await charters.loadRole();
      if (role === undefined) return ok('yes');
      const standing = charters.standingOf(rollout, release, role);
      if (standing.kind === 'refused') return charterProblem(standing.error);
      const { expiresAt } = (standing.charter satisfies VerifiedCharter).document;
      if (fleetClock.now() < expiresAt) return ok('yes');
      return charterProblem({ code: 'charter-expired', detail: 'The charter has expired; let a new one be signed' });
    },
  };
}

interface Subject {
  readonly rollout: Rollout;
  readonly release: PublishedRelease;
  readonly role: SigningRole;
}

/** Openings that are in force stay, when the document is the same. */
function withOpeningsOf(charter: SignedCharter, inForce: SignedCharter | undefined): SignedCharter {
  if (inForce?.document.payload !== charter.document.payload) return charter;
  const payloads = new Set(charter.openings.map((one) => one.payload));
  return {
    ...charter,
    openings: [...inForce.openings.filter((one) => !payloads.has(one.payload)), ...charter.openings],
  };
}

function charterProblem({ code, detail }: GatewayCharterError): ReturnType<typeof refuse> {
  return refuse('charter-invalid', `The charter does not hold, ${code}: ${detail}`, { rule: code });
}
