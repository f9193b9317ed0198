// SPDX-License-Identifier: Apache-2.0
import type { AuditNote, UnderRequest } from '../trust/audit.ts';
import type { AuditAction } from '../trust/audit-actions.ts';
import { describeAudience } from './audience-match.ts';
import { describeFreezeTimes } from './freeze.ts';
import type { ChangeSigner, PolicyChange, PolicyEntry } from './log.ts';

/** What the audit log says of an entry of the policy log. The actor is its author. */
export function policyNote(
  entry: PolicyEntry,
  { requestId, via, isBroughtIn }: UnderRequest & Pick<AuditNote, 'isBroughtIn'> = {},
): AuditNote {
  const { revision, at, author, change } = entry;
  return {
    at,
    actor: author,
    ...aboutOf(change),
    ...('reason' in change ? { reason: change.reason } : {}),
    revision,
    document: { kind: 'policy-entry', value: entry },
    ...(requestId === undefined ? {} : { requestId }),
    ...(via === undefined ? {} : { via }),
    ...(isBroughtIn === undefined ? {} : { isBroughtIn }),
  };
}

function aboutOf(change: PolicyChange): {
  readonly action: AuditAction;
  readonly subject: string;
  readonly detail?: string;
} {
  const detail = detailOf(change);
  return {
    action: change.kind === 'rollout-event' ? `rollout-${change.event}` : change.kind,
    subject: subjectOf(change),
    ...(detail === undefined ? {} : { detail }),
  };
}

function subjectOf(change: PolicyChange): string {
  if ('plan' in change) return change.plan.rolloutId;
  if ('keyId' in change) return change.deviceId;
  if ('freezeId' in change) return change.freezeId;
  if ('exclusionId' in change) return change.exclusionId;
  if ('groupId' in change) return change.groupId;
  return 'scope' in change ? change.scope : change.rolloutId;
}

function detailOf(change: PolicyChange): string | undefined {
  switch (change.kind) {
    case 'rollout-created':
      return `of release ${change.plan.releaseId}`;
    case 'rollout-event': {
      if (change.signers !== undefined) return `signed by ${signersText(change.signers)}`;
      // Keys alone: of before the log kept whose they are.
      const count = change.approval?.signatures.length;
      return count === undefined ? undefined : `signed by ${count === 1 ? 'one key' : `${count} keys`}`;
    }
    case 'rollout-chartered': {
      const { document, openings } = change.charter;
      const by = change.signers === undefined ? `${document.signatures.length} keys` : signersText(change.signers);
      return `signed by ${by}, ${openings.length} waves opened`;
    }
    case 'rollout-limited':
      return change.devices === undefined ? 'no ceiling' : `at most ${change.devices} devices`;
    case 'rollout-flagged':
      return `${change.severity}, by ${change.deviceId === undefined ? 'an operator' : 'a driver'}${change.region === undefined ? '' : `, about region ${change.region}`}`;
    case 'region-halted':
      return `region ${change.region}${change.isRollingBack === true ? ', with the way back' : ''}`;
    case 'segment-halted':
      return `segment ${change.segment}`;
    case 'scope-paused':
      return change.isIncludingRollback === true ? 'rollbacks too' : undefined;
    case 'freeze-set':
      return describeFreezeTimes(change.times);
    case 'exclusion-set':
      return change.of.kind === 'device' ? devicesText(change.of.in.length) : describeAudience(change.of);
    case 'group-set':
      return describeAudience(change.audience);
    case 'device-revoked':
    case 'device-reinstated':
      return `key ${change.keyId}`;
    default:
      return 'deviceIds' in change && Array.isArray(change.deviceIds)
        ? devicesText(change.deviceIds.length)
        : undefined;
  }
}

/** `grace for safety, a key of operations`: a key that the role binds to nobody stands for its group. */
function signersText(signers: readonly ChangeSigner[]): string {
  const names = signers.map(({ group, personId }) =>
    personId === undefined ? `a key of ${group}` : `${personId} for ${group}`,
  );
  return [...new Set(names)].join(', ');
}

function devicesText(count: number): string {
  return count === 1 ? 'one device' : `${count} devices`;
}
