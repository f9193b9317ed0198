// SPDX-License-Identifier: Apache-2.0

/** Lets a few works run at once; the others wait, in the order in which they came. */
export interface Turns {
  take<T>(work: () => Promise<T>): Promise<T>;
}

export function turns(atOnceMax: number): Turns {
  const waiting: (() => void)[] = [];
  let running = 0;

  return {
    async take(work) {
      // Who is woken has been given the place of the one before: the count does not fall in between.
      if (running >= atOnceMax) await new Promise<void>((resolve) => waiting.push(resolve));
      else running++;
      try {
        return await work();
      } finally {
        const next = waiting.shift();
        if (next === undefined) running--;
        else next();
      }
    },
  };
}
