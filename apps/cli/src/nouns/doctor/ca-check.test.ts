// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { CA_LIVES, makeRoot, writeOnlineCa } from '@outrider/adapters/server/ca/init-ca';
import { DAY_MS, fleetInstant } from '@outrider/domain/kernel/time';
import { caCheck } from './ca-check.ts';

const NOW_MS = Date.UTC(2026, 10, 28);
const folder = await mkdtemp(join(tmpdir(), 'outrider-ca-check-'));
after(() => rm(folder, { recursive: true }));
const at = (days: number) => fleetInstant(NOW_MS + days * DAY_MS);

test('an installation without a CA is told so', async () => {
  assert.match((await caCheck(folder, at(0))).seen, /No CA: devices sign their requests/);
});

test('a CA is good, warned of before something in it runs out, and wrong afterwards or before it begins', async () => {
  const order = { name: 'Acme', serverNames: ['gateway.example'], nowMs: NOW_MS, lives: CA_LIVES };
  await writeOnlineCa(folder, makeRoot(order), order);
  const states: string[] = [];
  const days = [1, CA_LIVES.serverDays - 29, CA_LIVES.serverDays + 1, -10];
  for (const day of days) states.push((await caCheck(folder, at(day))).state);
  assert.deepEqual(states, ['ok', 'warn', 'wrong', 'wrong']);
  const soon = await caCheck(folder, at(CA_LIVES.serverDays - 29));
  assert.match(soon.seen, /The certificate of the server runs out in 29 days/);
  assert.match(soon.mend ?? '', /outrider ca renew/);
  assert.match((await caCheck(folder, at(-10))).seen, /begins at 2026-11-2/);
});

test('a CA that lost a file is wrong, and the way back is named', async () => {
  await rm(join(folder, 'ca', 'issuing-key.pem'));
  const lost = await caCheck(folder, at(1));
  assert.equal(lost.state, 'wrong');
  assert.match(lost.mend ?? '', /lost-ca-key/);
  await writeFile(join(folder, 'ca', 'issuing-key.pem'), 'rubbish');
  assert.equal((await caCheck(folder, at(1))).state, 'wrong');
});
