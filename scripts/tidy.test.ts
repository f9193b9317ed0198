// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { type TidyReport, tidy } from './tidy.ts';

const LICENCE = '// SPDX-License-Identifier: Apache-2.0\n';
const folders: string[] = [];

after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

test('a clean tree has no finding, and tidy says how much it looked at', () => {
  const report = tidyOf({});
  assert.deepEqual(report.findings, []);
  assert.equal(report.sourceCount, Object.keys(CLEAN).filter((path) => path.endsWith('.ts')).length);
  assert.ok(report.importCount > 0);
});

test('tidy fails when it looked at nothing', () => {
  const empty = mkdtempSync(join(tmpdir(), 'tidy-'));
  folders.push(empty);
  assert.deepEqual(rulesOf(tidy(empty)), ['nothing-seen']);
});

test('the inside of strings, templates, comments and regular expressions is not code', () => {
  const text = `${LICENCE}/** Says. */
export const says = "import 'node:fs'; Date.now()";
// import { x } from 'node:fs'; Math.random()
/** Matches. */
export const matches = /import 'node:fs'/;
/** Divides: the slash after a bracket is no regular expression. */
export const divides = (4 + 4) / 2 / 1;
/** Nests. */
export const nests = \`a \${\`b \${says} Date.now()\`} import 'node:fs'\`;
`;
  assert.deepEqual(tidyOf({ 'packages/domain/src/kernel/says.ts': text }).findings, []);
});

const DOMAIN = 'packages/domain/src/release/planted.ts';
const SERVER = 'apps/server/src/planted.ts';

/** Each row plants one breach in the clean tree: [claim, path, text, the rule that must find it]. */
const BREACHES: readonly (readonly [claim: string, path: string, text: string, rule: string])[] = [
  ['the domain imports Node', DOMAIN, `import 'node:fs';`, 'R1'],
  ['the domain imports Node without its prefix', DOMAIN, `import 'fs';`, 'R1'],
  ['the domain imports Node at run time', DOMAIN, `void import('node:fs');`, 'R1'],
  ['the domain requires Node', DOMAIN, `require('node:fs');`, 'R1'],
  ['the domain passes Node on', DOMAIN, `export { readFileSync } from 'node:fs';`, 'R1'],
  ['the domain imports a type of npm', DOMAIN, `import type { Pool } from 'pg';`, 'R1'],
  ['an import hides behind a comment', DOMAIN, `import /* x */ fs from /* y */ 'node:fs';`, 'R1'],
  ['an import hides behind a regular expression', DOMAIN, `const quote = /'/; import fs from 'node:fs'; // '`, 'R1'],
  ['a stage imports a later stage', DOMAIN, `import '../gateway/answer.ts';`, 'R1'],
  [
    'the kernel imports trust, which is later',
    'packages/domain/src/kernel/planted.ts',
    `import '../trust/key.ts';`,
    'R1',
  ],
  ['a stage has an unknown name', 'packages/domain/src/magic/planted.ts', `import '../kernel/time.ts';`, 'R1'],
  ['the protocol imports Node', 'packages/protocol/src/gateway/planted.ts', `import 'node:buffer';`, 'R2'],
  [
    'the protocol imports adapters',
    'packages/protocol/src/gateway/planted.ts',
    `import '@outrider/adapters/shared/clock';`,
    'R2',
  ],
  [
    'the protocol of a stage imports a later stage',
    'packages/protocol/src/release/planted.ts',
    `import '@outrider/domain/gateway/answer';`,
    'R2',
  ],
  ['adapters import an app', 'packages/adapters/src/shared/planted.ts', `import '@outrider/server/compose';`, 'R3'],
  [
    'adapters of the device see those of the server',
    'packages/adapters/src/device/planted.ts',
    `import '../server/store.ts';`,
    'R3',
  ],
  [
    'adapters of the server see those of the device',
    'packages/adapters/src/server/planted.ts',
    `import '../device/disk.ts';`,
    'R3',
  ],
  [
    'shared adapters depend on one side',
    'packages/adapters/src/shared/planted.ts',
    `import '../device/disk.ts';`,
    'R3',
  ],
  ['the domain waits outside its ports', DOMAIN, `/** Loads. */\nexport type Load = () => Promise<string>;`, 'R4'],
  ['an app imports an app', SERVER, `import '@outrider/agent/compose';`, 'R5'],
  [
    'the simulator opens an app elsewhere than at compose',
    'apps/simulator/src/planted.ts',
    `import '@outrider/server/main';`,
    'R5',
  ],
  [
    'the agent sees the adapters of the server',
    'apps/agent/src/planted.ts',
    `import '@outrider/adapters/server/store';`,
    'R6',
  ],
  ['the testkit is shipped', SERVER, `import '@outrider/testkit/memory';`, 'R7'],
  [
    'a path goes from one workspace into another',
    SERVER,
    `import '../../../packages/domain/src/kernel/time.ts';`,
    'R8',
  ],
  ['a subpath is not declared', SERVER, `import '@outrider/domain/secret/x';`, 'R8'],
  ['a workspace imports itself by name', DOMAIN, `import '@outrider/domain/kernel/time';`, 'R8'],
  ['a relative import has no ending', SERVER, `import './answer';`, 'R8'],
  ['an import is computed', SERVER, `void import(process.title);`, 'R8'],
  ['a workspace has no row in the table', 'apps/mystery/src/planted.ts', `import 'node:fs';`, 'R8'],
  ['the clock is read', SERVER, `Date.now();`, 'R9'],
  ['the clock is read by a constructor', SERVER, `new Date();`, 'R9'],
  ['the clock is read by a constructor without brackets', SERVER, `void [new Date];`, 'R9'],
  ['the clock is read under another name', SERVER, `const D = Date; D.now();`, 'R9'],
  ['the clock is read by index', SERVER, `Date['now']();`, 'R9'],
  ['the monotonic clock is read', SERVER, `performance.now();`, 'R9'],
  ['dice are thrown', SERVER, `Math.random();`, 'R9'],
  ['dice are thrown by a destructured name', SERVER, `const { random } = Math; random();`, 'R9'],
  ['dice of Node are thrown', SERVER, `import { randomUUID } from 'node:crypto';`, 'R9'],
  ['the environment is read', SERVER, `process.env.PATH;`, 'R9'],
  ['the environment is imported', SERVER, `import { env } from 'node:process';`, 'R9'],
  ['the environment hides behind another name', SERVER, `import p from 'node:process'; p.env;`, 'R9'],
  ['the environment hides in a namespace', SERVER, `import * as p from 'node:process'; p.env;`, 'R9'],
  ['the environment is taken from the global object', SERVER, `globalThis.process.env;`, 'R9'],
  ['the environment is taken from the global object by index', SERVER, `globalThis['process'].env;`, 'R9'],
  ['a timer is set', SERVER, `setTimeout(() => {}, 1);`, 'R9'],
  ['a timer is set through the global object', SERVER, `globalThis.setTimeout(() => {}, 1);`, 'R9'],
  ['a timer is imported', SERVER, `import { setTimeout as sleep } from 'node:timers/promises';`, 'R9'],
  ['a file is too long', SERVER, 'void 0;\n'.repeat(501), 'file-size'],
  ['an index file appears', 'apps/server/src/index.ts', '', 'no-barrel'],
  ['a file passes everything on', SERVER, `export * from './answer.ts';`, 'no-barrel'],
  ['a file is called utils', 'apps/server/src/http-utils.ts', '', 'file-name'],
  ['a folder is called helpers', 'apps/server/src/helpers/planted.ts', '', 'file-name'],
  ['a name is in camel case', 'apps/server/src/answerCheckIn.ts', '', 'file-name'],
  ['a comment leaves an open end', SERVER, `// ${'TO'}DO: later`, 'open-end'],
  ['the domain asks for the types of Node', DOMAIN, `/// <reference types="node" />`, 'types-on'],
  ['a file is not checked', SERVER, `// @ts-nocheck`, 'types-on'],
  ['an export of the domain has no docstring', DOMAIN, `export const answer = 42;`, 'docstring'],
  [
    'an export of the protocol has only a line comment',
    'packages/protocol/src/release/planted.ts',
    `// An answer\nexport function answer(): number {\n  return 42;\n}`,
    'docstring',
  ],
  ['a package is imported and not declared', SERVER, `import 'left-pad';`, 'dependencies'],
  ['a test runs alone', 'apps/server/src/planted.test.ts', `test.only('x', () => {});`, 'tests-run'],
  [
    'a test is left out without a reason',
    'apps/server/src/planted.test.ts',
    `test('x', { skip: true }, () => {});`,
    'tests-run',
  ],
  [
    'a test is left out by a call',
    'apps/server/src/planted.test.ts',
    `test.skip('a claim about the fleet', () => {});`,
    'tests-run',
  ],
  [
    'a test is left for later',
    'apps/server/src/planted.test.ts',
    `test('x', { todo: 'some day, perhaps' }, () => {});`,
    'tests-run',
  ],
  ['a text names a path of one machine', 'docs/note.md', 'See `/root/notes` and /work/main.', 'words'],
  ['a text says that something is left out', 'docs/note.md', 'This is not implemented', 'words'],
];

for (const [claim, path, text, rule] of BREACHES) {
  test(`tidy finds it when ${claim} (${rule})`, () => {
    const rules = rulesOf(tidyOf({ [path]: path.endsWith('.ts') ? `${LICENCE}${text}\n` : text }));
    assert.ok(rules.includes(rule), `Expected ${rule}, found ${rules.join(', ') || 'nothing'}`);
  });
}

test('tidy finds a file without its licence line', () => {
  assert.deepEqual(rulesOf(tidyOf({ [SERVER]: 'void 0;\n' })), ['licence']);
});

test('a long file may say at its top why it is long', () => {
  const text = `${LICENCE}// Longer than 500 lines because the table is one idea\n${'void 0;\n'.repeat(501)}`;
  assert.deepEqual(tidyOf({ [SERVER]: text }).findings, []);
});

test('an open end with an issue number and a skipped test with its reason are allowed', () => {
  const skipped = `import test from 'node:test';\n// ${'TO'}DO #12: widen\ntest('x', { skip: 'needs the engine of the night run' }, () => {});\n`;
  assert.deepEqual(tidyOf({ 'apps/server/src/planted.test.ts': LICENCE + skipped }).findings, []);
});

test('tests may see the testkit, the root tools and Node, also in the domain', () => {
  const text = `import fc from 'fast-check';\nimport test from 'node:test';\nimport '@outrider/testkit/memory';\ntest(fc.name, () => setTimeout(() => {}, Date.now()));\n`;
  assert.deepEqual(tidyOf({ 'packages/domain/src/kernel/time.test.ts': LICENCE + text }).findings, []);
});

test('the environment may be read where a program begins', () => {
  assert.deepEqual(tidyOf({ 'apps/server/src/main.ts': `${LICENCE}void process.env.PATH;\n` }).findings, []);
});

test('tidy finds a package that is declared and never imported', () => {
  const manifest = JSON.stringify({ name: '@outrider/agent', dependencies: { '@outrider/domain': '1' } });
  assert.deepEqual(rulesOf(tidyOf({ 'apps/agent/package.json': manifest })), ['dependencies']);
});

test('tidy finds a dependency that the document does not explain, and a row without a dependency', () => {
  const findings = tidyOf({ 'docs/dependencies.md': '| `left-pad` | x |\n' }).findings;
  assert.deepEqual(
    findings.map(({ path }) => path),
    ['package.json', 'docs/dependencies.md'],
  );
});

test('tidy finds workspaces that depend on each other in a circle', () => {
  const domain = JSON.stringify({
    name: '@outrider/domain',
    exports: EXPORTS,
    dependencies: { '@outrider/protocol': '1' },
  });
  const found = tidyOf({ 'packages/domain/package.json': domain }).findings.map(({ message }) => message);
  assert.ok(found.some((message) => message.includes('in a circle: ')));
});

const EXPORTS = { './kernel/*': './src/kernel/*.ts', './gateway/*': './src/gateway/*.ts' };

const CLEAN: Readonly<Record<string, string>> = {
  'package.json': JSON.stringify({ name: 'outrider', devDependencies: { 'fast-check': '1' } }),
  'docs/dependencies.md': '| package | why |\n|---|---|\n| `fast-check` | laws |\n',
  'packages/domain/package.json': JSON.stringify({ name: '@outrider/domain', exports: EXPORTS }),
  'packages/domain/src/kernel/time.ts': `${LICENCE}/** Milliseconds. */\nexport const MINUTE_MS = 60_000;\n`,
  'packages/domain/src/gateway/answer.ts': `${LICENCE}import { MINUTE_MS } from '../kernel/time.ts';\n/** The answer. */\nexport const pollAfterMs = MINUTE_MS;\n`,
  'packages/domain/src/gateway/ports.ts': `${LICENCE}/** Loads. */\nexport interface Loader {\n  load(): Promise<string>;\n}\n`,
  'packages/protocol/package.json': JSON.stringify({
    name: '@outrider/protocol',
    dependencies: { '@outrider/domain': '1' },
  }),
  'packages/protocol/src/gateway/answer.ts': `${LICENCE}import { pollAfterMs } from '@outrider/domain/gateway/answer';\n/** Text. */\nexport const answer = String(pollAfterMs);\n`,
  'packages/testkit/package.json': JSON.stringify({ name: '@outrider/testkit', exports: { './*': './src/*.ts' } }),
  'packages/testkit/src/memory.ts': `${LICENCE}export const memory = new Map();\n`,
  'apps/server/package.json': JSON.stringify({
    name: '@outrider/server',
    exports: { './compose': './src/compose.ts' },
  }),
  'apps/server/src/compose.ts': `${LICENCE}import { createServer } from 'node:http';\nexport const compose = createServer;\n`,
};

function tidyOf(planted: Readonly<Record<string, string>>): TidyReport {
  const root = mkdtempSync(join(tmpdir(), 'tidy-'));
  folders.push(root);
  for (const [path, text] of Object.entries({ ...CLEAN, ...planted })) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return tidy(root);
}

function rulesOf(report: TidyReport): readonly string[] {
  return [...new Set(report.findings.map(({ rule }) => rule))];
}
