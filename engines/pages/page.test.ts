// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { saysLoosely } from './loosely.ts';
import { stepsOf } from './page.ts';

const PAGE = `
\`\`\`console run
$ outrider status
revision  3
...
paused    global
$ outrider pause global \\
    --reason 'a drill'
\`\`\`

\`\`\`sh
rm -rf /
\`\`\`

## Mend
\`\`\`sh run
# makes a key
outrider key create
\`\`\`
`;

test('only what a page marks as runnable is run, each command with the lines below it', () => {
  assert.deepEqual(stepsOf(PAGE), [
    { line: 3, section: '', command: 'outrider status', expected: ['revision  3', '...', 'paused    global'] },
    { line: 7, section: '', command: "outrider pause global --reason 'a drill'", expected: [] },
    { line: 17, section: 'Mend', command: '# makes a key\noutrider key create', expected: [] },
  ]);
});

test('an answer may differ from its page in instants, digests and figures, and in no word, version or name', () => {
  const page = ['at  2026-11-21T09:14:29.740Z', 'granted  3', 'rollout to-1.1.0'];
  assert.ok(saysLoosely('at  2027-01-01T00:00:00Z\ngranted     17\nrollout to-1.1.0\n', page));
  assert.ok(!saysLoosely('at  2027-01-01T00:00:00Z\ngranted     17\nrollout to-1.2.0\n', page));
  assert.ok(!saysLoosely('at  2027-01-01T00:00:00Z\nrefused     17\nrollout to-1.1.0\n', page));
});

test('lines may lie between where the page says so, and nowhere else', () => {
  assert.ok(saysLoosely('a\nb\nc\n', ['a', '...', 'c']));
  assert.ok(!saysLoosely('a\nb\nc\n', ['a', 'c']));
  assert.ok(saysLoosely('backup  /tmp/x/a.backup (64.0 kB, mode 0600)', ['backup  /srv/a.backup (40 MB, ...']));
  assert.ok(!saysLoosely('', ['a']), 'an empty answer says nothing');
});
