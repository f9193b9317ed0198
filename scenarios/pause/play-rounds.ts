// SPDX-License-Identifier: Apache-2.0
import { delay } from '@outrider/adapters/shared/delay';
import { present } from '@outrider/domain/kernel/assert';
import { below, type Prng, prng } from '@outrider/domain/kernel/prng';
import type { ProblemCode } from '@outrider/protocol/kernel/problem';
import { listOf, record, text, whole } from '@outrider/protocol/kernel/reader';
import { type Ask, asker, createProofFleet, type ProofRollout, runStatement } from '@outrider/simulator/compose';
import { drawFaults } from './faults.ts';
import { loadCommitted, OPEN_CAPS, preparePermits } from './permits-in-tables.ts';
import { askOn, nowMs, type Told } from './traffic.ts';
import { createWorld, LEAD_MS, type World } from './world.ts';

/** One pause, from its asking to the asking for its end. Instants as in `Told`. */
export interface Round {
  readonly name: string;
  readonly scope: 'global' | `region:${string}` | `rollout:${string}`;
  readonly isCalm: boolean;
  readonly askedAt: number;
  readonly returnedAt: number;
  readonly resumeAskedAt: number;
  /** Requests until a receipt came: with the database away there is none. */
  readonly tries: number;
  /** Of the request that brought the receipt. */
  readonly tookMs: number;
  readonly revision: number;
  readonly openPermitIds: readonly string[];
}

export interface PauseResults {
  readonly rounds: readonly Round[];
  readonly told: readonly Told[];
  readonly committed: Awaited<ReturnType<typeof loadCommitted>>;
  readonly befell: World['befell'];
  readonly tookMs: number;
}

export interface PauseOptions {
  readonly seed: string;
  readonly rounds: number;
  readonly calmRounds: number;
  readonly gateways: number;
  readonly isPlanted: boolean;
  readonly log: (line: string) => void;
}

/** Rollouts that are paused side by side, each with a region and devices of its own; every so many batches all at once. */
const LANES = 16;
const GLOBAL_EVERY = 2;
/** New permits come into being in each round; more devices than that are never needed. */
const DEVICES_PER_ROUND = 50;
const DEVICES_MIN = 400;
/** Permits flow before the pause, and after it for as long as an offer could still come. */
const FLOW_MS = 500;
const WATCH_MS = 6_300;
/** Without faults one after the other, as people pause: nothing is waited for but the receipt. */
const CALM_FLOW_MS = 150;
const CALM_WATCH_MS = 150;
const RETRY_MS = 200;
const ENDED_ALREADY = 'scope-not-paused' satisfies ProblemCode;
const PAUSE_TRIES_MAX = 300;

export async function playRounds(options: PauseOptions): Promise<PauseResults> {
  const { seed, rounds: roundCount, calmRounds, gateways, isPlanted, log } = options;
  const world = await createWorld(gateways, log);
  const beganAt = nowMs();
  try {
    const { servers } = world;
    await preparePermits(servers.database, isPlanted);
    const fleet = await createProofFleet(servers, seed);
    const perLane = Math.max(DEVICES_MIN, Math.ceil((DEVICES_PER_ROUND * (roundCount + calmRounds)) / LANES));
    const lanes: ProofRollout[] = [];
    for (let lane = 0; lane < LANES; lane++) {
      const region = regionOf(lane);
      const tags = ['dogfood'];
      const about = { deviceType: `lane-${lane}`, count: perLane, salt: `pause-${seed}-${lane}` };
      lanes.push(await fleet.addRollout({ ...about, attributesOf: () => ({ region, tags }) }));
    }
    await runStatement(servers.database, OPEN_CAPS);
    log(`A control plane and ${gateways} gateways in two regions run; ${LANES} rollouts of ${perLane} devices`);

    const told: Told[] = [];
    const rounds: Round[] = [];
    let isOver = false;
    const traffic = lanes.flatMap((rollout, lane) => {
      let next = 0;
      const nextFresh = () => rollout.devices[next++];
      return servers.gateways.map((_, gateway) =>
        askOn({
          ...{ rollout, gateway, nextFresh, region: regionOf(lane), isOver: () => isOver },
          source: prng(`${seed}/traffic/${lane}/${gateway}`),
          tell: (one) => told.push(one),
        }),
      );
    });
    const faults: Promise<void>[] = [];

    async function play(lane: number | 'all', number: number, isCalm: boolean): Promise<void> {
      const source = prng(`${seed}/round/${number}${isCalm ? '/calm' : ''}`);
      await delay(isCalm ? CALM_FLOW_MS : FLOW_MS + below(source, 2 * FLOW_MS));
      if (!isCalm) faults.push(...drawFaults(source, gateways).map((fault) => world.inject(fault)));
      if (!isCalm) await delay(LEAD_MS);
      rounds.push(
        await pauseAndResume(operatorOf(servers), {
          ...namesOf(lane, lanes, source),
          name: `${isCalm ? 'calm' : 'round'} ${number}`,
          isCalm,
        }),
      );
    }

    let [done, batch] = [0, 0];
    const total = calmRounds + roundCount;
    while (done < total) {
      const isCalm = done < calmRounds;
      const left = (isCalm ? calmRounds : total) - done;
      const isGlobal = ++batch % GLOBAL_EVERY === 0;
      const count = isGlobal || isCalm ? 1 : Math.min(LANES, left);
      const first = done + 1;
      await Promise.all(
        Array.from({ length: count }, (_, lane) =>
          play(isGlobal ? 'all' : (first + lane) % LANES, first + lane, isCalm),
        ),
      );
      done += count;
      if (batch % (isCalm ? 50 : 5) === 0) log(`${done} of ${total} rounds, ${told.length} answers`);
    }
    await Promise.all(faults);
    isOver = true;
    await Promise.all(traffic);
    const committed = await loadCommitted(servers.database);
    return { rounds, told, committed, befell: world.befell, tookMs: nowMs() - beganAt };
  } finally {
    await world.remove();
  }
}

function regionOf(lane: number): string {
  return `region-${lane}`;
}

type Names = Pick<Round, 'scope'> & { readonly pause: [string, object]; readonly resume: [string, object] };

function namesOf(lane: number | 'all', lanes: readonly ProofRollout[], source: Prng): Names {
  const rollout = lane === 'all' ? undefined : lanes[lane];
  if (lane === 'all' || rollout === undefined || below(source, 2) === 0) {
    const scope = lane === 'all' ? 'global' : (`region:${regionOf(lane)}` as const);
    return { scope, pause: ['/scopes/pause', { scope }], resume: ['/scopes/resume', { scope }] };
  }
  const path = `/rollouts/${rollout.rolloutId}/events`;
  return {
    scope: `rollout:${rollout.rolloutId}`,
    pause: [path, { event: 'pause' }],
    resume: [path, { event: 'resume' }],
  };
}

interface Asking {
  readonly ask: Ask;
  /** What was said instead of a receipt, last. */
  readonly lastRefusal: () => string;
}

/** Whoever pauses and resumes in one round: what is said to one is not taken for what was said to another. */
function operatorOf({ control, tokens }: World['servers']): Asking {
  let refusal = 'none';
  const hear = (text: string) => {
    refusal = text;
  };
  const ask = asker({ url: control.url, token: tokens.admin, onRefusal: hear, onFault: hear });
  return { ask, lastRefusal: () => refusal };
}

async function pauseAndResume(asking: Asking, round: Names & Pick<Round, 'name' | 'isCalm'>): Promise<Round> {
  const { name, scope, isCalm, pause, resume } = round;
  const askedAt = nowMs();
  const paused = present(await untilReceipt(asking, pause, `pause of ${name}`), 'a receipt: a pause may be repeated');
  const returnedAt = nowMs();
  await delay(isCalm ? CALM_WATCH_MS : WATCH_MS);
  const resumeAskedAt = nowMs();
  await untilReceipt(asking, resume, `end of ${name}`);
  const { receipt, tries, tookMs } = paused;
  const openPermitIds = receipt.openPermits.map(({ permitId }) => permitId);
  return {
    ...{ name, scope, isCalm, askedAt, returnedAt, resumeAskedAt, tries, tookMs, openPermitIds },
    revision: receipt.revision,
  };
}

/**
 * A control plane that is frozen, or whose database is away, gives none: it is asked again. Undefined: what was asked has become
 * so by a request whose answer was lost.
 */
async function untilReceipt({ ask, lastRefusal }: Asking, [path, body]: [string, object], reason: string) {
  for (let tries = 1; tries <= PAUSE_TRIES_MAX; tries++) {
    const began = nowMs();
    const receipt = await ask({ method: 'POST', path, body: { ...body, reason, author: 'proof' }, reader: RECEIPT });
    if (receipt !== undefined) return { receipt, tries, tookMs: nowMs() - began };
    if (tries > 1 && lastRefusal().includes(ENDED_ALREADY)) return undefined;
    await delay(RETRY_MS);
  }
  throw new Error(`No receipt came for the ${reason}; the last answer: ${lastRefusal()}`);
}

interface Receipt {
  readonly revision: number;
  readonly openPermits: readonly { readonly permitId: string }[];
}

const HOLDERS_MAX = 1_000_000;
const openPermits = listOf(record<{ readonly permitId: string }>({ permitId: text({ charactersMax: 128 }) }), {
  countMax: HOLDERS_MAX,
});

/** A resume has no holders of permits to name. */
const RECEIPT = (value: unknown) =>
  record<Receipt>({ revision: whole({ min: 1 }), openPermits })(
    typeof value === 'object' && value !== null && !('openPermits' in value) ? { ...value, openPermits: [] } : value,
  );
