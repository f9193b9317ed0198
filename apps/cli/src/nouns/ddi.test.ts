// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { recordedWorld } from '../recorded-world.ts';

const world = recordedWorld();
after(() => world.remove());
const order = (csr: string) => world.run('ddi', 'certificate', 'gate-1', '--csr', csr, '--out', 'gate-1.pem');

test('a file that holds no certificate request, or is not there, is refused before the server is asked', async () => {
  writeFileSync(join(world.folder, 'key.pem'), '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n');
  const wrong = await order('key.pem');
  assert.equal(wrong.code, 2, wrong.log);
  assert.match(wrong.log, /key\.pem holds no certificate request in PEM; make one with `openssl req -new`/);
  const missing = await order('nowhere.csr');
  assert.match(missing.log, /There is no certificate request at nowhere\.csr/);
  assert.ok(!existsSync(join(world.folder, 'gate-1.pem')));
});
