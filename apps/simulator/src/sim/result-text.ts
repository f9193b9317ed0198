// SPDX-License-Identifier: Apache-2.0
import type { Fault } from './faults/fault.ts';
import type { Violation } from './oracles/violation.ts';
import type { CaseOutcome } from './run-case.ts';
import type { SimCase } from './sim-case.ts';
import type { SimulationSummary } from './simulate.ts';

/** What a run that held came to, for people. */
export function heldText(
  simCase: SimCase,
  { summary, counts }: { readonly summary: SimulationSummary; readonly counts: CaseOutcome['counts'] },
  took: { readonly seconds: number; readonly processorSeconds: number },
): string {
  const { good, bad, requests, days } = summary;
  const reasons = Object.entries(good.notVerifiedByReason).map(([reason, count]) => `${count} ${reason}`);
  const halt = bad.hoursToHalt === null ? 'not halted' : `halted after ${bad.hoursToHalt.toFixed(1)} h`;
  const events = Object.entries(counts).map(([kind, count]) => `${count} ${kind}`);
  return [
    `good release: ${good.verified} of ${good.devices} verified in ${good.days.toFixed(1)} fleet days${reasons.length === 0 ? '' : `, ${reasons.join(', ')}`}`,
    `bad release: ${halt} in ${bad.haltedSegments.join(', ') || 'no segment'}, ${bad.exposed} exposed, ${bad.harmed} harmed, ${bad.rolledBack} back`,
    `${requests} requests; events: ${events.join(', ')}`,
    `${simCase.deviceCount} devices x ${days.toFixed(1)} fleet days in ${took.seconds.toFixed(1)} s, ${took.processorSeconds.toFixed(1)} s of processor time`,
  ].join('\n');
}

/** A broken promise with everything that is needed to look at it again. */
export function brokenText(simCase: SimCase, violation: Violation, path: string): string {
  const { faults, deviceCount, daysMax, gatewayCount } = simCase;
  return [
    `BROKEN: ${violation.oracle} at step ${violation.step}`,
    `  ${violation.facts}`,
    `  ${deviceCount} devices, ${gatewayCount} servers, at most ${daysMax} days a rollout, ${faults.length} faults${faults.length <= SHOWN_MAX ? ':' : ''}`,
    ...(faults.length <= SHOWN_MAX ? faults.map((fault) => `    ${faultText(fault)}`) : []),
    `  npm run sim -- --replay ${path}`,
  ].join('\n');
}

/** More is for the file. */
const SHOWN_MAX = 12;

function faultText({ kind, id: _, fromStep, steps, ...parts }: Fault): string {
  const details = Object.entries(parts).map(([name, value]) => `${name} ${value}`);
  return [`${kind} from step ${fromStep} for ${steps}`, ...details].join(', ');
}
