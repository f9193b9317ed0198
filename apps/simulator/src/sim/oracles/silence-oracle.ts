// SPDX-License-Identifier: Apache-2.0
import { DAY_MS, HOUR_MS, minutes } from '@outrider/domain/kernel/time';
import type { Observation, Oracle } from './observation.ts';

/** A row of either arm, and how often its device was answered well within its first day. */
interface Watched {
  readonly segment: string;
  readonly arm: string;
  readonly grantedAt: number;
  heard: number;
}

/** Contacts near the ends of the window may fall on either side of it. */
const MARGIN_MS = minutes(20);
/** One contact may have been on its way when something was counted; two were not. */
const CLEARLY_HEARD = 2;

/**
 * Nobody counts as silent who was heard: of the windows of a day that closed as silent, each must be of a device that the
 * servers did not answer in it, whichever of them it spoke to. Holds where no server dies and the store is always there;
 * elsewhere a contact may be lost with the memory of a server, and is no lie.
 */
export function silenceOracle(): Oracle {
  const rows = new Map<string, Watched[]>();
  const ofDevice = new Map<string, Watched[]>();
  const seen = new Set<string>();
  const checked = new Map<string, number>();

  function enrol({ row }: Extract<Observation, { kind: 'permit-committed' }>): void {
    if (row.kind !== 'enrolment' || seen.has(row.permitId)) return;
    seen.add(row.permitId);
    const watched = { segment: row.segment, arm: row.arm, grantedAt: row.grantedAt, heard: 0 };
    for (const [lists, key] of [[rows, row.rolloutId] as const, [ofDevice, row.deviceId] as const]) {
      const list = lists.get(key);
      if (list === undefined) lists.set(key, [watched]);
      else list.push(watched);
    }
  }

  function check({ input: { evidence } }: Extract<Observation, { kind: 'decided' }>): string | undefined {
    const counted = evidence.closed.filter(({ metric, events }) => metric === 'silent24' && events > 0);
    const total = counted.reduce((sum, { events }) => sum + events, 0);
    if (checked.get(evidence.rolloutId) === total) return undefined;
    checked.set(evidence.rolloutId, total);
    for (const { segment, arm, events } of counted) {
      const silent = (rows.get(evidence.rolloutId) ?? []).filter(
        (one) =>
          one.segment === segment &&
          one.arm === arm &&
          one.grantedAt + DAY_MS <= evidence.asOf &&
          one.heard < CLEARLY_HEARD,
      ).length;
      if (events <= silent) continue;
      return `${evidence.rolloutId} ${segment} ${arm} up to ${evidence.asOf}: ${events} silent for a day in the evidence, at most ${silent} were`;
    }
    return undefined;
  }

  return {
    name: 'silence',
    see(observation) {
      if (observation.kind === 'permit-committed') enrol(observation);
      if (observation.kind === 'heard') {
        for (const row of ofDevice.get(observation.deviceId) ?? []) {
          const sinceMs = observation.at - row.grantedAt;
          if (sinceMs > HOUR_MS + MARGIN_MS && sinceMs < DAY_MS - MARGIN_MS) row.heard++;
        }
      }
      return observation.kind === 'decided' ? check(observation) : undefined;
    },
  };
}
