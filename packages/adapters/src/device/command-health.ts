// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join, resolve as resolvePath } from 'node:path';
import type { Boot, Health, HealthVerdict } from '@outrider/domain/device/ports';
import { unpackImage } from '../shared/image.ts';
import { deviceFolders, imagePath } from './device-folders.ts';

/** How the running image is judged. */
export interface CommandHealthOptions {
  /** The device's data folder. */
  readonly folder: string;
  readonly boot: Boot;
  /** The component whose image holds `launcher`. */
  readonly component: string;
  readonly hardwareId: string;
  readonly launcherArguments: readonly string[];
  /** What the launcher finds in its environment, beside OUTRIDER_HARDWARE_ID. */
  readonly environment: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

/**
 * Unpacks the image of the running slot into a run folder and runs its `launcher`: exit code 0 within the time limit is
 * healthy. What it prints is captured, and the tail goes into the verdict. It is given no network of its own.
 */
export function commandHealth(options: CommandHealthOptions): Health {
  return {
    async check() {
      const { running } = await options.boot.state();
      // Absolute: the launcher is started in this folder, where a relative path would name something else.
      const runFolder = resolvePath(options.folder, 'run');
      await rm(runFolder, { recursive: true, force: true });
      const path = imagePath(deviceFolders(options.folder), running, options.component);
      const unpacked = await unpackImage(createReadStream(path), runFolder);
      if (!unpacked.ok) return { isHealthy: false, detail: `${unpacked.error.code}: ${unpacked.error.detail}` };
      return launch(runFolder, options);
    },
  };
}

/** Long enough for a slow device's first start, short enough that three tries end within five minutes. */
const TIMEOUT_MS = 60_000;

/** The tail of the output that is kept: what a report can carry. */
const OUTPUT_BYTES_MAX = 1_500;

function launch(runFolder: string, options: CommandHealthOptions): Promise<HealthVerdict> {
  const timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
  return new Promise((resolve) => {
    const child = spawn(join(runFolder, 'launcher'), options.launcherArguments, {
      cwd: runFolder,
      env: { ...options.environment, OUTRIDER_HARDWARE_ID: options.hardwareId },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own, so that what it started can be ended with it.
      detached: true,
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
    });
    let output = Buffer.alloc(0);
    const keepTail = (part: Buffer) => {
      output = Buffer.concat([output, part]).subarray(-OUTPUT_BYTES_MAX);
    };
    child.stdout.on('data', keepTail);
    child.stderr.on('data', keepTail);
    const end = (isHealthy: boolean, what: string) => {
      child.stdout.destroy();
      child.stderr.destroy();
      resolve({ isHealthy, detail: `${what}\n${output.toString('utf8')}`.trim() });
    };
    child.on('error', (cause) => end(false, `The launcher could not be started: ${cause.message}`));
    child.on('exit', (code, signal) => {
      endGroup(child.pid);
      const isHealthy = code === 0;
      const what =
        signal === null
          ? `The launcher ended with exit code ${code}`
          : `The launcher was ended by ${signal}: it has ${timeoutMs} ms to judge its own health and end with exit code 0`;
      // The pipes close with the last process that holds them; one that left the group must not hold the verdict.
      child.on('close', () => end(isHealthy, what));
      AbortSignal.timeout(LAST_OUTPUT_MS).addEventListener('abort', () => end(isHealthy, what));
    });
  });
}

/** Reading what is already in the pipes takes milliseconds. */
const LAST_OUTPUT_MS = 1_000;

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // ESRCH: nobody is left in the group, as it should be.
  }
}
