// SPDX-License-Identifier: Apache-2.0
import { pathToFileURL } from 'node:url';
import { comments } from './tidy/comments.ts';
import { dependencies } from './tidy/dependencies.ts';
import { fileShape } from './tidy/file-shape.ts';
import type { Finding } from './tidy/finding.ts';
import { forbiddenWords } from './tidy/forbidden-words.ts';
import { importRules } from './tidy/import-rules.ts';
import { ports, purity } from './tidy/purity.ts';
import { testRules } from './tidy/test-rules.ts';
import { readTree, type Tree } from './tidy/tree.ts';

/** What `tidy` found, and how much it looked at. */
export interface TidyReport {
  readonly findings: readonly Finding[];
  readonly sourceCount: number;
  readonly importCount: number;
}

const RULES: readonly ((tree: Tree) => readonly Finding[])[] = [
  importRules,
  ports,
  purity,
  fileShape,
  comments,
  dependencies,
  testRules,
  forbiddenWords,
];

/** Holds the tree below `root` against all rules. A tree without sources or imports is a finding: nothing was checked. */
export function tidy(root: string): TidyReport {
  const tree = readTree(root);
  const importCount = tree.sources.reduce((sum, { specifiers }) => sum + specifiers.length, 0);
  const findings = RULES.flatMap((rule) => rule(tree));
  const empty: Finding[] =
    importCount > 0
      ? []
      : [
          {
            rule: 'nothing-seen',
            path: '.',
            message: `Looked at ${tree.sources.length} sources with ${importCount} imports; a gate that sees nothing fails`,
          },
        ];
  return { findings: [...empty, ...findings], sourceCount: tree.sources.length, importCount };
}

function main(): void {
  const root = process.argv[2] ?? process.env.OUTRIDER_ROOT ?? process.cwd();
  const { findings, sourceCount, importCount } = tidy(root);
  for (const { rule, path, line, message } of findings) {
    process.stdout.write(`${path}${line === undefined ? '' : `:${line}`}  ${rule}  ${message}\n`);
  }
  process.stdout.write(`${findings.length} findings in ${sourceCount} sources with ${importCount} imports\n`);
  process.exitCode = findings.length === 0 ? 0 : 1;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main();
