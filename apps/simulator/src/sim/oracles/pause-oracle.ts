// SPDX-License-Identifier: Apache-2.0
import type { PolicyEntry } from '@outrider/domain/policy/log';
import type { Observation, Oracle } from './observation.ts';

/** No permit comes into being after a pause of which the call returned, until somebody resumes. */
export function pauseOracle(): Oracle {
  /** By scope: the newest revision whose pause returned, and whether rollbacks stop too. */
  const returned = new Map<string, { readonly revision: number; readonly isAll: boolean }>();
  /** Revisions of pauses in the log that include rollbacks. */
  const includingRollback = new Set<number>();
  const resumedAt = new Map<string, number>();

  function isPaused(scope: string, kind: string): boolean {
    const pause = returned.get(scope);
    if (pause === undefined || (resumedAt.get(scope) ?? -1) > pause.revision) return false;
    return kind === 'enrolment' || pause.isAll;
  }

  return {
    name: 'pause',
    see(observation: Observation) {
      if (observation.kind === 'policy-appended') {
        const { revision } = observation.entry;
        if (isIncluding(observation.entry)) includingRollback.add(revision);
        const scope = resumedScope(observation.entry);
        if (scope !== undefined) resumedAt.set(scope, revision);
      } else if (observation.kind === 'pause-returned') {
        const { scope, revision } = observation;
        const isAll = !scope.startsWith('rollout:') && includingRollback.has(revision);
        if (revision > (returned.get(scope)?.revision ?? -1)) returned.set(scope, { revision, isAll });
      } else if (observation.kind === 'permit-committed') {
        const { row, region } = observation;
        const scope = ['global', `region:${region}`, `rollout:${row.rolloutId}`].find((one) => isPaused(one, row.kind));
        if (scope === undefined) return undefined;
        return `A ${row.kind} permit ${row.permitId} of ${row.deviceId} after the pause of ${scope} at revision ${returned.get(scope)?.revision}`;
      }
      return undefined;
    },
  };
}

function isIncluding({ change }: PolicyEntry): boolean {
  return change.kind === 'scope-paused' && change.isIncludingRollback === true;
}

function resumedScope({ change }: PolicyEntry): string | undefined {
  if (change.kind === 'scope-resumed') return change.scope;
  // Pausing again without the rollback takes the rollback out; whoever watches must let it go on.
  if (change.kind === 'scope-paused' && change.isIncludingRollback !== true) return change.scope;
  return change.kind === 'rollout-event' && change.event === 'resume' ? `rollout:${change.rolloutId}` : undefined;
}
