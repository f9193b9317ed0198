// SPDX-License-Identifier: Apache-2.0
import type { DeviceId, KeyId, Revision, RolloutId, SegmentId } from '../kernel/ids.ts';
import type { FleetInstant } from '../kernel/time.ts';
import type { Envelope } from '../trust/envelope.ts';
import type { Audience } from './audience.ts';
import type { SignedCharter } from './charter.ts';
import type { Flag } from './flags.ts';
import type { Exclusion, Freeze } from './freeze.ts';
import type { RolloutEvent, RolloutPlan } from './rollout.ts';

/** One entry of the append-only policy log. The fold of all entries is the policy. */
export interface PolicyEntry {
  readonly revision: Revision;
  readonly at: FleetInstant;
  /** A person's or service's name, or `decision` for the rule itself. */
  readonly author: string;
  readonly change: PolicyChange;
}

/** Everything that people, or the decision rule in their name, can change. */
export type PolicyChange =
  | {
      readonly kind: 'rollout-created';
      readonly plan: RolloutPlan;
      /** Findings about the plan that its author overruled, each with the reason. */
      readonly overrules?: readonly Overrule[];
    }
  | {
      readonly kind: 'rollout-event';
      readonly rolloutId: RolloutId;
      readonly event: RolloutEvent;
      readonly reason: string;
      /** For `approve`: findings that the approver overruled. */
      readonly overrules?: readonly Overrule[];
      /** What approvers have signed, for what takes their signatures: verified before the entry was written. */
      readonly approval?: Envelope;
      /** Pause and cancel stop a rollback only with this. */
      readonly isIncludingRollback?: boolean;
      /** Whose signatures the approval bears, as the role said when it came. */
      readonly signers?: readonly ChangeSigner[];
      /** For `resume` by signatures: what the approvers have ordered beside it. */
      readonly resumed?: ResumeOrder;
    }
  /** What approvers have signed: it approves a draft, and may later bring openings of further waves. */
  | {
      readonly kind: 'rollout-chartered';
      readonly rolloutId: RolloutId;
      readonly charter: SignedCharter;
      readonly reason: string;
      /** Whose signatures the charter bears, as the role said when it came. */
      readonly signers?: readonly ChangeSigner[];
      /** Findings about the plan that its approvers overruled. */
      readonly overrules?: readonly Overrule[];
    }
  /** Reports of these devices are not believed: they leave all counts, in both arms, until they are included again. */
  | ExclusionChange<'evidence-excluded'>
  | ExclusionChange<'evidence-included'>
  | {
      readonly kind: 'segment-halted';
      readonly rolloutId: RolloutId;
      readonly segment: SegmentId;
      readonly reason: string;
    }
  /** One region gets nothing more of this release; the others go on. */
  | {
      readonly kind: 'region-halted';
      readonly rolloutId: RolloutId;
      readonly region: string;
      /** Its devices are offered the way back at once. Absent: what is installed stays. */
      readonly isRollingBack?: boolean;
      /** Eligible devices of the region by segment, when it was halted: out of what the rule has to reach. */
      readonly populations: readonly SegmentPopulation[];
      readonly reason: string;
    }
  /** A person speaks against the rollout; it may pause by that (`flags.ts`). */
  | ({ readonly kind: 'rollout-flagged'; readonly rolloutId: RolloutId } & Flag)
  /** A person's ceiling below the rule's; absent `devices`: there is none any more. */
  | {
      readonly kind: 'rollout-limited';
      readonly rolloutId: RolloutId;
      readonly devices?: number;
      readonly reason: string;
    }
  /** `global` or `region:<name>`: everything in that scope stops or may go on. */
  | {
      readonly kind: 'scope-paused';
      readonly scope: Scope;
      readonly reason: string;
      readonly isIncludingRollback?: boolean;
    }
  | { readonly kind: 'scope-resumed'; readonly scope: Scope; readonly reason: string }
  | KeyChange<'device-revoked'>
  | KeyChange<'device-reinstated'>
  /** Orders over all rollouts; one of the same name is replaced. */
  | ({ readonly kind: 'freeze-set' } & Freeze)
  | { readonly kind: 'freeze-lifted'; readonly freezeId: string; readonly reason: string }
  | ({ readonly kind: 'exclusion-set' } & Exclusion)
  | { readonly kind: 'exclusion-lifted'; readonly exclusionId: string; readonly reason: string }
  | {
      readonly kind: 'group-set';
      readonly groupId: string;
      readonly audience: Audience;
      readonly reason: string;
      /** The revision of the group that its author saw. Absent: there is none of this name yet. */
      readonly replaces?: Revision;
    }
  | {
      readonly kind: 'group-removed';
      readonly groupId: string;
      readonly reason: string;
      /** The revision of the group that its author saw. */
      readonly replaces: Revision;
    };

/** A key that signed a change, and who that was by the role of that day: the role may say otherwise later. */
export interface ChangeSigner {
  readonly group: string;
  readonly keyId: KeyId;
  /** Of the person whom the role binds to the key, where they are known here. */
  readonly personId?: string;
}

/** Nobody speaks for a device any more with this key, from wherever; or, when that was a mistake, its device does again. */
export interface KeyChange<Kind extends 'device-revoked' | 'device-reinstated'> {
  readonly kind: Kind;
  readonly deviceId: DeviceId;
  readonly keyId: KeyId;
  readonly reason: string;
}

/** Whose reports count and whose do not: at least one device, at most `EXCLUDED_DEVICES_MAX` left out of a rollout. */
export interface ExclusionChange<Kind extends 'evidence-excluded' | 'evidence-included'> {
  readonly kind: Kind;
  readonly rolloutId: RolloutId;
  readonly deviceIds: readonly DeviceId[];
  readonly reason: string;
}

/** Eligible devices of a segment. */
export interface SegmentPopulation {
  readonly segment: SegmentId;
  readonly population: number;
}

/** How a rollout goes on after a halt, as approvers have signed it. */
export interface ResumeOrder {
  /** `continue`: the same tests go on. `restart`: tests of their own begin with the next permit, at half the error. */
  readonly counts: 'continue' | 'restart';
  /** Halted segments that are opened again; the others stay halted. */
  readonly segments: readonly SegmentId[];
  /** Halted regions that are opened again. Absent: none. */
  readonly regions?: readonly string[];
}

/** A person takes a finding about a plan on themselves: which one, where, and why the plan is right nevertheless. */
export interface Overrule {
  /** The code of the finding (decision/base-rates/lint-plan). */
  readonly finding: string;
  /** The field of the plan, for example `gates.metrics.revert.baseRate`. */
  readonly field: string;
  readonly because: string;
}

/** Where a pause holds: everywhere, or in one region. */
export type Scope = 'global' | `region:${string}`;

/** A scope in which nothing may be exposed; whether its rollbacks stop too was said by the one who paused it. */
export interface PausedScope {
  readonly scope: Scope;
  readonly isIncludingRollback: boolean;
}
