// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { SERVER_SETTINGS } from '@outrider/adapters/server/server-settings';
import type { Setting } from '@outrider/adapters/shared/settings/setting';
import { valueOfJson } from '@outrider/adapters/shared/settings/setting-value';
import { settingsPage } from '@outrider/adapters/shared/settings/settings-page';
import { settingsSchema } from '@outrider/adapters/shared/settings/settings-schema';
import fc from 'fast-check';
import Value from 'typebox/value';
import { EXIT_CODES } from '../exit-codes.ts';

const docs = join(import.meta.dirname, '..', '..', '..', '..', 'docs');
const page = readFileSync(join(docs, 'configuration.md'), 'utf8');

test('the page tells every setting of the server as the server reads it', () => {
  const table = /settings of the server: begin -->\n\n([\s\S]*?)\n<!-- settings of the server: end/.exec(page)?.[1];
  assert.equal(table, settingsPage(SERVER_SETTINGS));
});

test('the JSON Schema in docs is the one of the server', () => {
  const written = readFileSync(join(docs, 'server.schema.json'), 'utf8');
  assert.deepEqual(JSON.parse(written), JSON.parse(settingsSchema(SERVER_SETTINGS, 'Settings of the Outrider server')));
});

test('the exit codes of the page are those of the program', () => {
  const rows = [...page.matchAll(/^\| (\d+) \| `(database-[\w-]+)` \|/gm)].map(([, code, name]) => [
    name,
    Number(code),
  ]);
  const own = Object.entries(EXIT_CODES).filter(([name]) => name.startsWith('database-'));
  assert.ok(own.length > 5);
  assert.deepEqual(rows, own);
});

test('what the server takes the schema takes, and what the server refuses the schema refuses', () => {
  const schema = JSON.parse(settingsSchema(SERVER_SETTINGS, 'Settings'));
  const settings: readonly (readonly [string, Setting])[] = Object.entries(SERVER_SETTINGS);
  const seeds = [
    '',
    'x',
    '/a',
    'wall',
    'info',
    'https://h/',
    'https:h',
    'ftp://h',
    'postgres://u:p@h/d',
    0,
    8,
    8_440,
    70_000,
    1.5,
  ];
  const json = fc.oneof(
    fc.constantFrom(...seeds),
    fc.boolean(),
    fc.string(),
    fc.integer(),
    fc.array(fc.string()),
    fc.constant(null),
  );
  fc.assert(
    fc.property(fc.constantFrom(...settings), json, ([name, setting], value) => {
      const isTaken = valueOfJson(setting, value).ok;
      const isValid = Value.Check(schema, { [name]: value });
      // A pattern cannot say all that a URL must be, nor that a path has no NUL.
      const isLooser = setting.shape.kind === 'url' || setting.shape.kind === 'path';
      assert.ok(isTaken === isValid || (isLooser && isValid), `${name}: ${JSON.stringify(value)}`);
    }),
    { numRuns: 2_000 },
  );
  assert.equal(Value.Check(schema, { prot: 1 }), false);
});

test('the example of the page is a file the server takes', () => {
  const example = JSON.parse(/```json\n([\s\S]*?)```/.exec(page)?.[1] ?? '');
  const schema = JSON.parse(settingsSchema(SERVER_SETTINGS, 'Settings'));
  assert.equal(Value.Check(schema, example), true);
});
