// SPDX-License-Identifier: Apache-2.0
import { delay } from '@outrider/adapters/shared/delay';
import type { Sha256 } from '@outrider/domain/kernel/ids';
import { hours, minutes } from '@outrider/domain/kernel/time';
import { createProvingGround, type Held, type ProvingGround } from '@outrider/simulator/compose';
import { type Findings, inspect, type Looked, noFindings, sum } from './inspect.ts';
import { type PlannedKill, planKills, type Strike } from './plan.ts';
import { deliver } from './strike.ts';

/** What all kills together showed. */
export interface KillResults {
  readonly kills: number;
  /** Processes that SIGKILL cut off: some blows cut off two. */
  readonly processes: number;
  readonly byKind: ReadonlyMap<Strike['kind'], number>;
  readonly findings: Findings;
  readonly blobsMissing: number;
  readonly recounts: number;
  readonly recountsDiffering: number;
  /** From the last blow until something new was written durably, ascending. */
  readonly recoveriesMs: readonly number[];
  readonly held: Held;
  readonly pauses: ReturnType<ProvingGround['pauses']>;
  readonly replay: Awaited<ReturnType<ProvingGround['replay']>>;
  readonly durability: Readonly<Record<string, string>>;
  readonly refusals: readonly string[];
}

/** Fleet time between two kills: some hundreds of two thousand devices are due then. */
const BETWEEN_KILLS_MS = minutes(90);
/** Before the first kill, until the first ten are confirmed and permits flow. */
const WARM_UP_STEPS = 4;
const WARM_UP_MS = hours(5);
/** A round whose traffic ended before its moment came: the blow falls then. */
const MOMENT_POLL_MS = 2;
const MOMENT_MS_MAX = 4_000;

/** Plays a rollout and kills in each round, then asks for everything. */
export async function playKills(options: {
  readonly seed: string;
  readonly kills: number;
  readonly deviceCount: number;
  readonly log: (line: string) => void;
}): Promise<KillResults> {
  const { seed, kills, deviceCount, log } = options;
  let answers = 0;
  const onAnswer = () => {
    answers++;
  };
  log(`A fleet of ${deviceCount} devices is registered`);
  const ground = await createProvingGround({ seed, deviceCount, onAnswer });
  try {
    const durability = await durabilityOf(ground);
    for (let step = 0; step < WARM_UP_STEPS; step++) await ground.round(WARM_UP_MS, async () => {});
    let looked: Looked = { findings: noFindings(), caps: new Map() };
    let [processes, blobsMissing, recounts, recountsDiffering] = [0, 0, 0, 0];
    const recoveriesMs: number[] = [];
    const byKind = new Map<Strike['kind'], number>();
    const blobsSeen = new Set<Sha256>();
    for (const planned of planKills(seed, kills)) {
      const { strike } = planned;
      answers = 0;
      let cutOff = 0;
      let tookMs = 0;
      await ground.round(BETWEEN_KILLS_MS, async () => {
        await untilMoment(planned, () => answers);
        cutOff = await deliver(ground.installation, strike);
        tookMs = await ground.untilServing();
      });
      const lookedNow = inspect(await ground.facts(), ground.held, looked.caps);
      looked = { findings: sum(looked.findings, lookedNow.findings), caps: lookedNow.caps };
      blobsMissing += await missingSince(ground, blobsSeen);
      const isEqual = await ground.isRecountEqual();
      if (isEqual !== undefined) recounts++;
      if (isEqual === false) recountsDiffering++;
      processes += cutOff;
      recoveriesMs.push(tookMs);
      byKind.set(strike.kind, (byKind.get(strike.kind) ?? 0) + 1);
      log(lineOf(planned, kills, { tookMs, ground, findings: looked.findings }));
    }
    blobsMissing += await ground.missingBlobs(ground.held.blobs);
    return {
      kills,
      processes,
      byKind,
      findings: looked.findings,
      blobsMissing,
      recounts,
      recountsDiffering,
      recoveriesMs: recoveriesMs.toSorted((a, b) => a - b),
      held: ground.held,
      pauses: ground.pauses(),
      replay: await ground.replay(),
      durability,
      refusals: ground.refusals(),
    };
  } finally {
    await ground.remove();
  }
}

async function untilMoment({ moment }: PlannedKill, answers: () => number): Promise<void> {
  if (moment.kind === 'milliseconds') return delay(moment.delayMs);
  for (let waitedMs = 0; answers() < moment.count && waitedMs < MOMENT_MS_MAX; waitedMs += MOMENT_POLL_MS) {
    await delay(MOMENT_POLL_MS);
  }
}

/** Blobs acknowledged since the look before; all of them are looked at once more in the end. */
async function missingSince(ground: ProvingGround, seen: Set<Sha256>): Promise<number> {
  const fresh = [...ground.held.blobs].filter((digest) => !seen.has(digest));
  for (const digest of fresh) seen.add(digest);
  return await ground.missingBlobs(fresh);
}

async function durabilityOf(ground: ProvingGround): Promise<Readonly<Record<string, string>>> {
  const store = await ground.installation.rawStore();
  try {
    return await store.durability();
  } finally {
    await store.close();
  }
}

function lineOf(
  { number, strike, moment }: PlannedKill,
  kills: number,
  seen: { readonly tookMs: number; readonly ground: ProvingGround; readonly findings: Findings },
): string {
  const { tookMs, ground, findings } = seen;
  const { held } = ground;
  const at = moment.kind === 'answers' ? `after ${moment.count} answers` : `after ${moment.delayMs} ms`;
  const wrong = Object.entries(findings).filter(([, count]) => count > 0);
  const found = wrong.length === 0 ? '' : `; FOUND ${wrong.map(([name, count]) => `${name} ${count}`).join(', ')}`;
  return (
    `Kill ${number} of ${kills}: ${strike.kind} ${at}, back in ${Math.round(tookMs)} ms; held: ` +
    `${held.permitIds.size} permits, ${held.reportKeys.size} reports, ${held.entries.size} revisions, ` +
    `${held.keyIds.size} registrations, ${held.releases.size} releases, ${held.blobs.size} blobs${found}`
  );
}
