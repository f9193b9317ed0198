// SPDX-License-Identifier: Apache-2.0
import type { Finding } from './finding.ts';
import type { Token } from './tokens.ts';
import type { SourceFile, Tree } from './tree.ts';

/** A test that does not run is a failure unless its reason is declared; `only` and `todo` never are. */
export function testRules(tree: Tree): readonly Finding[] {
  return tree.sources.filter(({ isTest }) => isTest).flatMap(notRun);
}

const CALLERS = new Set(['test', 'it', 'describe', 'suite', 't', 'context']);
/** Shorter than this is not a reason. */
const REASON_LENGTH_MIN = 10;

function notRun({ path, code }: SourceFile): Finding[] {
  return code.flatMap((token, index): Finding[] => {
    if (!['only', 'skip', 'todo'].includes(token.text)) return [];
    const before = code[index - 1]?.text;
    const after = code[index + 1]?.text;
    const isCall = before === '.' && CALLERS.has(code[index - 2]?.text ?? '') && after === '(';
    const isOption = (before === '{' || before === ',') && after === ':';
    if (!isCall && !isOption) return [];
    if (token.text === 'skip' && hasReason(code, index + 2, isCall)) return [];
    return [
      {
        rule: 'tests-run',
        path,
        line: token.line,
        message: `\`${token.text}\` without a declared reason; a test runs, or says \`skip: '<why>'\``,
      },
    ];
  });
}

/** The option's value, or the one argument of `t.skip('why')`, holds a text long enough to be a reason. */
function hasReason(code: readonly Token[], start: number, isCall: boolean): boolean {
  if (isCall && code[start + 1]?.text !== ')') return false;
  let depth = 0;
  for (const token of code.slice(start)) {
    if (token.kind === 'string' && token.value.length >= REASON_LENGTH_MIN) return true;
    if ('([{'.includes(token.text)) depth++;
    if (')]}'.includes(token.text)) depth--;
    if (depth < 0 || (depth === 0 && token.text === ',')) return false;
  }
  return false;
}
