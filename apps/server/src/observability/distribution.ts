// SPDX-License-Identifier: Apache-2.0

/**
 * Counts values in fixed buckets: some ten nanoseconds a value, whatever their number, so that it may stand on the way of
 * every request. Two readings taken apart give what lay between them.
 */
export interface Distribution {
  /** Upper bounds of the buckets, ascending; one more bucket holds what is above the last. */
  readonly bounds: readonly number[];
  observe(value: number): void;
  read(): DistributionReading;
}

/** What a distribution held at one moment. */
export interface DistributionReading {
  /** Values in each bucket, not added up; one more than there are bounds. */
  readonly counts: readonly number[];
  readonly sum: number;
}

export function createDistribution(bounds: readonly number[]): Distribution {
  const counts = new Array<number>(bounds.length + 1).fill(0);
  let sum = 0;
  return {
    bounds,
    observe(value) {
      const bucket = bucketOf(bounds, value);
      counts[bucket] = (counts[bucket] ?? 0) + 1;
      sum += value;
    },
    read: () => ({ counts: [...counts], sum }),
  };
}

/** What came between two readings of the same distribution. */
export function readingBetween(
  earlier: DistributionReading | undefined,
  later: DistributionReading,
): DistributionReading {
  if (earlier === undefined) return later;
  return {
    counts: later.counts.map((count, bucket) => count - (earlier.counts[bucket] ?? 0)),
    sum: later.sum - earlier.sum,
  };
}

/** How many values a reading holds. */
export function totalOf({ counts }: DistributionReading): number {
  return counts.reduce((total, one) => total + one, 0);
}

/**
 * The value below which this share lies, interpolated in its bucket; undefined without any value. What lies above the last
 * bound is told as that bound: it is at least so much.
 */
export function quantileOf(bounds: readonly number[], reading: DistributionReading, share: number): number | undefined {
  const total = totalOf(reading);
  if (total === 0) return undefined;
  const rank = share * total;
  let below = 0;
  for (const [bucket, count] of reading.counts.entries()) {
    if (count > 0 && below + count >= rank) {
      const from = bucket === 0 ? 0 : (bounds[bucket - 1] ?? 0);
      const to = bounds[bucket] ?? from;
      return from + (to - from) * ((rank - below) / count);
    }
    below += count;
  }
  return bounds.at(-1);
}

/** By bisection: the first bucket whose bound is not below the value. */
function bucketOf(bounds: readonly number[], value: number): number {
  let low = 0;
  let high = bounds.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((bounds[middle] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
