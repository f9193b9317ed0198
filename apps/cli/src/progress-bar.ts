// SPDX-License-Identifier: Apache-2.0
import type { World } from './world.ts';

/** A bar on standard error for whoever waits at a terminal; nowhere else is anything drawn. */
export interface ProgressBar {
  /** `done` of `total`, when the total is known. */
  show(done: number, total: number | undefined): void;
  /** Takes the bar away, so that the next line begins at the left. */
  end(): void;
}

/** Characters of the bar itself: with its text it fits into 80 columns. */
const BAR_CHARACTERS = 30;

/** A fast run would draw thousands of times; a person sees every hundredth part of the way. */
const STEPS = 100;

/** `what` is what is counted, for example `devices`. */
export function progressBar(world: World, what: string): ProgressBar {
  const { progress } = world;
  let shown = '';
  return {
    show(done, total) {
      if (progress === undefined) return;
      const line = total === undefined ? `${done} ${what}` : barOf(done, total, what);
      if (line !== shown) progress(line);
      shown = line;
    },
    end() {
      if (shown !== '') progress?.('');
      shown = '';
    },
  };
}

function barOf(done: number, total: number, what: string): string {
  const share = total === 0 ? 1 : Math.min(1, done / total);
  const percent = Math.floor(share * STEPS);
  const filled = Math.floor((percent / STEPS) * BAR_CHARACTERS);
  return `[${'#'.repeat(filled)}${'.'.repeat(BAR_CHARACTERS - filled)}] ${percent} % of ${total} ${what}`;
}
