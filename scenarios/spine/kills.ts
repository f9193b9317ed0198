// SPDX-License-Identifier: Apache-2.0
import { below, prng } from '@outrider/domain/kernel/prng';
import { hours } from '@outrider/domain/kernel/time';
import { composeProvingGround, type ProvingGround } from '@outrider/simulator/compose';
import type { Figure, MeasureOptions } from '../../bench/figures.ts';
import { type Findings, inspect, noFindings, sum } from './inspect.ts';

/** Often enough to hit commits of permits, reports, contacts and decisions alike. */
const KILLS = 20;
const DEVICES = 200;
/** Fleet time between two kills: enough that a third of the fleet is due. */
const BETWEEN_KILLS_MS = hours(5);
/** Before the first kill: until the first ten are confirmed and permits flow. */
const WARM_UP_STEPS = 4;
/** A kill falls after this many answers at most: in the midst of the traffic that so many due devices make. */
const ANSWERS_BEFORE_KILL_MAX = 120;
/** What is killed, in turn; a server always leaves a PostgreSQL behind, unless that is killed too. */
const VICTIMS = ['server', 'server', 'database', 'server', 'both'] as const;
/** What a person would still call "by itself". */
const RECOVERY_SECONDS_MAX = 30;

/** Kills server, database or both twenty times in a rollout with real HTTP traffic, and asks for everything after each. */
export async function killFigures({ seed, log }: MeasureOptions): Promise<readonly Figure[]> {
  const trigger = killTrigger();
  const ground = await composeProvingGround({ seed, deviceCount: DEVICES, onAnswer: trigger.onAnswer });
  try {
    const source = prng(`${seed}/kills`);
    for (let step = 0; step < WARM_UP_STEPS; step++) await ground.advance(BETWEEN_KILLS_MS);
    let findings = noFindings();
    let slowestMs = 0;
    for (let kill = 0; kill < KILLS; kill++) {
      const victim = VICTIMS[kill % VICTIMS.length] ?? 'server';
      const answers = 1 + below(source, ANSWERS_BEFORE_KILL_MAX);
      trigger.arm(answers, () => strike(ground, victim));
      await ground.advance(BETWEEN_KILLS_MS);
      trigger.fire();
      const beganAt = performance.now();
      await ground.recover();
      const tookMs = performance.now() - beganAt;
      slowestMs = Math.max(slowestMs, tookMs);
      findings = sum(findings, inspect(await ground.facts(), ground.held));
      log(
        `Kill ${kill + 1} of ${KILLS}: ${victim} after ${answers} answers, back in ${Math.round(tookMs)} ms; ` +
          `held by devices: ${ground.held.permitIds.size} permits, ${ground.held.reportKeys.size} reports`,
      );
    }
    return figuresOf(findings, { slowestMs, held: ground.held });
  } finally {
    await ground.remove();
  }
}

function strike(ground: ProvingGround, victim: (typeof VICTIMS)[number]): void {
  if (victim !== 'database') ground.killServer();
  if (victim !== 'server') ground.killDatabase();
}

/** Fires once after a number of answers, or when it is told to: then the traffic was over before. */
function killTrigger() {
  let remaining = Number.POSITIVE_INFINITY;
  let kill: (() => void) | undefined;
  function fire(): void {
    const armed = kill;
    kill = undefined;
    armed?.();
  }
  return {
    onAnswer() {
      if (--remaining <= 0) fire();
    },
    arm(answers: number, work: () => void) {
      remaining = answers;
      kill = work;
    },
    fire,
  };
}

function figuresOf(
  findings: Findings,
  { slowestMs, held }: { readonly slowestMs: number; readonly held: ProvingGround['held'] },
): readonly Figure[] {
  const seconds = slowestMs / 1_000;
  return [
    // A kill that is not survived throws: the proof ends there.
    { figure: 'kill -9 survived', value: KILLS, unit: 'kills', goal: `${KILLS}`, holds: true },
    some('permits acknowledged to devices', held.permitIds.size),
    none('of these permits, missing from the ledger after a kill', findings.permitsLost),
    some('reports acknowledged to devices', held.reportKeys.size),
    none('of these reports, missing from the log after a kill', findings.reportsLost),
    none('looks at which granted > cap, overall or in a segment', findings.overruns),
    none('looks at which granted was not the number of treated rows', findings.miscounts),
    none('looks at which the evidence was not what the raw rows say', findings.recountsDiffering),
    {
      figure: 'slowest recovery',
      value: seconds,
      unit: 's',
      goal: `<= ${RECOVERY_SECONDS_MAX} s`,
      holds: seconds <= RECOVERY_SECONDS_MAX,
    },
  ];
}

function none(figure: string, value: number): Figure {
  return { figure, value, unit: 'count', goal: '0', holds: value === 0 };
}

/** A proof that looked at nothing is none. */
function some(figure: string, value: number): Figure {
  return { figure, value, unit: 'count', goal: '> 0', holds: value > 0 };
}
