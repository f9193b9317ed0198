// SPDX-License-Identifier: Apache-2.0
import type { Finding } from './finding.ts';
import type { SourceFile, Tree } from './tree.ts';

/** Names, size, first line and shape of each source file. */
export function fileShape(tree: Tree): readonly Finding[] {
  return tree.sources.flatMap((file) => [...size(file), ...name(file), ...licence(file), ...barrel(file)]);
}

/** At this length a file has more than one idea, or says at its top why not. */
const LINES_MAX = 500;
const EXCUSE = /Longer than 500 lines because /;
/** The excuse stands where a reader opens the file. */
const EXCUSE_TOKENS_MAX = 3;

function size({ path, text, tokens }: SourceFile): Finding[] {
  const lines = text.split('\n').length;
  const isExcused = tokens
    .slice(0, EXCUSE_TOKENS_MAX)
    .some((token) => token.kind === 'comment' && EXCUSE.test(token.text));
  if (lines <= LINES_MAX || isExcused) return [];
  return [
    {
      rule: 'file-size',
      path,
      message: `${lines} lines, allowed ${LINES_MAX}; split it, or begin with "// Longer than 500 lines because ..."`,
    },
  ];
}

const KEBAB_CASE = /^[a-z0-9]+(-[a-z0-9]+)*(\.(test|config|d))?\.(ts|mts|mjs|js)$/;
const KEBAB_CASE_FOLDER = /^\.?[a-z0-9]+(-[a-z0-9]+)*$/;
/** Names that say nothing: what has no better name has no home yet. */
const EMPTY_WORDS = new Set(['util', 'utils', 'helper', 'helpers', 'common', 'misc', 'manager', 'managers']);

function name({ path }: SourceFile): Finding[] {
  const findings: Finding[] = [];
  const folders = path.split('/');
  const file = folders.pop() ?? '';
  if (!KEBAB_CASE.test(file))
    findings.push({ rule: 'file-name', path, message: `${file} is not kebab-case, for example verify-threshold.ts` });
  for (const folder of folders) {
    if (!KEBAB_CASE_FOLDER.test(folder))
      findings.push({ rule: 'file-name', path, message: `The folder ${folder} is not kebab-case` });
  }
  for (const part of [...folders, file.split('.')[0] ?? '']) {
    const empty = part.split('-').find((word) => EMPTY_WORDS.has(word));
    if (empty !== undefined)
      findings.push({
        rule: 'file-name',
        path,
        message: `${part} says nothing about what is inside ("${empty}"); name the idea`,
      });
  }
  return findings;
}

const LICENCE_LINE = '// SPDX-License-Identifier: Apache-2.0';

function licence({ path, text }: SourceFile): Finding[] {
  const lines = text.split('\n', 2);
  const first = lines[0]?.startsWith('#!') ? lines[1] : lines[0];
  if (first === LICENCE_LINE) return [];
  return [{ rule: 'licence', path, line: 1, message: `The first line is not "${LICENCE_LINE}"` }];
}

function barrel({ path, code }: SourceFile): Finding[] {
  const findings: Finding[] = [];
  if (/(^|\/)index\.(ts|mts|mjs|js)$/.test(path))
    findings.push({
      rule: 'no-barrel',
      path,
      message: 'No index files; name the idea and import it from its own file',
    });
  for (const [index, token] of code.entries()) {
    if (token.text === 'export' && token.kind === 'word' && code[index + 1]?.text === '*') {
      findings.push({
        rule: 'no-barrel',
        path,
        line: token.line,
        message: '`export *` hides where a name comes from; import it from its own file',
      });
    }
  }
  return findings;
}
