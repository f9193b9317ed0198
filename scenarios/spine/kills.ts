// SPDX-License-Identifier: Apache-2.0
import { type SteppedClock, steppedClock } from '@outrider/adapters/shared/clock';
import type { RolloutId } from '@outrider/domain/kernel/ids';
import { below, prng } from '@outrider/domain/kernel/prng';
import { after, fleetInstant, hours } from '@outrider/domain/kernel/time';
import type { RolloutPlan } from '@outrider/domain/policy/rollout';
import { demoFleet } from '@outrider/simulator/demo/demo-fleet';
import type { Fleet } from '@outrider/simulator/fleet/fleet';
import { planOf, startRollout } from '@outrider/simulator/play/play-rollout';
import { planFleet } from '@outrider/simulator/product/fleet-plan';
import { releaseIdOf, signedRelease } from '@outrider/simulator/product/signed-release';
import { SIM_DEVICE_TYPE, simProducts } from '@outrider/simulator/sim/sim-products';
import { worldTruth } from '@outrider/simulator/world/truth';
import type { Figure, MeasureOptions } from '../../bench/figures.ts';
import { type Acknowledged, acknowledged } from './acknowledged.ts';
import { type Findings, inspect, noFindings, sum } from './inspect.ts';
import { createInstallation, type Installation } from './installation.ts';

/** Often enough to hit registration of permits, reports, contacts and decisions alike. */
const KILLS = 20;
const DEVICES = 200;
/** Fleet time between two kills: enough that a third of the fleet is due. */
const BETWEEN_KILLS_MS = hours(5);
/** A kill falls after this many answers at most: in the midst of the traffic that so many due devices make. */
const ANSWERS_BEFORE_KILL_MAX = 120;
/** Before the first kill: until the first ten are confirmed and permits flow. */
const WARM_UP_STEPS = 4;
/** What is killed, in turn; a server always leaves a PostgreSQL behind, unless that is killed too. */
const VICTIMS = ['server', 'server', 'database', 'server', 'both'] as const;
/** What a person would still call "by itself". */
const RECOVERY_SECONDS_MAX = 30;
const ROLLOUT_ID = 'spine' as RolloutId;

/** Kills the server, its database, or both, twenty times during a rollout with real HTTP traffic; asks for everything after each. */
export async function killFigures({ seed, log }: MeasureOptions): Promise<readonly Figure[]> {
  const installation = await createInstallation();
  try {
    const trigger = killTrigger();
    const held = acknowledged(trigger.onAnswer);
    const { clock, fleet } = await startTraffic(installation, held, seed);
    const source = prng(`${seed}/kills`);
    for (let step = 0; step < WARM_UP_STEPS; step++) await advance(installation, { clock, fleet });
    let findings = noFindings();
    let slowestMs = 0;
    for (let kill = 0; kill < KILLS; kill++) {
      const victim = VICTIMS[kill % VICTIMS.length] ?? 'server';
      const answers = 1 + below(source, ANSWERS_BEFORE_KILL_MAX);
      trigger.arm(answers, () => strike(installation, victim));
      await advance(installation, { clock, fleet });
      trigger.fire();
      const beganAt = performance.now();
      await installation.recover();
      const tookMs = performance.now() - beganAt;
      slowestMs = Math.max(slowestMs, tookMs);
      findings = sum(findings, await inspect(installation.management, ROLLOUT_ID, held));
      log(
        `Kill ${kill + 1} of ${KILLS}: ${victim} after ${answers} answers, back in ${Math.round(tookMs)} ms; ` +
          `held by devices: ${held.permitIds.size} permits, ${held.reports.size} reports`,
      );
    }
    return figuresOf(findings, { slowestMs, held });
  } finally {
    await installation.remove();
  }
}

/** Sets fleet time forward, then wakes everyone who is due by then. */
async function advance({ management }: Installation, { clock, fleet }: Traffic): Promise<void> {
  const now = after(clock.now(), BETWEEN_KILLS_MS);
  await management.step(now);
  clock.stepTo(now);
  await fleet.wakeDue(now);
}

function strike(installation: Installation, victim: (typeof VICTIMS)[number]): void {
  if (victim !== 'database') installation.killServer();
  if (victim !== 'server') installation.killDatabase();
}

/** Fires once after a number of answers, or when the traffic is over before. */
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

interface Traffic {
  readonly clock: SteppedClock;
  readonly fleet: Fleet;
}

/** Two versions of a small image, a registered fleet over HTTP, and a rollout without waves: only caps hold it back. */
async function startTraffic(installation: Installation, held: Acknowledged, seed: string): Promise<Traffic> {
  const { management, signers, url, registrationToken } = installation;
  const { first, good } = await simProducts(seed);
  await management.publish(signedRelease(first.product, undefined, signers).envelope, [first.image]);
  const { fleetTime } = await management.status();
  const clock = steppedClock(fleetInstant(fleetTime));
  const fleet: Fleet = await demoFleet(planFleet({ seed, deviceType: SIM_DEVICE_TYPE, count: DEVICES }), {
    world: { schema: 1, seed, defects: [] },
    truth: worldTruth(),
    clock,
    serverUrl: new URL(url),
    registrationToken,
    factory: first.product,
    witness: held.witness,
  });
  await management.publish(signedRelease(good.product, first.product, signers).envelope, [good.image]);
  await startRollout(management, planOfTraffic(seed));
  return { clock, fleet };
}

function planOfTraffic(seed: string): RolloutPlan {
  const releaseId = releaseIdOf(SIM_DEVICE_TYPE, '1.1.0');
  const plan = planOf({ rolloutId: ROLLOUT_ID, releaseId, deviceType: SIM_DEVICE_TYPE, salt: `spine-salt-${seed}` });
  return { ...plan, waves: [{ name: 'everyone', ringTags: [], exposurePermille: 1_000, bakeMs: hours(0) }] };
}

function figuresOf(
  findings: Findings,
  { slowestMs, held }: { readonly slowestMs: number; readonly held: Acknowledged },
): readonly Figure[] {
  const none = (figure: string, value: number): Figure => ({
    figure,
    value,
    unit: 'count',
    goal: '0',
    holds: value === 0,
  });
  const some = (figure: string, value: number): Figure => ({
    figure,
    value,
    unit: 'count',
    goal: '> 0',
    holds: value > 0,
  });
  const seconds = slowestMs / 1_000;
  return [
    { figure: 'kill -9 survived', value: KILLS, unit: 'kills', goal: `${KILLS}`, holds: true },
    some('permits acknowledged to devices', held.permitIds.size),
    none('of these permits, missing from the ledger after a kill', findings.permitsLost),
    some('reports acknowledged to devices', held.reports.size),
    none('of these reports, missing from the log after a kill', findings.reportsLost),
    none('looks at which granted > cap, overall or in a segment', findings.overruns),
    none('looks at which granted was not the number of treated rows', findings.miscounts),
    {
      figure: 'slowest recovery',
      value: seconds,
      unit: 's',
      goal: `<= ${RECOVERY_SECONDS_MAX} s`,
      holds: seconds <= RECOVERY_SECONDS_MAX,
    },
  ];
}
