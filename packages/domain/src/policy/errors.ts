// SPDX-License-Identifier: Apache-2.0
import type { Revision } from '../kernel/ids.ts';
import type { RolloutEvent, RolloutState } from './rollout.ts';

/** Why a change of the policy is refused. */
export type PolicyError =
  | { readonly code: 'rollout-unknown'; readonly rolloutId: string }
  | { readonly code: 'rollout-exists'; readonly rolloutId: string }
  | { readonly code: 'salt-reused'; readonly salt: string; readonly rolloutId: string }
  | { readonly code: 'transition-impossible'; readonly state: RolloutState; readonly event: RolloutEvent }
  | { readonly code: 'rollback-not-included'; readonly event: RolloutEvent }
  | { readonly code: 'segment-already-halted'; readonly segment: string }
  | { readonly code: 'rollout-not-live'; readonly state: RolloutState }
  | { readonly code: 'rollout-ended'; readonly state: RolloutState }
  | { readonly code: 'limit-absent' }
  | { readonly code: 'limit-in-force'; readonly limitDevices: number }
  | { readonly code: 'resume-unsigned' }
  | { readonly code: 'rollout-not-halted'; readonly state: RolloutState }
  | { readonly code: 'flag-repeated'; readonly deviceId: string }
  | { readonly code: 'flags-too-many'; readonly flagsMax: number }
  | { readonly code: 'region-already-halted'; readonly region: string }
  | { readonly code: 'region-not-halted'; readonly region: string }
  | { readonly code: 'segment-not-halted'; readonly segment: string }
  | { readonly code: 'exclusion-unchanged'; readonly deviceId: string }
  | { readonly code: 'exclusions-too-many'; readonly devicesMax: number }
  | { readonly code: 'charter-in-force'; readonly state: RolloutState }
  | { readonly code: 'scope-not-paused'; readonly scope: string }
  | { readonly code: 'order-unknown'; readonly orderId: string }
  | { readonly code: 'orders-too-many'; readonly ordersMax: number }
  | { readonly code: 'freeze-empty' }
  | { readonly code: 'group-unknown'; readonly groupId: string }
  | { readonly code: 'group-exists'; readonly groupId: string; readonly revision: Revision }
  | {
      readonly code: 'group-changed';
      readonly groupId: string;
      readonly revision: Revision;
      readonly expected: Revision;
    }
  | { readonly code: 'groups-too-many'; readonly groupsMax: number }
  | { readonly code: 'key-revoked-already'; readonly keyId: string }
  | { readonly code: 'key-not-revoked'; readonly keyId: string }
  | PlanError;

/** A rule that a rollout plan breaks: where, what stands there and what may stand there. */
export interface PlanError {
  readonly code: PlanErrorCode;
  /** The field, for example `waves[2].exposurePermille`. */
  readonly field: string;
  readonly seen: string;
  readonly allowed: string;
}

/** The rules of a plan, each named by what breaks it. Codes never change. */
export type PlanErrorCode = keyof typeof PLAN_ERRORS;

/** One sentence for each rule of a rollout plan. */
export const PLAN_ERRORS = {
  'salt-invalid': 'The salt is 8 to 64 letters, digits and . _ : @ + -, so that no other text gives the same hash',
  'waves-missing': 'A plan has at least one wave',
  'wave-name-duplicate': 'Each wave has a name of its own',
  'wave-not-wider': 'Each wave opens more than the one before: a larger share, or another ring',
  'last-wave-not-whole': 'The last wave is the whole audience: 1000 permille',
  'bake-too-long': 'A wave bakes for at most 30 days: longer is a pause, which a person decides',
  'alpha-out-of-range': 'False halts are allowed in more than 0 and at most a tenth of all rollouts',
  'metrics-missing': 'At least one metric watches the rollout',
  'metric-duplicate': 'Each metric stands in the gates once',
  'weight-out-of-range': 'Each metric has a weight above 0 and at most 1',
  'weights-above-one': 'The weights share out alpha, so they sum to at most 1',
  'tolerance-out-of-range': 'A tolerated ratio lies above 1 and at most 10: 1 would halt on no difference at all',
  'base-rate-out-of-range': 'A base rate lies above 0 and below a half',
  'outcome-window-differs': 'The outcome window of a metric is the one its name says',
  'outcome-window-out-of-range': 'The outcome window of an installation is from 10 minutes to 24 hours',
  'budget-out-of-range': 'The budget is one device or more',
  'permit-life-out-of-range': 'A permit lives from 1 to 24 hours',
} as const;

/** One sentence for each code of the stage. */
export const POLICY_ERRORS = {
  'rollout-unknown': 'No rollout has this id',
  'rollout-exists': 'A rollout with this id was created before',
  'salt-reused': 'Another rollout has this salt: the same devices would always come first',
  'transition-impossible': 'The rollout cannot do this in its present state',
  'rollback-not-included': 'The rollout is rolling back: only a change that says it includes the rollback stops that',
  'segment-already-halted': 'The segment is halted already',
  'rollout-not-live': 'Only a rollout that has started and not ended can have a segment halted',
  'rollout-ended': 'The rollout admits nobody any more, so a ceiling would say nothing',
  'limit-absent': 'The rollout has no ceiling of an operator, so there is none to lift',
  'limit-in-force': 'A rollout under the ceiling of an operator is not completed: lift the ceiling first',
  'resume-unsigned': 'A halted rollout goes on by the signatures of two approvers alone',
  'rollout-not-halted':
    'Evidence is excluded or included while its rollout is halted, so that two people look before it goes on',
  'segment-not-halted': 'Only a halted segment can be opened again',
  'flag-repeated': 'A device flags a rollout once: saying it again adds no weight',
  'flags-too-many': 'More flags than a rollout keeps: it needs somebody who halts it',
  'region-already-halted': 'The region has been halted before; what can be added is the way back',
  'region-not-halted': 'Only a halted region can be opened again',
  'exclusion-unchanged': 'The evidence of the device stands as it was asked for already',
  'exclusions-too-many': 'More devices than one rollout leaves out: make a new rollout for the release',
  'charter-in-force': 'A rollout that has started keeps its charter; only openings of further waves may be added',
  'order-unknown': 'There is no freeze and no exclusion of this name',
  'orders-too-many': 'More freezes, or more exclusions, than are kept at once',
  'freeze-empty': 'A freeze ends after it begins',
  'group-unknown': 'There is no group of this name',
  'group-exists': 'There is a group of this name already; a change names the revision that it replaces',
  'group-changed': 'Somebody has changed the group since it was read',
  'groups-too-many': 'More groups than are kept at once',
  'scope-not-paused': 'The scope is not paused, so there is nothing to resume',
  'key-revoked-already': 'The key of the device has been revoked before',
  'key-not-revoked': 'The key of the device is not revoked, so there is nothing to take back',
  ...PLAN_ERRORS,
} as const satisfies Readonly<Record<PolicyError['code'], string>>;
