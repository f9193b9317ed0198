// SPDX-License-Identifier: Apache-2.0
import type { Token } from './tokens.ts';

/** One place where a module names another. */
export interface Specifier {
  /** The text between the quotes; undefined when it is computed at run time. */
  readonly name: string | undefined;
  readonly line: number;
  /** `resolve` finds a file without loading it. */
  readonly kind: 'static' | 'dynamic' | 're-export' | 'resolve';
  /** The names taken, for `import { a, b as c }`: a and b. */
  readonly bindings: readonly string[];
  /** The local name of the whole module, for `import fs from` and `import * as fs from`. */
  readonly whole?: string;
}

/** Finds imports, re-exports, `import(...)`, `require(...)` and `resolve(...)` in tokens without comments. */
export function readSpecifiers(code: readonly Token[]): readonly Specifier[] {
  const found: Specifier[] = [];
  for (const [index, token] of code.entries()) {
    if (token.kind !== 'word' || code[index - 1]?.text === '.') continue;
    const next = code[index + 1];
    if (token.text === 'import' && next?.text === '.') {
      if (code[index + 2]?.text === 'meta' && code[index + 4]?.text === 'resolve')
        push(found, code, index + 5, 'resolve');
    } else if (token.text === 'import' && next?.text === '(') push(found, code, index + 1, 'dynamic');
    else if (token.text === 'import' && next?.kind === 'string') found.push(specifier(next, 'static', []));
    else if (token.text === 'import') pushClause(found, code, index, 'static');
    else if (token.text === 'export' && isReExport(code, index)) pushClause(found, code, index, 're-export');
    else if (token.text === 'require' && next?.text === '(') push(found, code, index + 1, 'dynamic');
    else if (token.text === 'require' && code[index + 2]?.text === 'resolve') push(found, code, index + 3, 'resolve');
  }
  return found;
}

/** A call whose argument list opens at `open`. */
function push(found: Specifier[], code: readonly Token[], open: number, kind: Specifier['kind']): void {
  const argument = code[open + 1];
  if (code[open]?.text !== '(' || argument === undefined) return;
  const after = code[open + 2]?.text;
  const isLiteral = argument.kind === 'string' && (after === ')' || after === ',');
  found.push({ name: isLiteral ? argument.value : undefined, line: argument.line, kind, bindings: [] });
}

/** `import ... from 'x'` or `export ... from 'x'`: the clause in between holds words and `{ } , *` only. */
function pushClause(found: Specifier[], code: readonly Token[], start: number, kind: 'static' | 're-export'): void {
  const bindings: string[] = [];
  let whole: string | undefined;
  let isInBraces = false;
  for (let index = start + 1; index < code.length; index++) {
    const token = code[index];
    const next = code[index + 1];
    if (token === undefined) return;
    if (token.text === 'from' && next?.kind === 'string') {
      found.push({ ...specifier(next, kind, bindings), ...(whole === undefined ? {} : { whole }) });
      return;
    }
    if (token.kind !== 'word' && !['{', '}', ',', '*'].includes(token.text)) return;
    if (token.text === '{' || token.text === '}') isInBraces = token.text === '{';
    if (token.kind !== 'word' || token.text === 'type' || token.text === 'as') continue;
    if (!isInBraces) whole = token.text;
    else if (code[index - 1]?.text !== 'as') bindings.push(token.text);
  }
}

function isReExport(code: readonly Token[], index: number): boolean {
  const skip = code[index + 1]?.text === 'type' ? 2 : 1;
  return ['{', '*'].includes(code[index + skip]?.text ?? '');
}

function specifier(token: Token, kind: Specifier['kind'], bindings: readonly string[]): Specifier {
  return { name: token.value, line: token.line, kind, bindings };
}
