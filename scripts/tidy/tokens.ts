// SPDX-License-Identifier: Apache-2.0
import { createScanner, SyntaxKind } from 'typescript/unstable/ast';

/** One piece of source text, comments included, white space left out. */
export interface Token {
  readonly kind: 'word' | 'string' | 'template' | 'number' | 'regex' | 'punctuation' | 'comment';
  /** As written in the file. */
  readonly text: string;
  /** The meaning: for a string its content without quotes, else the same as `text`. */
  readonly value: string;
  /** Counted from 1. */
  readonly line: number;
}

/**
 * Splits a TypeScript source into tokens with the compiler's own scanner, so that no rule ever mistakes the inside of a
 * string or a comment for code. The scanner needs telling where a regular expression and the rest of a template begin.
 */
export function tokenize(text: string): readonly Token[] {
  const scanner = createScanner(false, undefined, text);
  const lineOf = lineCounter(text);
  const tokens: Token[] = [];
  /** For each open brace, whether it opened a `${` of a template. */
  const braces: ('template' | 'block')[] = [];
  let last: Token | undefined;
  for (let kind = scanner.scan(); kind !== SyntaxKind.EndOfFile; kind = scanner.scan()) {
    let actual: SyntaxKind = kind;
    if (kind === SyntaxKind.SlashToken || kind === SyntaxKind.SlashEqualsToken) {
      if (!endsExpression(last)) actual = scanner.reScanSlashToken();
    } else if (kind === SyntaxKind.CloseBraceToken) {
      if (braces.pop() === 'template') actual = scanner.reScanTemplateToken(false);
    } else if (kind === SyntaxKind.OpenBraceToken) {
      braces.push('block');
    }
    if (actual === SyntaxKind.TemplateHead || actual === SyntaxKind.TemplateMiddle) braces.push('template');
    const tokenKind = kindOf(actual);
    if (tokenKind === undefined) continue;
    const token: Token = {
      kind: tokenKind,
      text: scanner.getTokenText(),
      value: tokenKind === 'string' ? scanner.getTokenValue() : scanner.getTokenText(),
      line: lineOf(scanner.getTokenStart()),
    };
    tokens.push(token);
    if (tokenKind !== 'comment') last = token;
  }
  return tokens;
}

function kindOf(kind: SyntaxKind): Token['kind'] | undefined {
  switch (kind) {
    case SyntaxKind.WhitespaceTrivia:
    case SyntaxKind.NewLineTrivia:
      return undefined;
    case SyntaxKind.SingleLineCommentTrivia:
    case SyntaxKind.MultiLineCommentTrivia:
      return 'comment';
    case SyntaxKind.StringLiteral:
    case SyntaxKind.NoSubstitutionTemplateLiteral:
      return 'string';
    case SyntaxKind.TemplateHead:
    case SyntaxKind.TemplateMiddle:
    case SyntaxKind.TemplateTail:
      return 'template';
    case SyntaxKind.NumericLiteral:
    case SyntaxKind.BigIntLiteral:
      return 'number';
    case SyntaxKind.RegularExpressionLiteral:
      return 'regex';
    default:
      return kind >= SyntaxKind.Identifier ? 'word' : 'punctuation';
  }
}

const WORDS_BEFORE_EXPRESSION = new Set([
  'return',
  'typeof',
  'case',
  'in',
  'of',
  'delete',
  'void',
  'throw',
  'new',
  'await',
  'yield',
  'else',
  'do',
]);
const PUNCTUATION_ENDING_EXPRESSION = new Set([')', ']', '}', '++', '--']);

/** After the end of an expression a slash divides; anywhere else it opens a regular expression. */
function endsExpression(token: Token | undefined): boolean {
  if (token === undefined) return false;
  if (token.kind === 'word') return !WORDS_BEFORE_EXPRESSION.has(token.text);
  if (token.kind === 'punctuation') return PUNCTUATION_ENDING_EXPRESSION.has(token.text);
  return token.kind !== 'template' || token.text.endsWith('`');
}

/** Offsets are asked in ascending order, so one walk over the text is enough. */
function lineCounter(text: string): (offset: number) => number {
  let line = 1;
  let at = 0;
  return (offset) => {
    for (; at < offset; at++) if (text.charCodeAt(at) === 10) line++;
    return line;
  };
}
