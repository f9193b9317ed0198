// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { validatePlan } from '@outrider/domain/policy/validate-plan';
import { parseRolloutPlan } from '@outrider/protocol/policy/rollout-plan';
import { recordedWorld } from './recorded-world.ts';

const world = recordedWorld();
after(() => world.remove());
const BASIS = ['rollout', 'create', '--print-plan', '--release', 'camera-1.1.0', '--device-type', 'camera'];

test('a plan from flags is one that the server accepts', async () => {
  const plan = parseRolloutPlan(
    (await world.run(...BASIS, '--everyone', '--budget', '60', '--profile', 'careful')).output.trim(),
  );
  assert.ok(plan.ok);
  assert.ok(validatePlan(plan.value).ok);
  assert.equal(plan.value.gates.budgetDevices, 60);
  assert.equal(plan.value.gates.profile, 'careful');
  assert.equal(plan.value.claimNeeds, undefined);
});

test('a plan says what a device must bring with its word that it installed', async () => {
  const asked = [...BASIS, '--everyone', '--claim-needs'];
  const plan = parseRolloutPlan((await world.run(...asked, 'quote')).output.trim());
  assert.equal(plan.ok && plan.value.claimNeeds, 'quote');
  const refused = await world.run(...asked, 'faith');
  assert.deepEqual([refused.code, /signature, manifest, quote/.test(refused.log)], [2, true]);
});

test('no two rollouts share a salt, so that the same devices are not always first', async () => {
  const salts = await Promise.all(
    [1, 2].map(async () => JSON.parse((await world.run(...BASIS, '--everyone')).output).salt),
  );
  assert.notEqual(salts[0], salts[1]);
});

test('each kind of flag narrows the audience, several values of one widen it', async () => {
  const { output } = await world.run(
    ...BASIS,
    '--region',
    'north',
    '--region',
    'south',
    '--tag',
    'beta',
    '--tag',
    'dogfood',
    '--version-below',
    '1.1.0',
  );
  assert.deepEqual(JSON.parse(output).audience, {
    kind: 'all-of',
    of: [
      { kind: 'attribute', name: 'region', in: ['north', 'south'] },
      {
        kind: 'any-of',
        of: [
          { kind: 'tag', tag: 'beta' },
          { kind: 'tag', tag: 'dogfood' },
        ],
      },
      { kind: 'version', below: '1.1.0' },
    ],
  });
});

test('everyone and only some contradict each other', async () => {
  assert.equal((await world.run(...BASIS, '--everyone', '--region', 'north')).code, 2);
});
