// SPDX-License-Identifier: Apache-2.0
import type { MachineClock } from '@outrider/domain/kernel/clock';
import type { RolloutId } from '@outrider/domain/kernel/ids';
import { DAY_MS, elapsedMs, type FleetInstant } from '@outrider/domain/kernel/time';
import { defaultWaves } from '@outrider/domain/policy/default-plan';
import { populationOf } from '@outrider/domain/policy/exposure';
import type { RolloutSight } from '../play/control-plane.ts';
import type { ArmOutcomes, LiveAgent, LiveRollout, LiveState } from './live-state.ts';
import type { LiveView } from './terminal.ts';

/** Tells the terminal what happens, and how long each phase took. */
export interface Show {
  /** A new phase begins; the one before has ended. */
  begin(phase: string): void;
  /** From now on this rollout is shown; none: only the phase. */
  follow(rollout: { readonly rolloutId: RolloutId; readonly version: string } | undefined): void;
  note(text: string): void;
  /** To be called after each step of fleet time. */
  onStep(step: { readonly now: FleetInstant; readonly requests: number }): Promise<void>;
  /** Machine time of each phase so far. */
  phases(): readonly { readonly phase: string; readonly elapsedMs: number }[];
}

/** Steps after which a rollout is looked at even when no frame is due, so that no change is missed: two fleet hours. */
const LOOK_EVERY_STEPS = 12;
const EVENTS_KEPT = 50;

export function createShow(options: {
  readonly heading: string;
  readonly view: LiveView;
  readonly clock: MachineClock;
  readonly since: FleetInstant;
  readonly sight: (rolloutId: RolloutId) => Promise<RolloutSight>;
  readonly agents: () => readonly LiveAgent[];
}): Show {
  const { heading, view, clock, since, sight, agents } = options;
  const beganAt = clock.now();
  const phases: { phase: string; readonly beganAt: number; elapsedMs: number }[] = [];
  const events: string[] = [];
  const known = new Map<string, string>();
  let followed: { readonly rolloutId: RolloutId; readonly version: string } | undefined;
  let fleetNow = since;
  let requests = 0;
  let stepCount = 0;

  function note(text: string): void {
    events.push(`day ${dayOf(fleetNow).toFixed(1).padStart(4)}  ${text}`);
    if (events.length > EVENTS_KEPT) events.shift();
  }

  /** Notes a value only when it is another than before. */
  function noteChange(what: string, value: string): void {
    if (known.get(what) === value) return;
    known.set(what, value);
    note(`${what} ${value}`);
  }

  function dayOf(now: FleetInstant): number {
    return elapsedMs(since, now) / DAY_MS;
  }

  function endPhase(): void {
    const last = phases.at(-1);
    if (last !== undefined) last.elapsedMs = clock.now() - last.beganAt;
  }

  function state(rollout: LiveRollout | undefined): LiveState {
    return {
      heading,
      phase: phases.at(-1)?.phase ?? '',
      fleetDays: dayOf(fleetNow),
      elapsedMs: elapsedMs(beganAt, clock.now()),
      requests,
      ...(rollout && { rollout }),
      agents: agents(),
      events,
    };
  }

  return {
    begin(phase) {
      endPhase();
      phases.push({ phase, beganAt: clock.now(), elapsedMs: 0 });
      view.show(state(undefined));
    },
    follow(rollout) {
      followed = rollout;
    },
    note,
    async onStep(step) {
      fleetNow = step.now;
      requests = step.requests;
      stepCount++;
      // Agents pass through their states within an hour: each step is looked at.
      for (const { id, state: agentState, activeVersion } of agents()) {
        noteChange(`agent ${id}`, `${agentState}, runs ${activeVersion}`);
      }
      if (!view.isDue() && stepCount % LOOK_EVERY_STEPS !== 0) return;
      const seen = followed === undefined ? undefined : await sight(followed.rolloutId);
      const rollout = seen && followed && liveRollout(followed.version, seen);
      if (rollout !== undefined) {
        noteChange(`${rollout.version} is`, `${rollout.state}${reasonText(seen)}`);
        noteChange(`${rollout.version} wave`, rollout.waveName);
      }
      if (view.isDue()) view.show(state(rollout));
    },
    phases() {
      endPhase();
      return phases.map(({ phase, elapsedMs: phaseMs }) => ({ phase, elapsedMs: Math.round(phaseMs) }));
    },
  };
}

function reasonText(seen: RolloutSight | undefined): string {
  if (seen === undefined || (seen.state !== 'halted' && seen.state !== 'rolling-back')) return '';
  return `: ${seen.reason}`;
}

function liveRollout(version: string, seen: RolloutSight): LiveRollout | undefined {
  const { state, exposure, evidence, figures } = seen;
  if (exposure === undefined) return undefined;
  const waves = defaultWaves();
  return {
    version,
    state,
    waveName: waves[exposure.waveIndex]?.name ?? '',
    waveNumber: exposure.waveIndex + 1,
    waveCount: waves.length,
    population: populationOf(exposure),
    cap: exposure.cap,
    granted: exposure.granted,
    pi: exposure.pi,
    ...(exposure.holdReason !== undefined && { holdReason: exposure.holdReason }),
    arms: evidence === undefined ? [] : armsOf(evidence),
    evidence: figures.map(({ metric, segment, lnE, threshold }) => ({
      metric,
      segment: segment ?? 'overall',
      lnE,
      threshold,
    })),
  };
}

function armsOf({ base, closed, enrolments }: NonNullable<RolloutSight['evidence']>): readonly ArmOutcomes[] {
  const total = (counts: readonly number[]) => counts.reduce((sum, one) => sum + one, 0);
  const eventsOf = (arm: ArmOutcomes['arm'], metric: string) =>
    total(closed.filter((one) => one.arm === arm && one.metric === metric).map((one) => one.events));
  const both = (arm: ArmOutcomes['arm']) => ({
    arm,
    enrolled: total(enrolments.map((one) => one[arm])),
    silent: eventsOf(arm, 'silent24'),
    crashed: eventsOf(arm, 'crash24'),
    sensorFaults: eventsOf(arm, 'sensor24'),
  });
  const revert = base.filter((one) => one.metric === 'revert');
  const install = base.filter((one) => one.metric === 'install');
  return [
    {
      ...both('treated'),
      confirmed: total(revert.map((one) => one.confirmed)),
      reverted: total(revert.map((one) => one.events)),
      installFailed: total(install.map((one) => one.events)),
    },
    both('control'),
  ];
}
