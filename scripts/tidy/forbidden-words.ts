// SPDX-License-Identifier: Apache-2.0
import type { Finding } from './finding.ts';
import type { Tree } from './tree.ts';

/** Words that must not stand in any text of the tree: paths of one machine, and ends that were left open. */
export function forbiddenWords(tree: Tree): readonly Finding[] {
  return tree.texts
    .filter(({ path }) => !EXEMPT.has(path))
    .flatMap(({ path, text }) =>
      text.split('\n').flatMap((line, index) =>
        WORDS.filter(({ pattern }) => pattern.test(line)).map(({ what }) => ({
          rule: 'words',
          path,
          line: index + 1,
          message: what,
        })),
      ),
    );
}

/** These two name the words in order to find them. */
const EXEMPT = new Set(['scripts/tidy/forbidden-words.ts', 'scripts/tidy.test.ts']);

const WORDS = [
  {
    pattern: /(^|[\s"'`(=:])\/(work|root|home\/\w+|Users\/\w+)\//,
    what: 'A path of one machine; make it relative to the checkout',
  },
  {
    pattern: /(^|[\s"'`(])(\.\.\/)?shared\/(design|DESIGN|STYLE)/,
    what: 'A document outside the repository; name one inside it',
  },
  { pattern: /not (yet )?implemented/i, what: 'Something left out; do it, or leave its name out too' },
  { pattern: /\bplaceholder\b(?!\s*[=:])/i, what: 'A placeholder; write what belongs there' },
  { pattern: /^(<<<<<<<|>>>>>>>) /, what: 'A conflict that was not resolved' },
];
