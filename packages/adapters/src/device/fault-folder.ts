// SPDX-License-Identifier: Apache-2.0
import { open, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type FleetInstant, fleetInstant } from '@outrider/domain/kernel/time';
import { createFolder, errorCode } from '../shared/files.ts';

/** A crash, a sensor fault or a word of the driver that the device's own software has left a note of. */
export interface NotedFault {
  readonly event: NotedEvent;
  /** When the note was written, on the device's clock. */
  readonly at: FleetInstant;
  readonly detail: string;
}

export type NotedEvent = (typeof NOTED_EVENTS)[number];

/**
 * Where a device's software tells the agent what went wrong: it puts a file named `crash-<anything>`,
 * `sensor-fault-<anything>` or `driver-flag-<anything>` into `<data>/faults`, written elsewhere and renamed into it, with what
 * there is to tell inside.
 */
export interface FaultFolder {
  /** Hands over each note, oldest first, and removes it once `take` has made it durable. Answers how many there were. */
  takeAll(take: (fault: NotedFault) => Promise<void>): Promise<number>;
}

/** Notes of one round: more would push older reports out of the queue before they are sent. */
const NOTES_MAX = 32;
/** The tail of a log tells more than its head; a report carries as much. */
const DETAIL_BYTES_MAX = 2_048;
const FOLDER = 'faults';
const NOTED_EVENTS = ['crash', 'sensor-fault', 'driver-flag'] as const;

export async function openFaultFolder(dataFolder: string): Promise<FaultFolder> {
  const folder = join(dataFolder, FOLDER);
  await createFolder(folder, 0o775);
  return {
    async takeAll(take) {
      const names = (await readdir(folder)).filter((name) => eventOf(name) !== undefined);
      const notes: { readonly path: string; readonly fault: NotedFault }[] = [];
      for (const name of names.sort().slice(0, NOTES_MAX)) {
        const path = join(folder, name);
        const event = eventOf(name);
        const fault = event && (await readNote(path, event));
        if (fault !== undefined) notes.push({ path, fault });
      }
      for (const { path, fault } of notes.sort((a, b) => a.fault.at - b.fault.at)) {
        await take(fault);
        await rm(path, { force: true });
      }
      return notes.length;
    },
  };
}

/**
 * Leaves a note for the agent of this data folder, whole or not at all. `name` makes it unique among those of its kind. Throws
 * when the folder is none of an agent.
 */
export async function leaveNote(dataFolder: string, event: NotedEvent, { name, detail }: NoteText): Promise<void> {
  const unfinished = join(dataFolder, `${event}-${name}.unfinished`);
  await writeFile(unfinished, detail, { flag: 'wx' });
  await rename(unfinished, join(dataFolder, FOLDER, `${event}-${name}`));
}

export interface NoteText {
  readonly name: string;
  readonly detail: string;
}

/** The kind of a note, from its name: `<kind>-<anything>`. */
function eventOf(name: string): NotedEvent | undefined {
  return NOTED_EVENTS.find((event) => name.startsWith(`${event}-`) && name.length > event.length + 1);
}

/** Undefined for what is no file, or is gone: whoever wrote it may take it back. */
async function readNote(path: string, event: NotedFault['event']): Promise<NotedFault | undefined> {
  try {
    const found = await stat(path);
    if (!found.isFile()) return undefined;
    const { mtimeMs, size } = found;
    const file = await open(path, 'r');
    try {
      const length = Math.min(size, DETAIL_BYTES_MAX);
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length);
      const detail = buffer.subarray(0, bytesRead).toString('utf8');
      return { event, at: fleetInstant(Math.max(0, Math.floor(mtimeMs))), detail };
    } finally {
      await file.close();
    }
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return undefined;
    throw cause;
  }
}
