// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recordedWorld } from './recorded-world.ts';

const BASE =
  '{"kind":"base","alpha":0.01,"weight":0.25,"segments":8,"baseRate":0.0005,"open":640,"closed":600,"events":5,"error":0.000476}';

test('five reverts of 640 permits halt a rollout, and the figures say by how much', async () => {
  const { code, answers } = await evaluate([BASE]);
  assert.equal(code, 0);
  const [{ lnE, thresholdOverall, halt }] = answers;
  assert.equal(halt, true);
  assert.ok(lnE > thresholdOverall && thresholdOverall === Math.log(2 / (0.01 * 0.25)));
});

test('each line is answered by one line, also when it cannot be computed', async () => {
  const { code, answers, log } = await evaluate([
    BASE,
    'x',
    '',
    '{"kind":"base"}',
    BASE.replace('"open":640', '"open":4'),
    BASE,
  ]);
  assert.equal(code, 2);
  assert.equal(answers.length, 5);
  assert.deepEqual(
    answers.map((answer) => answer.error?.code ?? 'computed'),
    ['computed', 'body-malformed', 'body-malformed', 'count-impossible', 'computed'],
  );
  assert.match(log, /3 of 5 lines could not be computed; their answers say why/);
});

test('an empty input is no success', async () => {
  assert.equal((await evaluate([])).code, 2);
});

async function evaluate(
  input: readonly string[],
): Promise<{ readonly code: number; readonly answers: readonly [ParsedLine, ...ParsedLine[]]; readonly log: string }> {
  const world = recordedWorld({ input });
  const { code, output, log } = await world.run('decision', 'eval');
  world.remove();
  return { code, log, answers: JSON.parse(`[${output.trim().replaceAll('\n', ',')}]`) };
}

interface ParsedLine {
  readonly lnE: number;
  readonly thresholdOverall: number;
  readonly halt: boolean;
  readonly error?: { readonly code: string };
}
