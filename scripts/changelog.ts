// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { checkoutRoot } from './gates.ts';

/** What a reader of the changelog looks for, in this order: what could hurt a vehicle comes first. */
const KINDS = ['Safety', 'Features', 'Fixes', 'Internals'] as const;
type Kind = (typeof KINDS)[number];

/** One file of `changes/`. */
export interface ChangeFile {
  readonly name: string;
  readonly text: string;
}

/**
 * The changelog with a section for `version` on top, made from the files of `changes/`, each of one or more entries that
 * begin a line with `Safety: `, `Features: `, `Fixes: ` or `Internals: `. Throws when a file begins with anything else, when
 * there is none, and when the version has a section already.
 */
export function collectChanges(changelog: string, version: string, files: readonly ChangeFile[]): string {
  if (files.length === 0) throw new Error('There is nothing in changes/; a version without a change is none');
  if (changelog.includes(`\n## ${version}\n`))
    throw new Error(`CHANGELOG.md has a section ${version} already; choose the next version`);
  const entries = files.flatMap(readChanges);
  const sections = KINDS.flatMap((kind) => {
    const own = entries.filter((entry) => entry.kind === kind);
    return own.length === 0 ? [] : [`### ${kind}\n\n${own.map(({ text }) => `- ${text}\n`).join('')}`];
  });
  const [head = '# Changelog\n', ...rest] = changelog.split(/(?=\n## )/);
  return `${head.trimEnd()}\n\n## ${version}\n\n${sections.join('\n')}${rest.join('')}`;
}

function readChanges({ name, text }: ChangeFile): readonly { readonly kind: Kind; readonly text: string }[] {
  return text
    .trim()
    .split(new RegExp(`\\n(?=(?:${KINDS.join('|')}): )`))
    .map((entry) => {
      const [, word, rest = ''] = /^(\w+): (.+)$/s.exec(entry.trim()) ?? [];
      const kind = KINDS.find((one) => one === word);
      if (kind === undefined) {
        throw new Error(
          `changes/${name} begins with "${entry.slice(0, 20).trim()}", allowed is ${KINDS.map((one) => `"${one}: "`).join(', ')}`,
        );
      }
      return { kind, text: rest.replaceAll(/\s*\n\s*/g, ' ') };
    });
}

/** The files of a folder such as `changes/`, by name. */
export function changeFiles(folder: string): readonly ChangeFile[] {
  const names = readdirSync(folder).filter((name) => name.endsWith('.md'));
  return names.sort().map((name) => ({ name, text: readFileSync(join(folder, name), 'utf8') }));
}

function main(version: string | undefined): void {
  const root = checkoutRoot();
  if (version === undefined || !/^\d+\.\d+\.\d+/.test(version)) {
    process.stderr.write(
      `The version is ${version ?? 'missing'}, allowed is SemVer such as 0.2.0; call \`changelog.ts <version>\`\n`,
    );
    process.exitCode = 2;
    return;
  }
  const folder = join(root, 'changes');
  const files = changeFiles(folder);
  const path = join(root, 'CHANGELOG.md');
  writeFileSync(path, collectChanges(readFileSync(path, 'utf8'), version, files));
  for (const { name } of files) rmSync(join(folder, name));
  process.stdout.write(`${files.length} changes are in CHANGELOG.md under ${version}\n`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main(process.argv[2]);
