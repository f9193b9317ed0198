// SPDX-License-Identifier: Apache-2.0
import type { Exposure, SegmentExposure } from '@outrider/domain/policy/exposure';
import type { ExposureStore } from '@outrider/domain/policy/ports';
import type { MemoryState } from './state.ts';

export function memoryExposures({ exposures }: MemoryState): ExposureStore {
  return {
    async loadExposures() {
      return [...exposures.values()].sort((a, b) => (a.rolloutId < b.rolloutId ? -1 : 1));
    },
    async loadExposure(rolloutId) {
      return exposures.get(rolloutId);
    },
    async storeExposure(wanted) {
      widenExposure(exposures, wanted);
    },
  };
}

/** Stores what rises; an exposure that is new to the store starts with nothing granted. */
export function widenExposure(exposures: MemoryState['exposures'], wanted: Exposure): void {
  const stored = exposures.get(wanted.rolloutId);
  exposures.set(wanted.rolloutId, stored === undefined ? withNothingGranted(wanted) : widened(stored, wanted));
}

/** Caps fall to what is wanted, when the tests of a halted rollout begin again, and with them goes why it was held. */
export function narrowExposure(exposures: MemoryState['exposures'], wanted: Exposure): void {
  const stored = exposures.get(wanted.rolloutId);
  if (stored === undefined) return;
  const caps = new Map(wanted.segments.map((one) => [one.segment, one.cap]));
  const segments = stored.segments.map((one) => ({ ...one, cap: Math.min(one.cap, caps.get(one.segment) ?? one.cap) }));
  const { holdReason: _, ...kept } = stored;
  const { holdReason } = wanted;
  const why = holdReason === undefined ? {} : { holdReason };
  exposures.set(wanted.rolloutId, { ...kept, cap: Math.min(stored.cap, wanted.cap), segments, ...why });
}

/** `granted` is the ledger's. */
function withNothingGranted(exposure: Exposure): Exposure {
  return { ...exposure, granted: 0, segments: exposure.segments.map((one) => ({ ...one, granted: 0 })) };
}

/** What may fall does not: caps, pi, wave, downloads and completion only rise, whichever of two writers comes last. */
function widened(stored: Exposure, wanted: Exposure): Exposure {
  const isLaterWave = wanted.waveIndex > stored.waveIndex;
  const { holdReason: _, ...kept } = stored;
  return {
    ...kept,
    waveIndex: isLaterWave ? wanted.waveIndex : stored.waveIndex,
    waveStartedAt: isLaterWave ? wanted.waveStartedAt : stored.waveStartedAt,
    pi: Math.max(stored.pi, wanted.pi),
    cap: Math.max(stored.cap, wanted.cap),
    downloadsAllowed: Math.max(stored.downloadsAllowed, wanted.downloadsAllowed),
    isComplete: stored.isComplete || wanted.isComplete,
    segments: widenedSegments(stored.segments, wanted.segments),
    ...(wanted.holdReason === undefined ? {} : { holdReason: wanted.holdReason }),
  };
}

function widenedSegments(
  stored: readonly SegmentExposure[],
  wanted: readonly SegmentExposure[],
): readonly SegmentExposure[] {
  const wantedBySegment = new Map(wanted.map((one) => [one.segment, one]));
  const known = new Set(stored.map((one) => one.segment));
  return [
    ...stored.map((one) => ({ ...one, cap: Math.max(one.cap, wantedBySegment.get(one.segment)?.cap ?? 0) })),
    ...wanted.filter((one) => !known.has(one.segment)).map((one) => ({ ...one, granted: 0 })),
  ];
}
