// SPDX-License-Identifier: Apache-2.0
import type { Finding } from './finding.ts';
import type { Token } from './tokens.ts';
import type { SourceFile, Tree } from './tree.ts';

/** What comments must and must not say. */
export function comments(tree: Tree): readonly Finding[] {
  return tree.sources.flatMap((file) => [...openEnds(file), ...switches(file), ...docstrings(file)]);
}

/** Spelt in two halves, so that this file does not find itself. */
const OPEN_END = new RegExp(`\\b(${['TO' + 'DO', 'FIX' + 'ME', 'X' + 'XX', 'HA' + 'CK'].join('|')})\\b`);
const ISSUE_NUMBER = /#\d+/;

function openEnds({ path, tokens }: SourceFile): Finding[] {
  return tokens
    .filter((token) => token.kind === 'comment' && OPEN_END.test(token.text) && !ISSUE_NUMBER.test(token.text))
    .map(({ line }) => ({
      rule: 'open-end',
      path,
      line,
      message: 'An open end without an issue number; write one (#12) or do it now',
    }));
}

/** Comments that tell the compiler to look away, or to see more than the project's configuration allows. */
const SWITCH = /^\/\/\/\s*<reference\b|@ts-(nocheck|ignore)\b/;

function switches({ path, tokens }: SourceFile): Finding[] {
  return tokens
    .filter((token) => token.kind === 'comment' && SWITCH.test(token.text))
    .map(({ line, text }) => ({
      rule: 'types-on',
      path,
      line,
      message: `${text.slice(0, 40)} switches the compiler; mend the type instead`,
    }));
}

const DECLARATIONS = new Set([
  'function',
  'const',
  'interface',
  'type',
  'class',
  'async',
  'abstract',
  'declare',
  'let',
]);

/** Each export of `domain` and `protocol` has a docstring: they are the contracts everyone else reads. */
function docstrings({ path, tokens, isTest }: SourceFile): Finding[] {
  if (isTest || !/^packages\/(domain|protocol)\/src\//.test(path)) return [];
  const findings: Finding[] = [];
  for (const [index, token] of tokens.entries()) {
    const next = tokens[index + 1];
    if (token.kind !== 'word' || token.text !== 'export' || next === undefined || !DECLARATIONS.has(next.text))
      continue;
    if (next.text === 'type' && tokens[index + 2]?.text === '{') continue;
    const before = tokens[index - 1];
    if (before?.kind === 'comment' && before.text.startsWith('/**')) continue;
    const name = nameAfter(tokens, index + 1);
    findings.push({
      rule: 'docstring',
      path,
      line: token.line,
      message: `${name} is exported without a docstring; one sentence with units and codes`,
    });
  }
  return findings;
}

function nameAfter(tokens: readonly Token[], start: number): string {
  const word = tokens.slice(start, start + 4).find((token) => token.kind === 'word' && !DECLARATIONS.has(token.text));
  return word?.text ?? 'This';
}
