// SPDX-License-Identifier: Apache-2.0
import type { BackupProgress } from '@outrider/adapters/server/backup/write-backup';
import { monotonicClock } from '@outrider/adapters/shared/clock';
import { elapsedMs } from '@outrider/domain/kernel/time';
import { CommandFailure } from './failure.ts';
import type { World } from './world.ts';

/** A person who waits wants to see that it goes on; a small installation is done before the first line. */
const LINE_EVERY_MS = 2_000;

/** Tells on standard error what a backup or a restore is at, and ends it when it is interrupted. */
export function backupProgress(world: World): (progress: BackupProgress) => void {
  const signal = world.interruption();
  const clock = monotonicClock();
  let toldAt = clock.now();
  return (progress) => {
    if (signal.aborted) {
      throw new CommandFailure('failed', 'It was interrupted: nothing of it was kept', { code: 'interrupted' });
    }
    const now = clock.now();
    if (elapsedMs(toldAt, now) < LINE_EVERY_MS) return;
    toldAt = now;
    world.log(lineOf(progress));
  };
}

function lineOf({ step, name, bytes, done, total }: BackupProgress): string {
  const size = bytesText(bytes);
  switch (step) {
    case 'verify':
      return `Verified ${done} parts, ${size}`;
    case 'table':
      return `Table ${name}: ${size}`;
    case 'blobs':
      return `Blobs: ${done} of ${total}, ${size}`;
  }
}

/** A length for people, in the units of disks. */
export function bytesText(bytes: number): string {
  for (const [unit, size] of UNITS) if (bytes >= size) return `${(bytes / size).toFixed(1)} ${unit}`;
  return `${bytes} bytes`;
}

const UNITS = [
  ['GB', 1_000_000_000],
  ['MB', 1_000_000],
  ['kB', 1_000],
] as const;
