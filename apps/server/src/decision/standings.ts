// SPDX-License-Identifier: Apache-2.0
import { type Drift, driftOf } from '@outrider/domain/decision/base-rates/drift';
import { type BaseRateProposal, proposeBaseRates } from '@outrider/domain/decision/base-rates/propose';
import { type ShownRate, shownRates } from '@outrider/domain/decision/shown-rates';
import type { Evidence } from '@outrider/domain/evidence/evidence';
import type { Rollout } from '@outrider/domain/policy/rollout';
import type { SnapshotHolder } from '../policy/snapshot-holder.ts';
import type { Histories } from './histories.ts';

/** What a rollout has shown so far, beside the decisions about it. */
export interface Standing {
  /** Its failure rates with their bounds: what is shown, and what is not. */
  readonly shown: readonly ShownRate[];
  /** How near its devices have come to the base rates that its plan declares; at most ten minutes old. */
  readonly baseDrift: readonly Drift[];
}

/** Answers for people; nothing here changes anything. */
export interface Standings {
  of(rollout: Rollout, evidence: Evidence): Promise<Standing>;
  /** The base rates that the next plan for a device type should declare, from its last good releases or as stated. */
  proposals(deviceType: string): Promise<readonly BaseRateProposal[]>;
}

export function standings(options: { readonly histories: Histories; readonly holder: SnapshotHolder }): Standings {
  const { histories, holder } = options;
  return {
    async of(rollout, evidence) {
      const { plan } = rollout;
      const before = await histories.before(plan, holder.policy().rollouts.values());
      return {
        shown: shownRates(plan, evidence),
        baseDrift: driftOf(plan, await histories.of(rollout), before),
      };
    },
    async proposals(deviceType) {
      await holder.refresh();
      return proposeBaseRates(await histories.before({ deviceType }, holder.policy().rollouts.values()));
    },
  };
}
