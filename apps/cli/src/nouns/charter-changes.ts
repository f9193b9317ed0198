// SPDX-License-Identifier: Apache-2.0
import { type FleetInstant, fleetInstant } from '@outrider/domain/kernel/time';
import { type CharterDocument, THRESHOLD_WHOLE } from '@outrider/domain/policy/charter';
import { usageFailure } from '../failure.ts';

/** What a person changes in the charter that the server has drawn up. */
export interface ChangeFlags {
  readonly notBefore?: readonly string[];
  readonly threshold?: readonly string[];
  readonly expires?: string;
  readonly groups?: number;
}

/** The charter with what the flags say; waves after one that begins later begin no earlier. */
export function changedBy(document: CharterDocument, flags: ChangeFlags): CharterDocument {
  const begins = byWave(document, flags.notBefore ?? [], instantOf);
  const shares = byWave(document, flags.threshold ?? [], thresholdOf);
  let latest = 0;
  const waves = document.waves.map((wave, index) => {
    latest = Math.max(latest, begins.get(index) ?? wave.notBefore);
    const threshold = shares.get(index);
    return { ...wave, notBefore: fleetInstant(latest), ...(threshold === undefined ? {} : { threshold }) };
  });
  return {
    ...document,
    waves,
    ...(flags.expires === undefined ? {} : { expiresAt: instantOf(flags.expires) }),
    ...(flags.groups === undefined ? {} : { groups: flags.groups }),
  };
}

function byWave<T>(
  { waves }: CharterDocument,
  flags: readonly string[],
  read: (text: string) => T,
): ReadonlyMap<number, T> {
  return new Map(
    flags.map((flag) => {
      const [name = '', text = ''] = flag.split('=');
      const index = waves.findIndex((wave) => wave.name === name);
      if (index !== -1) return [index, read(text)];
      throw usageFailure(`${flag} names no wave; the waves are ${waves.map((wave) => wave.name).join(', ')}`);
    }),
  );
}

function instantOf(text: string): FleetInstant {
  const ms = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isFinite(ms) && ms >= 0) return fleetInstant(ms);
  throw usageFailure(`${text} is no instant; allowed is UTC to the second, for example 2026-12-01T06:00:00Z`);
}

function thresholdOf(text: string): number {
  const percent = /^\d{1,3}(\.\d{1,6})?$/.test(text) ? Number(text) : Number.NaN;
  if (percent >= 0 && percent <= 100) return Math.floor((percent * THRESHOLD_WHOLE) / 100);
  throw usageFailure(`${text} is no share; allowed is a number of percent from 0 to 100`);
}
