// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { steppedClock } from '@outrider/adapters/shared/clock';
import { delay } from '@outrider/adapters/shared/delay';
import { errorCode } from '@outrider/adapters/shared/files';
import { replayDecision } from '@outrider/domain/decision/replay';
import type { ReleaseCounter, RolloutId, Sha256 } from '@outrider/domain/kernel/ids';
import { prng } from '@outrider/domain/kernel/prng';
import { after, type DurationMs, fleetInstant, hours } from '@outrider/domain/kernel/time';
import type { RolloutPlan } from '@outrider/domain/policy/rollout';
import { demoFleet } from '../demo/demo-fleet.ts';
import { httpManagement } from '../demo/management.ts';
import { recountAnswer, stepAnswer } from '../demo/management-answers.ts';
import { planOf, startRollout } from '../play/play-rollout.ts';
import { planFleet } from '../product/fleet-plan.ts';
import { COMPONENT, releaseIdOf } from '../product/signed-release.ts';
import { SIM_DEVICE_TYPE, simProducts } from '../sim/sim-products.ts';
import { worldTruth } from '../world/truth.ts';
import { acknowledgements, type Held } from './acknowledged.ts';
import { type Ask, asker } from './api.ts';
import { createInstallation, type Installation } from './installation.ts';
import { newcomers } from './newcomers.ts';
import { operator } from './operator.ts';
import { publisher } from './publisher.ts';
import type { RawFacts } from './raw-store.ts';

/** A real server with a real PostgreSQL, a fleet on HTTP and people who work, in the midst of a rollout: to be killed. */
export interface ProvingGround {
  readonly installation: Installation;
  /** What devices and people were told and hold in their hands. */
  readonly held: Held;
  /** Sets fleet time forward and wakes everyone who is due, while people work; then `strike`, and all come to rest. */
  round(duration: DurationMs, strike: () => Promise<unknown>): Promise<void>;
  /** Until the server answers again and something new was written durably; in milliseconds. */
  untilServing(): Promise<number>;
  /** What lies in the tables, read past the server. */
  facts(): Promise<RawFacts>;
  /** Blobs of these that are not whole on the disk. */
  missingBlobs(digests: Iterable<Sha256>): Promise<number>;
  /** Whether the stored evidence is what the raw rows and reports say; undefined when nobody answered. */
  isRecountEqual(): Promise<boolean | undefined>;
  /** Makes every stored decision again. */
  replay(): Promise<{ readonly decisions: number; readonly differing: number; readonly failed: number }>;
  /** Pauses that were watched, and permits that came into being in one. */
  pauses(): { readonly watched: number; readonly permits: number };
  /** What the server refused for good: nothing that anyone here asks should be. */
  refusals(): readonly string[];
  /** Stops everything and removes what it left on the disk. */
  remove(): Promise<void>;
}

export interface ProvingOptions {
  readonly seed: string;
  readonly deviceCount: number;
  /** Called after each answer to a device or a person, whatever it says. */
  readonly onAnswer: () => void;
}

const ROLLOUT_ID = 'proving' as RolloutId;
const STEP_PAUSE_MS = 30;
const STEPS_MAX = 1_000;

/** Starts a server, registers the fleet and starts a rollout. Keys of devices and all chance but theirs come from the seed. */
export async function createProvingGround(options: ProvingOptions): Promise<ProvingGround> {
  const installation = await createInstallation();
  try {
    return await settle(installation, options);
  } catch (cause) {
    await installation.remove();
    throw cause;
  }
}

async function settle(installation: Installation, options: ProvingOptions): Promise<ProvingGround> {
  const { seed, deviceCount, onAnswer } = options;
  const { url, house, dataFolder } = installation;
  await installation.untilServing(() => isReady(url));
  const tokens = await installation.tokens();
  const management = httpManagement(url, tokens.admin);
  const noted = acknowledgements(onAnswer);
  const refusals: string[] = [];
  const ask = asker({ url, token: tokens.admin, onRefusal: (text) => refusals.push(text) });

  const { first, good } = await simProducts(seed);
  const clock = steppedClock(fleetInstant((await management.status()).fleetTime));
  await management.publish(await house.sign(first.product, undefined, clock.now()), [first.image]);
  const fleet = await demoFleet(planFleet({ seed, deviceType: SIM_DEVICE_TYPE, count: deviceCount }), {
    world: { schema: 1, seed, defects: [] },
    truth: worldTruth(),
    clock,
    serverUrl: new URL(url),
    registrationToken: tokens.registration,
    factory: first.product,
    witness: noted.witness,
  });
  await management.publish(await house.sign(good.product, first.product, clock.now()), [good.image]);
  const plan = planWithoutWaves(seed);
  await startRollout(management, plan);

  const source = prng(`${seed}/people`);
  const running = {
    version: first.product.version,
    // The product's own number: it is made here.
    releaseCounter: first.product.releaseCounter as ReleaseCounter,
    components: [{ name: COMPONENT, digest: first.product.image.digest }],
  };
  const common = { ask, acknowledgements: noted };
  const people = {
    operator: operator({ ...common, source: source.fork('operator'), plan, openRawStore: installation.rawStore }),
    newcomers: newcomers({ serverUrl: new URL(url), token: tokens.registration, running, acknowledgements: noted }),
    publisher: publisher({ ...common, source: source.fork('publisher'), house, clock }),
  };

  return {
    installation,
    held: noted.held,
    async round(duration, strike) {
      const now = after(clock.now(), duration);
      let isOver = false;
      const working = Object.values(people).map((one) => one.run(() => isOver));
      await Promise.all([stepUntilDone(ask, now).then(() => wake()), strike()]);
      isOver = true;
      await Promise.all(working);

      async function wake(): Promise<void> {
        clock.stepTo(now);
        await fleet.wakeDue(now);
      }
    },
    untilServing: () =>
      installation.untilServing(async () => (await isReady(url)) && (await people.newcomers.registerOne())),
    async facts() {
      const store = await installation.rawStore();
      try {
        return await store.facts();
      } finally {
        await store.close();
      }
    },
    async missingBlobs(digests) {
      let missing = 0;
      for (const digest of digests) if (!(await isWhole(join(dataFolder, 'blobs'), digest))) missing++;
      return missing;
    },
    async isRecountEqual() {
      const path = `/rollouts/${ROLLOUT_ID}/evidence/recount`;
      return (await ask({ method: 'POST', path, body: {}, reader: recountAnswer }))?.isEqual;
    },
    replay: () => replay(installation, plan),
    pauses: () => ({ watched: people.operator.pausesWatched(), permits: people.operator.permitsWhilePaused() }),
    refusals: () => refusals,
    remove: installation.remove,
  };
}

/** Sets fleet time, again and again until it is acknowledged: the same instant twice changes nothing. */
async function stepUntilDone(ask: Ask, now: number): Promise<void> {
  for (let tries = 0; tries < STEPS_MAX; tries++) {
    const step = await ask({ method: 'POST', path: '/conductor/step', body: { now }, reader: stepAnswer });
    if (step !== undefined) return;
    await delay(STEP_PAUSE_MS);
  }
  throw new Error(`Fleet time was not set in ${STEPS_MAX} attempts; see the server's log`);
}

async function isReady(url: string): Promise<boolean> {
  try {
    const ready = await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(READY_MS) });
    await ready.body?.cancel();
    return ready.ok;
  } catch {
    // Refused connections and broken ones are what a recovery looks like from outside.
    return false;
  }
}

const READY_MS = 5_000;

async function isWhole(folder: string, digest: Sha256): Promise<boolean> {
  try {
    const content = await readFile(join(folder, digest.slice(0, 2), digest));
    return createHash('sha256').update(content).digest('hex') === digest;
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return false;
    throw cause;
  }
}

async function replay(installation: Installation, plan: RolloutPlan): ReturnType<ProvingGround['replay']> {
  const store = await installation.rawStore();
  try {
    const stored = await store.decisions(plan.rolloutId);
    const differing = stored.filter((one) => replayDecision(plan, one).length > 0).length;
    const failed = stored.filter(({ decision }) => decision.overall.reason.startsWith('error:')).length;
    return { decisions: stored.length, differing, failed };
  } finally {
    await store.close();
  }
}

/** One wave for everyone: only caps hold it back. */
function planWithoutWaves(seed: string): RolloutPlan {
  const releaseId = releaseIdOf(SIM_DEVICE_TYPE, '1.1.0');
  const plan = planOf({ rolloutId: ROLLOUT_ID, releaseId, deviceType: SIM_DEVICE_TYPE, salt: `proving-${seed}` });
  return { ...plan, waves: [{ name: 'everyone', ringTags: [], exposurePermille: 1_000, bakeMs: hours(0) }] };
}
