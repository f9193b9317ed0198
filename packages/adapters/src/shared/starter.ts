// SPDX-License-Identifier: Apache-2.0
import process from 'node:process';

/** Says to a program of ours which process started it and wants it to end with itself; a server started by itself has none. */
const STARTER_VARIABLE = 'OUTRIDER_STARTER_PID';

/** The environment of a child that is to end when this process is gone, however it ended. */
export function tiedEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env, [STARTER_VARIABLE]: String(process.pid) };
}

/**
 * Sends this process a SIGTERM once the process that started it is gone, if it was started with `tiedEnvironment`: a killed process
 * cannot tell its children. Takes the variable out of the environment, so that nobody else believes to be meant.
 */
export function endWithStarter(): void {
  const starter = process.env[STARTER_VARIABLE];
  delete process.env[STARTER_VARIABLE];
  if (starter === undefined) return;
  const timer = setInterval(() => {
    // An orphan is handed to another process at once.
    if (String(process.ppid) === starter) return;
    clearInterval(timer);
    process.kill(process.pid, 'SIGTERM');
  }, LOOK_EVERY_MS);
  timer.unref();
}

const LOOK_EVERY_MS = 500;
