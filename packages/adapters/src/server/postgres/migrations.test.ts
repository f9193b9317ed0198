// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { compatibleFromOf, MIGRATIONS, type Migration, standingOf, tablesOf } from './migrations.ts';
import { checksumOf } from './schema.ts';

/** What has shipped. A version that ships adds its migrations here, and no line ever changes: databases in the field hold them. */
const SHIPPED: Readonly<Record<string, string>> = {
  '0001-tables': '940a8f5fbc8899c2f317203b9e843e8c45deb2d6ace5700efafaaa41a4d1eb4d',
  '0002-append-only': 'b5a617301d8a8ebd6af193e18ccd2840d5faf4dd6d1e9b5974fffa16e3a7c46f',
  '0003-permits': '4e2cc9133fc320bb78e43dee3f72c851235fd5e888158a6077e96184e9925ac3',
  '0004-evidence': '24af6b87353eced4db233df45e7fa8557824dde95353760d75b66cc5e9c6df6b',
  '0005-later-contacts': '6c511dfe7e16f4c03031593a34222f7e4b05af2c1a73a84b67c127a860cceb88',
};

test('a migration that has shipped is never edited', () => {
  const names = MIGRATIONS.map((one) => one.name);
  for (const [name, checksum] of Object.entries(SHIPPED)) {
    const shipped = MIGRATIONS[names.indexOf(name)];
    assert.ok(shipped !== undefined, `${name} is still there`);
    assert.equal(checksumOf(shipped), checksum, `${name} as databases in the field have it`);
  }
});

test('each migration stands in a file of its number, and each file in the list', () => {
  const files = readdirSync(join(import.meta.dirname, 'migrations')).map((name) => name.replace(/\.ts$/, ''));
  assert.deepEqual(
    MIGRATIONS.map((one) => one.name),
    files.toSorted(),
  );
  assert.deepEqual(
    MIGRATIONS.map((one) => Number(one.name.slice(0, 4))),
    MIGRATIONS.map((_, index) => index + 1),
  );
});

test('a server works with its own schema, with an older one after migrating, and with a newer one that was only expanded', () => {
  assert.equal(standingOf({ version: 5, compatibleFrom: 5 }, 5), 'same');
  assert.equal(standingOf({ version: 4, compatibleFrom: 4 }, 5), 'older');
  assert.equal(standingOf({ version: 0, compatibleFrom: 0 }, 5), 'older');
  assert.equal(standingOf({ version: 7, compatibleFrom: 5 }, 5), 'newer-compatible');
  assert.equal(standingOf({ version: 7, compatibleFrom: 6 }, 5), 'newer');
});

test('what contracts the schema is the oldest that a server must know, whatever was expanded since', () => {
  const rules: readonly Migration['rule'][] = ['contract', 'expand', 'contract', 'expand', 'expand'];
  const migrations = rules.map((rule, index) => ({ name: String(index), sql: '', rule, creates: [`table_${index}`] }));
  assert.deepEqual(
    [0, 1, 2, 3, 4, 5].map((version) => compatibleFromOf(migrations, version)),
    [0, 1, 1, 3, 3, 3],
  );
  assert.deepEqual(tablesOf(migrations, 2), ['table_0', 'table_1']);
});
