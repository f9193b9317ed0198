// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { measure } from './measure.ts';

const root = mkdtempSync(join(tmpdir(), 'measure-'));
mkdirSync(join(root, 'proofs'));
plant('held', true);
plant('missed', false);
writeFileSync(join(root, 'proofs', 'empty.ts'), 'export async function run() { return []; }\n');
writeFileSync(join(root, 'proofs', 'main.ts'), '');
writeFileSync(join(root, 'proofs', 'held.test.ts'), '');

after(() => rmSync(root, { recursive: true, force: true }));

test('a proof whose goals hold ends with 0 and prints a table', async () => {
  const { code, output } = await run(['held']);
  assert.equal(code, 0);
  assert.match(
    output,
    /figure +value +unit +peer +ratio +goal +holds\nspeed +12\.35 +ms +hare +0\.5 +<= 20 ms +yes\n$/,
  );
});

test('a proof that misses a goal ends with 1 and says which one', async () => {
  const { code, log } = await run(['missed']);
  assert.equal(code, 1);
  assert.match(log, /Missed: speed is 12\.3456 ms, the goal is <= 20 ms/);
});

test('with --json exactly one object is printed, in full precision', async () => {
  const { output } = await run(['missed', '--json']);
  assert.equal(output.split('\n').length, 2);
  assert.deepEqual(JSON.parse(output), {
    name: 'missed',
    commit: 'unknown',
    figures: [
      { figure: 'speed', value: 12.3456, unit: 'ms', peer: 'hare', ratio: 0.5, goal: '<= 20 ms', holds: false },
    ],
  });
});

test('a proof that measures nothing fails', async () => {
  assert.equal((await run(['empty'])).code, 1);
});

for (const [claim, parameters] of [
  ['no name', []],
  ['an unknown name', ['speed']],
  ['a carrier of the modules instead of a module', ['main']],
  ['two names', ['held', 'missed']],
  ['an unknown flag', ['held', '--fast']],
] as const) {
  test(`${claim} ends with 2 and lists what exists`, async () => {
    const { code, log, output } = await run(parameters);
    assert.equal(code, 2);
    assert.equal(output, '');
    assert.match(log, /There are: empty, held, missed\. Call `npm run prove -- <name> \[--json\]`/);
  });
}

function plant(name: string, holds: boolean): void {
  const figure = { figure: 'speed', value: 12.3456, unit: 'ms', peer: 'hare', ratio: 0.5, goal: '<= 20 ms', holds };
  writeFileSync(
    join(root, 'proofs', `${name}.ts`),
    `export async function run() { return [${JSON.stringify(figure)}]; }\n`,
  );
}

async function run(
  parameters: readonly string[],
): Promise<{ readonly code: number; readonly output: string; readonly log: string }> {
  const [output, log]: [string[], string[]] = [[], []];
  const code = await measure({
    verb: 'prove',
    root,
    folder: 'proofs',
    parameters,
    seed: '1',
    isProof: true,
    write: (text) => output.push(text),
    log: (line) => log.push(line),
  });
  return { code, output: output.join(''), log: log.join('\n') };
}
