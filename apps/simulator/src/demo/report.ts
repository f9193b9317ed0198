// SPDX-License-Identifier: Apache-2.0
import type { DeltaFormat } from '@outrider/domain/delta/delta';

/** What the demonstration says of itself at its end: one JSON object with `--json`. */
export interface DemoReport {
  readonly schema: 1;
  readonly round: number;
  readonly seed: string;
  readonly good: GoodReport;
  readonly bad: BadReport;
  readonly agents: readonly AgentReport[];
  readonly deltas: readonly DeltaReport[];
  readonly elapsedMs: number;
  /** Machine time by phase, in the order they were played. */
  readonly phases: readonly { readonly phase: string; readonly elapsedMs: number }[];
  /** Requests that devices made, agents included. */
  readonly requests: number;
}

/** The release that is fine: it should reach everyone who can be reached. */
export interface GoodReport {
  readonly version: string;
  readonly devices: number;
  /** Devices on which it booted, was confirmed and is running. */
  readonly verified: number;
  /** All others, by what keeps them: verified and these are all devices. */
  readonly notVerifiedByReason: Readonly<Record<string, number>>;
  /** Fleet days from the start of the rollout. */
  readonly days: number;
}

/** The release with a defect: it should harm few, and be taken back from all. */
export interface BadReport {
  readonly version: string;
  /** Devices that got a permit for it. */
  readonly exposed: number;
  /** Devices on which it failed its health check: the world's truth, not the server's. */
  readonly harmed: number;
  /** Where the evidence crossed its threshold; null: overall, or not at all. */
  readonly haltedSegment: string | null;
  /** Fleet hours from the first permit; null: it was not halted. */
  readonly hoursToHalt: number | null;
  /** Exposed devices that are back on the good version. */
  readonly rolledBack: number;
  /** Exposed devices that are not back and still answer: a fault, if there is one. */
  readonly notBack: number;
  /** Exposed devices that are not back and have not answered since. */
  readonly silent: number;
}

/** One of the real agents, at the end. */
export interface AgentReport {
  readonly id: string;
  readonly hardwareId: string;
  readonly state: string;
  readonly activeVersion: string;
}

/** One delta against the whole image it stands for. */
export interface DeltaReport {
  readonly from: string;
  readonly to: string;
  readonly format: DeltaFormat;
  readonly fullBytes: number;
  readonly deltaBytes: number;
}

/** What a round must reach; anything less is said in a sentence and ends in exit code 1. */
export const GOALS = {
  /** Of all devices: the rest are silent, or become ready only later. */
  verifiedShareMin: 0.99,
  /** Ten are let in before the first boots are known, and four times as many after. */
  harmedMax: 60,
  /** Of the whole image: two neighbouring builds of one program differ by less. */
  deltaShareMax: 0.2,
} as const;

/** The goals that a report misses, a sentence each. */
export function missedGoals(report: DemoReport): readonly string[] {
  const { good, bad, deltas } = report;
  const missed: string[] = [];
  const accounted = Object.values(good.notVerifiedByReason).reduce((sum, count) => sum + count, good.verified);
  if (accounted !== good.devices) {
    missed.push(`Of ${good.devices} devices ${accounted} are accounted for: each must be verified or have a reason`);
  }
  if (good.verified < GOALS.verifiedShareMin * good.devices) {
    missed.push(
      `The good release was verified on ${good.verified} of ${good.devices} devices: the goal is ${percent(GOALS.verifiedShareMin)}`,
    );
  }
  if (bad.hoursToHalt === null) missed.push('The bad release was not halted: the goal is a halt by its evidence');
  if (bad.harmed > GOALS.harmedMax) {
    missed.push(`The bad release harmed ${bad.harmed} devices: the goal is at most ${GOALS.harmedMax}`);
  }
  if (bad.notBack > 0) {
    missed.push(`${bad.notBack} exposed devices answer and are not back on the good version: the goal is none`);
  }
  for (const { from, to, fullBytes, deltaBytes } of deltas) {
    if (deltaBytes >= GOALS.deltaShareMax * fullBytes) {
      missed.push(
        `The delta from ${from} to ${to} is ${percent(deltaBytes / fullBytes)} of its image: the goal is under ${percent(GOALS.deltaShareMax)}`,
      );
    }
  }
  return missed;
}

/** The report as a table for people: left a name, right what was found. */
export function reportTable(report: DemoReport): string {
  const { good, bad } = report;
  const reasons = Object.entries(good.notVerifiedByReason);
  const rows: (readonly [string, string])[] = [
    ['good release', `${good.version}, ${good.days.toFixed(1)} fleet days`],
    ['  verified', `${good.verified} of ${good.devices} devices (${percent(good.verified / good.devices)})`],
    ...reasons.map(([reason, count]) => [`  ${reason}`, String(count)] as const),
    ['bad release', bad.version],
    ['  exposed', `${bad.exposed} devices`],
    ['  harmed', `${bad.harmed} devices`],
    ['  halted', haltText(bad)],
    ['  rolled back', `${bad.rolledBack} of ${bad.exposed}, not back ${bad.notBack}, silent ${bad.silent}`],
    ...report.agents.map((agent) => [`agent ${agent.id}`, `${agent.state}, runs ${agent.activeVersion}`] as const),
    ...report.deltas.map(
      (delta) => [`delta ${delta.from} -> ${delta.to}`, `${bytesText(delta)} of ${delta.fullBytes} bytes`] as const,
    ),
    ['requests', String(report.requests)],
    ['elapsed', `${(report.elapsedMs / 1000).toFixed(1)} s`],
    ...report.phases.map(({ phase, elapsedMs }) => [`  ${phase}`, `${(elapsedMs / 1000).toFixed(1)} s`] as const),
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n');
}

function haltText({ haltedSegment, hoursToHalt }: BadReport): string {
  if (hoursToHalt === null) return 'never';
  return `${haltedSegment ?? 'overall'}, ${hoursToHalt.toFixed(1)} fleet hours after the first permit`;
}

function bytesText({ deltaBytes, fullBytes }: DeltaReport): string {
  return `${deltaBytes} (${percent(deltaBytes / fullBytes)})`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
