// SPDX-License-Identifier: Apache-2.0
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { wallClock } from '@outrider/adapters/shared/clock';
import { createFolder, errorCode, readTextIfPresent, writeFileDurably } from '@outrider/adapters/shared/files';
import type { MachineClock } from '@outrider/domain/kernel/clock';
import { describeParseError } from '@outrider/protocol/kernel/parse-error';
import type { LiveView } from '../live/terminal.ts';
import { startServer } from '../process/server-process.ts';
import { encodeWorld, parseWorld, type World } from '../world/world.ts';
import { DemoFault } from './fault.ts';
import type { DemoFlags } from './flags.ts';
import { type DemoFolders, demoFolders } from './folders.ts';
import { demoWorld } from './products.ts';
import { loadApprovers, loadReleaseSigners, settleTrust } from './release-keys.ts';
import type { DemoReport } from './report.ts';
import { demoRound } from './round.ts';

/** The demonstration with its server running. */
export interface Demo {
  readonly url: string;
  readonly serverFolder: string;
  /** Plays the next round on the same data. */
  play(): Promise<DemoReport>;
  /** Stops agents and server. */
  close(): Promise<void>;
}

/** Only the owner: keys lie there. */
const FOLDER_MODE = 0o700;

/** Prepares the folders, starts the server, and counts the round. Throws DemoFault and ServerStartError. */
export async function openDemo(
  flags: DemoFlags,
  shown: { readonly view: LiveView; readonly machineClock: MachineClock },
): Promise<Demo> {
  const folders = demoFolders(flags.dataFolder);
  await createFolders(folders);
  const signers = await loadReleaseSigners(folders.keys);
  const approvers = await loadApprovers(folders.keys);
  const house = await settleTrust(folders.server, { signers, approvers }, wallClock().now());
  const logPath = join(folders.logs, 'server.log');
  // It refuses a folder on which another one runs: what comes after it has the folder for itself.
  const server = await startServer({ dataFolder: folders.server, logPath, port: flags.port });
  try {
    const number = await nextRound(folders);
    const world = await settleWorld(folders, number, flags.seed ?? String(number));
    const { deviceCount } = flags;
    const round = demoRound({ number, world, deviceCount, folders, server, house, approvers, ...shown });
    return {
      url: server.url,
      serverFolder: folders.server,
      play: round.play,
      async close() {
        await round.stop();
        await server.child.stop();
      },
    };
  } catch (cause) {
    await server.child.stop();
    throw cause;
  }
}

async function createFolders(folders: DemoFolders): Promise<void> {
  for (const folder of Object.values(folders)) {
    try {
      await createFolder(folder, FOLDER_MODE);
    } catch (cause) {
      const code = errorCode(cause);
      if (code === undefined) throw cause;
      throw new DemoFault(`The data folder ${folders.root} cannot be used (${code}); choose another with --data`, {
        cause,
      });
    }
  }
}

/** Rounds are counted when they begin: what a cut one left behind is never taken for a new one's. */
async function nextRound(folders: DemoFolders): Promise<number> {
  const path = join(folders.root, 'round');
  const text = (await readTextIfPresent(path)) ?? '0';
  if (!/^\d{1,9}\n?$/.test(text)) {
    throw new DemoFault(
      `The file ${path} holds ${text.slice(0, 40)}, a whole number is needed; remove it or choose another --data`,
    );
  }
  const number = Number(text) + 1;
  await writeFileDurably(path, `${number}\n`);
  // The devices of earlier rounds are gone, and so is what they had on their disks.
  await rm(folders.agents, { recursive: true, force: true });
  await createFolder(folders.agents, FOLDER_MODE);
  return number;
}

/** The world lies where the server never looks, and is read from there: what the file says is what is true. */
async function settleWorld(folders: DemoFolders, number: number, seed: string): Promise<World> {
  const path = join(folders.world, `round-${number}.json`);
  const text = encodeWorld(demoWorld(seed));
  await writeFileDurably(path, `${text}\n`);
  const parsed = parseWorld(text);
  if (parsed.ok) return parsed.value;
  throw new DemoFault(`The world file ${path} is malformed: ${describeParseError(parsed.error)}`);
}
