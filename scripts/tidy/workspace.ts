// SPDX-License-Identifier: Apache-2.0
import type { TextFile } from './tree.ts';

/** One package.json of the tree. */
export interface Workspace {
  /** Its folder, for example `packages/domain`; empty for the root. */
  readonly folder: string;
  /** For example `@outrider/domain`. */
  readonly name: string;
  readonly exports: readonly string[];
  readonly dependencies: readonly string[];
  readonly devDependencies: readonly string[];
  readonly optionalDependencies: readonly string[];
}

/** The scope of our own packages. */
export const OWN_SCOPE = '@outrider/';

/** Reads the root's manifest and those of `packages/*` and `apps/*`; a malformed one throws with its path. */
export function readManifests(texts: readonly TextFile[]): readonly Workspace[] {
  return texts
    .filter(({ path }) => /^((packages|apps)\/[^/]+\/)?package\.json$/.test(path))
    .map(({ path, text }) => {
      const manifest = asRecord(JSON.parse(text));
      return {
        folder: path === 'package.json' ? '' : path.slice(0, -'/package.json'.length),
        name: String(manifest.name),
        exports: Object.keys(asRecord(manifest.exports)),
        dependencies: Object.keys(asRecord(manifest.dependencies)),
        devDependencies: Object.keys(asRecord(manifest.devDependencies)),
        optionalDependencies: Object.keys(asRecord(manifest.optionalDependencies)),
      };
    });
}

/** The workspace a file lies in: `packages/x`, `apps/x`, or the folder at the root (`scripts`, `bench`, `scenarios`). */
export function placeOf(path: string): string {
  const [first = '', second = ''] = path.split('/');
  return first === 'packages' || first === 'apps' ? `${first}/${second}` : first;
}

/** Splits `@outrider/domain/kernel/ids` into the package's name and the subpath `./kernel/ids`. */
export function splitSpecifier(specifier: string): { readonly name: string; readonly subpath: string } {
  const parts = specifier.split('/');
  const length = specifier.startsWith('@') ? 2 : 1;
  const rest = parts.slice(length);
  return { name: parts.slice(0, length).join('/'), subpath: rest.length === 0 ? '.' : `./${rest.join('/')}` };
}

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
