// SPDX-License-Identifier: Apache-2.0
import type { Figure, MeasureOptions } from '../bench/figures.ts';
import { type Attack, AttackFailure } from './attacks/attack.ts';
import { ATTACKS_ON_BYTES } from './attacks/on-bytes.ts';
import { ATTACKS_ON_CHARTERS } from './attacks/on-charters.ts';
import { ATTACKS_ON_CLAIMS } from './attacks/on-claims.ts';
import { ATTACKS_ON_DATABASES } from './attacks/on-databases.ts';
import { ATTACKS_ON_EVIDENCE } from './attacks/on-evidence.ts';
import { ATTACKS_ON_FRESHNESS } from './attacks/on-freshness.ts';
import { ATTACKS_ON_PERMITS } from './attacks/on-permits.ts';
import { ATTACKS_ON_RELEASES } from './attacks/on-releases.ts';
import { ATTACKS_ON_TIME } from './attacks/on-time.ts';
import { createScene } from './attacks/scene.ts';
import { createStage, type Stage } from './attacks/stage.ts';

export const name = 'attacks';

const ATTACKS: readonly Attack[] = [
  ...ATTACKS_ON_RELEASES,
  ...ATTACKS_ON_FRESHNESS,
  ...ATTACKS_ON_BYTES,
  ...ATTACKS_ON_PERMITS,
  ...ATTACKS_ON_CHARTERS,
  ...ATTACKS_ON_DATABASES,
  ...ATTACKS_ON_TIME,
  ...ATTACKS_ON_EVIDENCE,
  ...ATTACKS_ON_CLAIMS,
];

export const flags = {
  from: { sentence: 'the number of the first attack to play', default: 1, min: 1, max: 1_000 },
  to: { sentence: 'the number of the last attack to play', default: 1_000, min: 1, max: 1_000 },
} as const;

/** Every attack of the list, on a real agent and a real server with its PostgreSQL: a row for each, with its name. */
export async function run({ log, flags: given }: MeasureOptions): Promise<readonly Figure[]> {
  const { from = flags.from.default, to = flags.to.default } = given;
  const chosen = ATTACKS.slice(from - 1, to);
  const stage = await createStage();
  try {
    const figures: Figure[] = [];
    for (const [index, attack] of chosen.entries()) {
      const figure = await playOne(stage, attack);
      log(`${from + index} of ${ATTACKS.length}  ${figure.holds ? 'refused' : 'CAME THROUGH'}  ${figure.figure}`);
      figures.push(chosen.length === ATTACKS.length ? figure : { ...figure, isReduced: true });
    }
    return figures;
  } finally {
    await stage.remove();
  }
}

async function playOne(stage: Stage, attack: Attack): Promise<Figure> {
  const { name: title, play, ...options } = attack;
  const row = (holds: boolean, seen: string): Figure => ({
    figure: `${title}: ${seen}`,
    value: holds ? 1 : 0,
    unit: 'yes/no',
    goal: 'refused by name',
    holds,
  });
  const scene = await createScene(stage, options);
  try {
    return row(true, await play(scene));
  } catch (cause) {
    if (cause instanceof AttackFailure) return row(false, cause.message);
    return row(false, `it could not be played: ${cause instanceof Error ? cause.message : String(cause)}`);
  } finally {
    await scene.close();
  }
}
