// SPDX-License-Identifier: Apache-2.0
import { charterCap } from '../../gateway/charter-gate.ts';
import type { SegmentId } from '../../kernel/ids.ts';
import type { FleetInstant } from '../../kernel/time.ts';
import { type AudienceSubject, matchAudience } from '../../policy/audience-match.ts';
import type { CharterStanding } from '../../policy/charter.ts';
import { reachOf } from '../../policy/charter-place.ts';
import { type Freeze, isExclusionTime, NO_ORDERS, type StandingOrders } from '../../policy/freeze.ts';
import type { PausedScope } from '../../policy/log.ts';
import type { Rollout } from '../../policy/rollout.ts';

/** What people have ordered, as it stands when a forecast is made: it keeps devices from taking part, or makes them wait. */
export interface ForecastOrders {
  readonly standing: StandingOrders;
  readonly pausedScopes: readonly PausedScope[];
  /** The rollout of the plan: halted segments and regions, a person's ceiling, flags. Absent: there is none yet. */
  readonly rollout?: Rollout;
  /** Absent: no approvers are installed, or the rollout is not there yet. */
  readonly charter?: CharterStanding;
}

/** Nobody has ordered anything. */
export const NO_FORECAST_ORDERS: ForecastOrders = { standing: NO_ORDERS, pausedScopes: [] };

/** An order that concerns devices of a plan. Codes are those that such a device is told, where it is told one. */
export type OrderCode =
  | 'excluded'
  | 'segment-halted'
  | 'region-halted'
  | 'outside-charter'
  | 'charter-wave-early'
  | 'frozen'
  | 'scope-paused';

/** How one device of the audience stands under the orders. */
export interface DeviceStanding {
  /** An order without an end keeps it out: it is not in the set of the forecast. */
  readonly isOut: boolean;
  /** No offer, and so no permit, before this instant. Absent: from the start on. */
  readonly notBefore?: FleetInstant;
  /** Indices of the freezes that give it no permit while they hold. */
  readonly freezes: readonly number[];
  /** Every order that concerns it, by code and name. */
  readonly by: readonly OrderName[];
}

/** One order by its code and what people call it. */
export interface OrderName {
  readonly code: OrderCode;
  readonly name: string;
}

/** Freezes that can still hold: the classes of a counted fleet refer to them by their index. */
export function freezesAhead({ standing }: ForecastOrders, now: FleetInstant): readonly Freeze[] {
  return standing.freezes.filter(({ times }) => times.kind === 'weekly' || times.until > now);
}

/** How this device stands, by the conditions of the gateway itself. */
export function standingUnder(
  orders: ForecastOrders,
  subject: AudienceSubject & { readonly segment: SegmentId },
  now: FleetInstant,
): DeviceStanding {
  const { rollout, charter, pausedScopes } = orders;
  const { region } = subject.attributes;
  const by: OrderName[] = [];
  let isOut = false;
  let notBefore: FleetInstant | undefined;
  const waitFor = (at: FleetInstant): void => {
    if (notBefore === undefined || at > notBefore) notBefore = at;
  };
  for (const exclusion of orders.standing.exclusions) {
    if (!isExclusionTime(exclusion, now) || !matchAudience(exclusion.of, subject)) continue;
    by.push({ code: 'excluded', name: exclusion.exclusionId });
    if (exclusion.expiresAt === undefined) isOut = true;
    else waitFor(exclusion.expiresAt);
  }
  if (rollout?.haltedSegments.includes(subject.segment) === true) {
    by.push({ code: 'segment-halted', name: subject.segment });
    isOut = true;
  }
  if (rollout?.haltedRegions?.some((one) => one.region === region) === true) {
    by.push({ code: 'region-halted', name: region });
    isOut = true;
  }
  if (charter?.kind === 'valid') {
    const { document } = charter.charter;
    const wave = document.waves[reachOf(document, subject).indexOf(true)];
    if (wave === undefined) {
      by.push({ code: 'outside-charter', name: document.plan.rolloutId });
      isOut = true;
    } else if (wave.notBefore > now) {
      by.push({ code: 'charter-wave-early', name: wave.name });
      waitFor(wave.notBefore);
    }
  }
  const freezes = freezesAhead(orders, now).flatMap((freeze, index) => {
    if (!matchAudience(freeze.audience, subject)) return [];
    by.push({ code: 'frozen', name: freeze.freezeId });
    return [index];
  });
  for (const { scope } of pausedScopes) {
    if (scope === 'global' || scope === `region:${region}`) by.push({ code: 'scope-paused', name: scope });
  }
  return { isOut, freezes, by, ...(notBefore === undefined ? {} : { notBefore }) };
}

/** Treated permits that people allow at most while this wave is open, beside the caps of the rule; infinite: no ceiling. */
export function ceilingOf({ rollout, charter }: ForecastOrders, waveIndex: number): number {
  return Math.min(rollout?.limitDevices ?? Number.POSITIVE_INFINITY, charterCap(charter, waveIndex));
}

/** Whether the charter is good no more at this instant: no offer and no permit. */
export function isCharterOver({ charter }: ForecastOrders, at: number): boolean {
  return charter?.kind === 'valid' && at >= charter.charter.document.expiresAt;
}
