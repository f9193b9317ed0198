// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { after, test } from 'node:test';

const folder = mkdtempSync(join(tmpdir(), 'outrider ci '));
after(() => rmSync(folder, { recursive: true, force: true }));

/** The script in a tree of its own, where `npm` plays what these shell lines say. */
function ciRun(tests: string, engines: string) {
  const programs = join(folder, 'bin');
  mkdirSync(programs, { recursive: true });
  mkdirSync(join(folder, 'tree', '.ci'), { recursive: true });
  const script = join(folder, 'tree', '.ci', 'run');
  copyFileSync(join(dirname(import.meta.dirname), '.ci', 'run'), script);
  const npm = `#!/bin/sh\ncase "$*" in\n  test) ${tests} ;;\n  'run test:engines') ${engines} ;;\n  *) exit 99 ;;\nesac\n`;
  writeFileSync(join(programs, 'npm'), npm);
  chmodSync(join(programs, 'npm'), 0o755);
  const { status, stdout } = spawnSync('bash', [script], {
    env: { ...process.env, PATH: `${programs}:${process.env.PATH}` },
    encoding: 'utf8',
  });
  return [status, stdout.trimEnd().split('\n').at(-1)];
}

const TEN_PASS = `printf 'ℹ pass 10\\nℹ fail 0\\nℹ cancelled 0\\n'`;
const TWO_FAIL = `printf 'ℹ pass 3\\nℹ fail 1\\nℹ cancelled 1\\n'; exit 1`;

test('what passed with and without engines is one sum', () => {
  assert.deepEqual(ciRun(TEN_PASS, TEN_PASS), [0, '20 passed, 0 failed']);
});

test('a test that fails in either of them fails the whole, and is counted', () => {
  assert.deepEqual(ciRun(TEN_PASS, TWO_FAIL), [1, '13 passed, 2 failed']);
  assert.deepEqual(ciRun(TWO_FAIL, TEN_PASS), [1, '13 passed, 2 failed']);
});

test('a gate that fails where all tests pass is a failure', () => {
  assert.deepEqual(ciRun(`${TEN_PASS}; exit 1`, TEN_PASS), [1, '20 passed, 1 failed']);
});

test('a half that ran nothing is a failure, whatever its exit code', () => {
  for (const nothing of ['true', 'false', `printf 'ℹ pass 0\\n'`]) {
    assert.deepEqual(ciRun(TEN_PASS, nothing), [1, '10 passed, 1 failed']);
    assert.deepEqual(ciRun(nothing, TEN_PASS), [1, '10 passed, 1 failed']);
  }
});
