// SPDX-License-Identifier: Apache-2.0
import { cutLine, exposureBar, gaugeBar } from '@outrider/adapters/shared/text-bars';
import type { ArmOutcomes, EvidenceLine, LiveAgent, LiveRollout, LiveState } from './live-state.ts';

/** Fewer columns than this are treated as this many: the frame is cut, never wrapped. */
const COLUMNS_MIN = 40;
const COLUMNS_MAX = 110;
const EVENTS_SHOWN = 6;
const EVIDENCE_SHOWN = 6;

/** The lines of one frame, each at most `columns` wide. Marks and words carry the meaning, colour only repeats it. */
export function frameLines(state: LiveState, columns: number): readonly string[] {
  const width = Math.min(Math.max(columns, COLUMNS_MIN), COLUMNS_MAX);
  const lines = [
    state.heading,
    `${state.phase}   fleet day ${state.fleetDays.toFixed(1)}   ${(state.elapsedMs / 1000).toFixed(0)} s   ${state.requests} requests`,
    '',
    ...(state.rollout === undefined ? [] : [...rolloutLines(state.rollout, width), '']),
    ...agentLines(state.agents),
    '',
    ...state.events.slice(-EVENTS_SHOWN).map((event) => `  ${event}`),
  ];
  return lines.map((line) => cutLine(line, columns));
}

/** One plain line for logs and pipes: the same state without a frame. */
export function plainLine(state: LiveState): string {
  const parts = [`${(state.elapsedMs / 1000).toFixed(0)} s`, `day ${state.fleetDays.toFixed(1)}`, state.phase];
  const { rollout } = state;
  if (rollout !== undefined) {
    const { version, state: rolloutState, waveName, granted, cap, population } = rollout;
    parts.push(
      `${version} ${rolloutState}, wave ${waveName}, granted ${granted}, cap ${Math.min(cap, population)} of ${population}`,
    );
    const [top] = strongest(rollout.evidence);
    if (top !== undefined) {
      parts.push(`ln E ${top.metric} ${top.segment} ${top.lnE.toFixed(1)} of ${top.threshold.toFixed(1)}`);
    }
    if (rollout.holdReason !== undefined) parts.push(reasonText(rollout, rollout.holdReason));
  }
  return parts.join(' | ');
}

/** While it runs the reason is why it does not widen; afterwards it is why it stopped. */
function reasonText({ state }: LiveRollout, reason: string): string {
  return state === 'running' ? `holding: ${reason}` : `because: ${reason}`;
}

function rolloutLines(rollout: LiveRollout, width: number): readonly string[] {
  const { version, state, waveName, waveNumber, waveCount, population, cap, granted, pi } = rollout;
  const counts = `granted ${granted}  cap ${Math.min(cap, population)}  of ${population}  pi ${pi.toFixed(2)}`;
  return [
    `release ${version}: ${state}   wave ${waveName} (${waveNumber} of ${waveCount})`,
    `exposure [${exposureBar({ granted, cap, population }, Math.max(10, width - counts.length - 14))}] ${counts}`,
    ...(rollout.holdReason === undefined ? [] : [reasonText(rollout, rollout.holdReason)]),
    '',
    ...armLines(rollout.arms),
    '',
    'evidence against its threshold (natural logarithms)',
    ...strongest(rollout.evidence)
      .slice(0, EVIDENCE_SHOWN)
      .map((line) => evidenceLine(line, Math.max(10, width - 52))),
  ];
}

/** A table of outcomes; a dash where an arm cannot have them. */
function armLines(arms: readonly ArmOutcomes[]): readonly string[] {
  if (arms.length === 0) return [];
  const rows = arms.map((one) => [one.arm, ...ARM_COLUMNS.map(({ value }) => String(value(one) ?? '-'))]);
  return [['arm', ...ARM_COLUMNS.map(({ title }) => title)], ...rows].map(([arm = '', ...cells]) =>
    [arm.padEnd(8), ...cells.map((cell, index) => cell.padStart(ARM_COLUMNS[index]?.title.length ?? 0))].join(' '),
  );
}

const ARM_COLUMNS: readonly { readonly title: string; value(outcomes: ArmOutcomes): number | undefined }[] = [
  { title: 'enrolled', value: (one) => one.enrolled },
  { title: 'confirmed', value: (one) => one.confirmed },
  { title: 'reverted', value: (one) => one.reverted },
  { title: 'failed', value: (one) => one.installFailed },
  { title: 'silent', value: (one) => one.silent },
  { title: 'crashed', value: (one) => one.crashed },
  { title: 'sensor fault', value: (one) => one.sensorFaults },
];

function evidenceLine({ metric, segment, lnE, threshold }: EvidenceLine, width: number): string {
  const mark = lnE >= threshold ? 'OVER' : '';
  const bar = gaugeBar(lnE, threshold, width);
  const name = `  ${metric.padEnd(10)} ${segment.padEnd(9)}`;
  return `${name} [${bar}] ${lnE.toFixed(1).padStart(6)} of ${threshold.toFixed(1).padStart(5)} ${mark}`;
}

function agentLines(agents: readonly LiveAgent[]): readonly string[] {
  return agents.map(
    ({ id, hardwareId, state, activeVersion, slot }) =>
      `agent ${id.padEnd(18)} ${hardwareId}  ${state.padEnd(12)} runs ${activeVersion} in slot ${slot}`,
  );
}

/** Nearest to its threshold first. */
function strongest(evidence: readonly EvidenceLine[]): readonly EvidenceLine[] {
  return [...evidence].sort((a, b) => b.lnE / b.threshold - a.lnE / a.threshold);
}
