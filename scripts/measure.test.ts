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
writeFileSync(
  join(root, 'proofs', 'tunable.ts'),
  `export const flags = { laps: { sentence: 'how often', default: 3, min: 1, max: 9 } };
export async function run({ seed, flags }) {
  return [{ figure: 'laps with seed ' + seed, value: flags.laps, unit: 'laps', goal: '', holds: true }];
}
`,
);
writeFileSync(
  join(root, 'proofs', 'pickable.ts'),
  `export const lists = { cells: { sentence: 'worlds to play', allowed: ['G', 'F2'] } };
export async function run({ lists: { cells = ['G', 'F2'] } }) {
  const isReduced = cells.length < 2 ? { isReduced: true } : {};
  return cells.map((cell) => ({ figure: cell, value: 1, unit: 'x', goal: '', holds: true, ...isReduced }));
}
`,
);
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
  ['a flag in the place of the name', ['--json']],
  ['an unknown name', ['speed']],
  ['a carrier of the modules instead of a module', ['main']],
] as const) {
  test(`${claim} ends with 2 and lists what exists`, async () => {
    const { code, log, output } = await run(parameters);
    assert.equal(code, 2);
    assert.equal(output, '');
    assert.match(log, /There are: empty, held, missed, pickable, tunable\. Call `npm run prove -- <name> \[--json\]/);
  });
}

for (const [claim, parameters, sentence] of [
  ['two names', ['held', 'missed'], /One name is allowed, got missed too/],
  ['an unknown flag', ['tunable', '--fast', '1'], /The flag --fast is unknown.*--laps \(how often, 3\)/],
  ['a flag without its value', ['tunable', '--laps'], /The flag --laps needs a value/],
  ['a value that is none', ['tunable', '--laps', 'many'], /is many, allowed is a whole number from 1 to 9/],
  [
    'a name that is not in the list',
    ['pickable', '--cells', 'G,X'],
    /--cells names X, allowed are G, F2.*\(worlds to play, all\)/,
  ],
  ['a value past its limit', ['tunable', '--laps', '10'], /is 10, allowed is a whole number from 1 to 9/],
] as const) {
  test(`${claim} ends with 2 and lists the flags there are`, async () => {
    const { code, log, output } = await run(parameters);
    assert.equal(code, 2);
    assert.equal(output, '');
    assert.match(log, sentence);
  });
}

test('a module is handed its own flags and the seed, or their defaults', async () => {
  assert.match((await run(['tunable'])).output, /laps with seed 1 +3 /);
  assert.match((await run(['tunable', '--seed', 'x', '--laps', '7'])).output, /laps with seed x +7 /);
});

test('a reduced run that holds says so in each row and ends with 3: it neither proves nor breaks the claim', async () => {
  assert.equal((await run(['pickable'])).code, 0);
  const { code, output, log } = await run(['pickable', '--cells', 'G']);
  assert.equal(code, 3);
  assert.match(output, /^G +1 +x +yes \(reduced\)$/m);
  assert.match(log, /the claim needs the full one/);
});

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
