// SPDX-License-Identifier: Apache-2.0
import type { DeviceId } from '@outrider/domain/kernel/ids';
import { HOUR_MS } from '@outrider/domain/kernel/time';
import { THRESHOLD_TENTH } from '@outrider/domain/policy/charter';
import { placeOf } from '@outrider/domain/policy/charter-place';
import { type Attack, mustHold } from './attack.ts';
import type { Scene } from './scene.ts';

/** Statements of whoever holds the database, each by what it changes; `$1` is the rollout. */
const BY_HAND: Readonly<Record<string, readonly string[]>> = {
  'caps and thresholds': [
    'update exposure set cap = 1000000, downloads_allowed = 1000000, pi = 1 where rollout_id = $1',
    'update exposure_segment set cap = 1000000 where rollout_id = $1',
  ],
  wave: ['update exposure set wave_index = 4, is_complete = true where rollout_id = $1'],
  salt: [planChange(`jsonb_set(change, '{plan,salt}', '"a-salt-of-a-thief"')`)],
  audience: [planChange(`jsonb_set(change, '{plan,audience}', '{"kind":"not","of":{"kind":"tag","tag":"never"}}')`)],
  'waves of the plan': [planChange(`jsonb_set(change, '{plan,waves,1,exposurePermille}', '999')`)],
  'gates of the plan': [planChange(`jsonb_set(change, '{plan,gates,budgetDevices}', '1000000')`)],
  'the charter itself': [
    `update policy_log set change = jsonb_set(change, '{charter,document,payload}',
      to_jsonb(replace(change #>> '{charter,document,payload}', '"threshold":${THRESHOLD_TENTH}', '"threshold":4294967296')))
      where change ->> 'kind' = 'rollout-chartered' and change ->> 'rolloutId' = $1`,
  ],
};

const DEVICES = 60;

/** Changes by SQL on the real PostgreSQL, with a fleet that asks after each. */
export const ATTACKS_ON_DATABASES: readonly Attack[] = Object.entries(BY_HAND).map(([what, statements]) => ({
  name: `changed in the database by hand: ${what}`,
  isOutsideRing: true,
  /** Approvers signed up to a tenth. */
  isSignedTo: 'tenth',
  fleet: DEVICES,
  async play(scene) {
    await scene.wait(9 * HOUR_MS);
    await asThief(scene, statements);
    await scene.stage.restart();
    await scene.wait(HOUR_MS / 6);
    const offered: DeviceId[] = [];
    const codes = new Map<string, number>();
    for (const device of scene.fleet) {
      const said = await device.ask();
      codes.set(said, (codes.get(said) ?? 0) + 1);
      if (said === 'offer') offered.push(device.deviceId);
    }
    const beyond = offered.filter((one) => placeOf(scene.plan.salt, one) >= THRESHOLD_TENTH);
    mustHold(beyond.length === 0, `${beyond.length} devices beyond the largest signed threshold were offered it`);
    return `${offered.length} of ${DEVICES} are offered it, all within what was signed (${[...codes].map(([code, count]) => `${code} ${count}`).join(', ')})`;
  },
}));

function planChange(expression: string): string {
  return `update policy_log set change = ${expression}
    where change ->> 'kind' = 'rollout-created' and change #>> '{plan,rolloutId}' = $1`;
}

async function asThief({ stage, plan }: Scene, statements: readonly string[]): Promise<void> {
  const database = await stage.database();
  try {
    await database.query('alter table policy_log disable trigger user');
    for (const statement of statements) await database.query(statement, [plan.rolloutId]);
  } finally {
    await database.close();
  }
}
