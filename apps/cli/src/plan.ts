// SPDX-License-Identifier: Apache-2.0
import type { BaseMetric } from '@outrider/domain/decision/base-rates/history';
import { STATED_BASE_RATES } from '@outrider/domain/decision/base-rates/propose';
import type { ReleaseId, RolloutId } from '@outrider/domain/kernel/ids';
import type { DurationMs } from '@outrider/domain/kernel/time';
import { durationMs } from '@outrider/domain/kernel/time';
import type { AttributeName, Audience } from '@outrider/domain/policy/audience';
import { defaultGates, defaultWaves, PERMIT_LIFE_MS_DEFAULT } from '@outrider/domain/policy/default-plan';
import type { ClaimNeeds, Gates, RolloutPlan } from '@outrider/domain/policy/rollout';

/** What a person says about a rollout; waves, gates and metrics are the defaults unless a whole plan is given as a file. */
export interface PlanDraft {
  readonly rolloutId: RolloutId;
  readonly deviceType: string;
  readonly releaseId: ReleaseId;
  readonly audience: Audience;
  readonly salt: string;
  readonly segmentBy: AttributeName;
  readonly ringTags?: readonly string[];
  readonly budgetDevices?: number;
  /** Absent: the stated rates of the first rollout of a fleet. */
  readonly baseRates?: Readonly<Record<BaseMetric, number>>;
  readonly profile: Gates['profile'];
  readonly onSegmentHalt: RolloutPlan['onSegmentHalt'];
  readonly onHalt: RolloutPlan['onHalt'];
  readonly permitLifeMs?: number;
  readonly claimNeeds?: ClaimNeeds;
}

/** Completes a plan with the default waves and gates of the decision rule. */
export function planOf(draft: PlanDraft): RolloutPlan {
  const { ringTags, budgetDevices, profile, permitLifeMs, baseRates = STATED_BASE_RATES, ...said } = draft;
  const waves = defaultWaves().map((wave) =>
    wave.ringTags.length > 0 && ringTags !== undefined ? { ...wave, ringTags } : wave,
  );
  const { metrics, ...others } = defaultGates();
  const declared = metrics.map((gate) => (gate.kind === 'base' ? { ...gate, baseRate: baseRates[gate.metric] } : gate));
  const gates: Gates = {
    ...others,
    metrics: declared,
    profile,
    ...(budgetDevices === undefined ? {} : { budgetDevices }),
  };
  const life: DurationMs = permitLifeMs === undefined ? PERMIT_LIFE_MS_DEFAULT : durationMs(permitLifeMs);
  return { ...said, waves, gates, permitLifeMs: life };
}

/**
 * The audience that the flags describe: every flag narrows it, several values of one flag widen that flag. No flag at all is
 * nobody's wish, so `--everyone` has to be said.
 */
export function audienceOf(parts: readonly Audience[], isEveryone: boolean): Audience | undefined {
  if (isEveryone) return parts.length === 0 ? { kind: 'everyone' } : undefined;
  const [only, ...others] = parts;
  if (only === undefined) return undefined;
  return others.length === 0 ? only : { kind: 'all-of', of: parts };
}
