// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { readSpecifiers, type Specifier } from './specifiers.ts';
import { type Token, tokenize } from './tokens.ts';
import { readManifests, type Workspace } from './workspace.ts';

/** Everything the rules look at, read once. */
export interface Tree {
  /** TypeScript and plain JavaScript modules. */
  readonly sources: readonly SourceFile[];
  /** All text files, sources included: for rules about words. */
  readonly texts: readonly TextFile[];
  readonly workspaces: readonly Workspace[];
}

export interface TextFile {
  /** From the root, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

export interface SourceFile extends TextFile {
  readonly tokens: readonly Token[];
  /** The tokens without comments. */
  readonly code: readonly Token[];
  readonly specifiers: readonly Specifier[];
  readonly isTest: boolean;
}

/** What is made or brought, not written: installed packages, build notes, data of runs. */
const SKIPPED_FOLDERS = new Set(['node_modules', '.git', '.tsbuild', '.outrider', '.engines', 'dist']);
const SKIPPED_FILES = new Set(['package-lock.json']);
const SOURCE_NAME = /\.(ts|mts|mjs|js)$/;
const TEXT_NAME = /\.(ts|mts|mjs|js|json|md|sh|sql|yml|yaml|txt|html|css|npmrc)$|^(run|LICENSE|\.gitignore)$/;
/** A file written by hand is far smaller; a larger one is data (golden files) and has no style. */
const TEXT_BYTES_MAX = 1_000_000;

/** Reads the tree below `root`. */
export function readTree(root: string): Tree {
  const texts = listFiles(root, '').map((path): TextFile => ({ path, text: readFileSync(join(root, path), 'utf8') }));
  return {
    texts,
    sources: texts.filter(({ path }) => SOURCE_NAME.test(path)).map(readSource),
    workspaces: readManifests(texts),
  };
}

function readSource(file: TextFile): SourceFile {
  const tokens = tokenize(file.text);
  const code = tokens.filter((token) => token.kind !== 'comment');
  return { ...file, tokens, code, specifiers: readSpecifiers(code), isTest: file.path.endsWith('.test.ts') };
}

function listFiles(root: string, folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) return SKIPPED_FOLDERS.has(entry.name) ? [] : listFiles(root, path);
      if (!entry.isFile() || SKIPPED_FILES.has(entry.name) || !TEXT_NAME.test(entry.name)) return [];
      return statSync(join(root, path)).size <= TEXT_BYTES_MAX ? [path] : [];
    });
}
