// SPDX-License-Identifier: Apache-2.0
import { type MachineInstant, machineInstant } from '@outrider/domain/kernel/time';
import type { Oracle } from './observation.ts';

/** Offers stop within five seconds (DESIGN.md, promise 2). */
const OFFERS_STOP_MS = 5_000;

/**
 * Halted stays halted: after a halt is in the log nobody is enrolled in its rollout or segment any more, nothing takes it
 * back to running, and within five seconds of machine time the rollout is offered to nobody except as a way back.
 */
export function haltOracle(now: () => MachineInstant): Oracle {
  /** By rollout, or `<rollout> <segment>`: when the halt was in the log. */
  const haltedAt = new Map<string, MachineInstant>();
  const rollingBack = new Set<string>();

  return {
    name: 'halt',
    see(observation) {
      if (observation.kind === 'policy-appended') {
        const { change, revision } = observation.entry;
        if (change.kind === 'segment-halted') haltedAt.set(`${change.rolloutId} ${change.segment}`, now());
        if (change.kind !== 'rollout-event') return undefined;
        const { rolloutId, event } = change;
        if (event === 'roll-back') rollingBack.add(rolloutId);
        if (event === 'halt' && !haltedAt.has(rolloutId)) haltedAt.set(rolloutId, now());
        const isBack = haltedAt.has(rolloutId) && (event === 'resume' || event === 'start' || event === 'complete');
        return isBack ? `${event} of the halted ${rolloutId} at revision ${revision}` : undefined;
      }
      if (observation.kind === 'permit-committed') {
        const { rolloutId, segment, kind, permitId, deviceId } = observation.row;
        if (kind !== 'enrolment') return undefined;
        const halted = [rolloutId, `${rolloutId} ${segment}`].find((name) => haltedAt.has(name));
        return halted === undefined ? undefined : `Permit ${permitId} of ${deviceId} after the halt of ${halted}`;
      }
      if (observation.kind === 'offer-sent' && !rollingBack.has(observation.rolloutId)) {
        const at = haltedAt.get(observation.rolloutId);
        if (at === undefined || observation.at <= machineInstant(at + OFFERS_STOP_MS)) return undefined;
        return `${observation.rolloutId} was offered to ${observation.deviceId} ${observation.at - at} ms after its halt`;
      }
      return undefined;
    },
  };
}
