// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import process from 'node:process';
import { runProgram } from '../../scripts/step.ts';
import { ENGINES_FOLDER } from '../engines-folder.ts';

/** A package of Debian with the libraries it needs, as files: nothing is installed on this machine. */
export interface DebianPackage {
  readonly version: string;
  readonly files: readonly string[];
}

/**
 * Fetches a package at a pinned version once into `.engines/`; when the mirror has dropped that version, the newest that it
 * has and that begins with `series`. Throws an Error that says what to install where there is no apt.
 */
export async function fromDebian(wanted: {
  readonly name: string;
  readonly version: string;
  readonly series: string;
}): Promise<DebianPackage> {
  const { name, version, series } = wanted;
  const home = join(ENGINES_FOLDER, 'debian');
  mkdirSync(home, { recursive: true });
  const known = readdirSync(home).filter((one) => one.startsWith(`${name}=${series}`) && !one.includes('.half-'));
  const held = known.find((one) => one === `${name}=${version}`) ?? known.at(-1);
  if (held !== undefined) return packageIn(join(home, held));
  const apt = await findApt(home, name, series);
  const offered = await versionsOf(apt, name, series);
  const chosen = offered.includes(version) ? version : offered[0];
  if (chosen === undefined) throw missing(name, series, 'apt offers none');
  const files = join(home, `${name}=${chosen}`);
  await download(apt, await closure(apt, `${name}=${chosen}`), files);
  return packageIn(files);
}

function packageIn(folder: string): DebianPackage {
  const [, version = ''] = basename(folder).split('=');
  return {
    version,
    files: readdirSync(folder)
      .filter((one) => one.endsWith('.deb'))
      .map((one) => join(folder, one)),
  };
}

/** apt-get's options: whose lists it reads. */
type Apt = readonly string[];

/** The machine's own lists if they know the package; else lists of our own below `.engines/`, which any user may fetch. */
async function findApt(home: string, name: string, series: string): Promise<Apt> {
  const sandbox = process.getuid?.() === 0 ? ['-o', 'APT::Sandbox::User=root'] : [];
  if ((await versionsOf(sandbox, name, series)).length > 0) return sandbox;
  const [lists, cache] = [join(home, 'lists'), join(home, 'cache')];
  for (const folder of [join(lists, 'partial'), join(cache, 'archives', 'partial')])
    mkdirSync(folder, { recursive: true });
  const own = [...sandbox, '-o', `Dir::State::lists=${lists}`, '-o', `Dir::Cache=${cache}`];
  const { code, output } = await runProgram(home, 'apt-get', [...own, 'update']);
  if (code !== 0) throw missing(name, series, `\`apt-get update\` ended with ${code}: ${output}`);
  return own;
}

/** Newest first. */
async function versionsOf(apt: Apt, name: string, series: string): Promise<readonly string[]> {
  const { code, output } = await runProgram('/', 'apt-cache', [...apt, 'madison', name]);
  if (code !== 0) return [];
  return output.split('\n').flatMap((line) => {
    const version = line.split('|')[1]?.trim();
    return version?.startsWith(series) ? [version] : [];
  });
}

/** All that would be installed on a machine with nothing on it, so that the same is fetched everywhere. */
async function closure(apt: Apt, wanted: string): Promise<readonly string[]> {
  const nothing = join(mkdtempSync(join(ENGINES_FOLDER, 'nothing-')), 'status');
  writeFileSync(nothing, '');
  try {
    const flags = ['-o', `Dir::State::status=${nothing}`, '--simulate', '--no-install-recommends'];
    const { code, output } = await runProgram('/', 'apt-get', [...apt, ...flags, 'install', wanted]);
    if (code !== 0) throw new Error(`apt does not know what ${wanted} needs: ${output}`);
    return output.split('\n').flatMap((line) => {
      const [, name = '', version = ''] = /^Inst (\S+) \((\S+)/.exec(line) ?? [];
      const isNeeded = IS_NEEDED.test(name) || name === wanted.split('=')[0];
      return isNeeded && !IS_OF_THE_SYSTEM.test(name) ? [`${name}=${version}`] : [];
    });
  } finally {
    rmSync(join(nothing, '..'), { recursive: true });
  }
}

/** Beside what is wanted: programs of PostgreSQL and libraries; what else a system consists of (users, locales, perl) is not needed to run them. */
const IS_NEEDED = /^(postgresql-(client-)?\d+$|lib)/;
/** The C library belongs to the machine's own loader, and another one breaks every program. */
const IS_OF_THE_SYSTEM = /^libc6|^libc-|perl/;

/** Whole or not at all. */
async function download(apt: Apt, packages: readonly string[], folder: string): Promise<void> {
  const half = mkdtempSync(`${folder}.half-`);
  const { code, output } = await runProgram(half, 'apt-get', [...apt, 'download', ...packages]);
  if (code !== 0) {
    rmSync(half, { recursive: true });
    throw new Error(`\`apt-get download\` ended with ${code}: ${output}`);
  }
  if (existsSync(folder)) rmSync(half, { recursive: true });
  else renameSync(half, folder);
}

function missing(name: string, series: string, finding: string): Error {
  return new Error(
    `The package ${name} ${series} cannot be fetched (${finding}): run this on Debian 12 with apt, whose sources have it`,
  );
}
