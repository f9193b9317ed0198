// SPDX-License-Identifier: Apache-2.0
import type { Revision } from '@outrider/domain/kernel/ids';
import { PLAN_ERRORS, POLICY_ERRORS, type PolicyError } from '@outrider/domain/policy/errors';
import type { StaleRevision } from '@outrider/domain/policy/ports';
import type { CommandError } from '../errors.ts';

/** What a refused change of the policy looks like at the edge. */
export function policyProblem(error: PolicyError): CommandError {
  switch (error.code) {
    case 'rollout-unknown': {
      const detail = `No rollout has the id ${error.rolloutId}; GET /api/v1/rollouts lists those there are`;
      return { code: 'rollout-unknown', detail, fields: { rolloutId: error.rolloutId } };
    }
    case 'rollout-exists': {
      const detail = `There is already a rollout with the id ${error.rolloutId}; choose another`;
      return { code: 'rollout-exists', detail, fields: { rolloutId: error.rolloutId } };
    }
    case 'salt-reused': {
      const detail = `${POLICY_ERRORS[error.code]}: it is the salt of ${error.rolloutId}; draw a new one`;
      return { code: 'salt-reused', detail, fields: { rolloutId: error.rolloutId } };
    }
    case 'transition-impossible': {
      const detail = `A rollout that is ${error.state} cannot take the event ${error.event}; nothing has changed`;
      return { code: 'transition-impossible', detail, fields: { state: error.state, event: error.event } };
    }
    case 'rollback-not-included': {
      const detail = `${POLICY_ERRORS[error.code]}; send isIncludingRollback true if that is what you want`;
      return { code: 'rollback-not-included', detail, fields: { event: error.event } };
    }
    case 'segment-already-halted': {
      const detail = `The segment ${error.segment} is halted already; nothing has changed`;
      return { code: 'segment-already-halted', detail, fields: { segment: error.segment } };
    }
    case 'rollout-not-live': {
      const detail = `${POLICY_ERRORS[error.code]}; this one is ${error.state}`;
      return { code: 'rollout-not-live', detail, fields: { state: error.state } };
    }
    case 'rollout-ended': {
      const detail = `${POLICY_ERRORS[error.code]}; this one is ${error.state}`;
      return { code: 'rollout-ended', detail, fields: { state: error.state } };
    }
    case 'limit-absent':
      return { code: 'limit-absent', detail: POLICY_ERRORS[error.code] };
    case 'limit-in-force': {
      const { limitDevices } = error;
      const detail = `${POLICY_ERRORS[error.code]}; it is at ${limitDevices} devices`;
      return { code: 'limit-in-force', detail, fields: { limitDevices } };
    }
    case 'resume-unsigned': {
      const detail = `${POLICY_ERRORS[error.code]}; collect them with \`outrider rollout sign-resume\``;
      return { code: 'resume-unsigned', detail };
    }
    case 'rollout-not-halted': {
      const detail = `${POLICY_ERRORS[error.code]}; this one is ${error.state}, halt it first`;
      return { code: 'rollout-not-halted', detail, fields: { state: error.state } };
    }
    case 'segment-not-halted': {
      const detail = `${POLICY_ERRORS[error.code]}, and ${error.segment} is not; leave it out of what is signed`;
      return { code: 'segment-not-halted', detail, fields: { segment: error.segment } };
    }
    case 'flag-repeated': {
      const detail = `${POLICY_ERRORS[error.code]}: ${error.deviceId}`;
      return { code: 'flag-repeated', detail, fields: { deviceId: error.deviceId } };
    }
    case 'flags-too-many': {
      const detail = `${POLICY_ERRORS[error.code]}; kept are ${error.flagsMax}`;
      return { code: 'flags-too-many', detail, fields: { flagsMax: error.flagsMax } };
    }
    case 'region-already-halted':
    case 'region-not-halted': {
      const detail = `${POLICY_ERRORS[error.code]}; this one is ${error.region}`;
      return { code: error.code, detail, fields: { region: error.region } };
    }
    case 'exclusion-unchanged': {
      const detail = `${POLICY_ERRORS[error.code]}: ${error.deviceId}; leave it out of the list`;
      return { code: 'exclusion-unchanged', detail, fields: { deviceId: error.deviceId } };
    }
    case 'exclusions-too-many': {
      const detail = `${POLICY_ERRORS[error.code]}; allowed are ${error.devicesMax} devices`;
      return { code: 'exclusions-too-many', detail, fields: { devicesMax: error.devicesMax } };
    }
    case 'charter-in-force': {
      const detail = `${POLICY_ERRORS[error.code]}; this one is ${error.state}`;
      return { code: 'charter-in-force', detail, fields: { state: error.state } };
    }
    case 'order-unknown': {
      const detail = `${POLICY_ERRORS[error.code]}: ${error.orderId}; list those there are`;
      return { code: 'order-unknown', detail, fields: { orderId: error.orderId } };
    }
    case 'orders-too-many': {
      const detail = `${POLICY_ERRORS[error.code]}; kept are ${error.ordersMax}, lift one that is over`;
      return { code: 'orders-too-many', detail, fields: { ordersMax: error.ordersMax } };
    }
    case 'group-unknown': {
      const detail = `${POLICY_ERRORS[error.code]}: ${error.groupId}; \`outrider group list\` shows those there are`;
      return { code: 'group-unknown', detail, fields: { groupId: error.groupId } };
    }
    case 'group-exists': {
      const { groupId, revision } = error;
      const detail = `There is a group ${groupId} already, at revision ${revision}; choose another name, or change that one`;
      return { code: 'group-exists', detail, fields: { groupId, revision: numberOf(revision) } };
    }
    case 'group-changed': {
      const { groupId, revision, expected } = error;
      const detail = `The group ${groupId} is at revision ${revision}, the change was made from ${expected}; look at it again, then decide`;
      return {
        code: 'group-changed',
        detail,
        fields: { groupId, expected: numberOf(expected), actual: numberOf(revision) },
      };
    }
    case 'groups-too-many': {
      const detail = `${POLICY_ERRORS[error.code]}; kept are ${error.groupsMax}, remove one that nobody uses`;
      return { code: 'groups-too-many', detail, fields: { groupsMax: error.groupsMax } };
    }
    case 'freeze-empty':
      return { code: 'freeze-empty', detail: `${POLICY_ERRORS[error.code]}; look at its times` };
    case 'scope-not-paused': {
      const detail = `The scope ${error.scope} is not paused, so there is nothing to resume`;
      return { code: 'scope-not-paused', detail, fields: { scope: error.scope } };
    }
    case 'key-revoked-already':
    case 'key-not-revoked': {
      const detail = `${POLICY_ERRORS[error.code]}: ${error.keyId}`;
      return { code: error.code, detail, fields: { keyId: error.keyId } };
    }
    default: {
      const { code, field, seen, allowed } = error;
      const detail = `${PLAN_ERRORS[code]}: ${field} is ${seen}, allowed is ${allowed}`;
      return { code: 'plan-invalid', detail, fields: { rule: code, field, seen, allowed } };
    }
  }
}

/** Somebody else was faster: what was read is not what holds any more. */
export function staleProblem({ expected, actual }: Pick<StaleRevision, 'expected' | 'actual'>): CommandError {
  const detail = `The policy is at revision ${actual}, the change was made from ${expected}; read it again, then decide`;
  return { code: 'revision-stale', detail, fields: { expected: numberOf(expected), actual: numberOf(actual) } };
}

function numberOf(revision: Revision): number {
  return revision;
}
