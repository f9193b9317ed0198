// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readCommandLine } from './command-line.ts';
import type { ConfigFile } from './config-file.ts';
import { nearestName } from './nearest-name.ts';
import { readSettings } from './read-settings.ts';
import type { SettingsTable } from './setting.ts';
import { shownSettings } from './shown-settings.ts';

const TABLE = {
  folder: { shape: { kind: 'path' }, flag: 'folder', variable: 'T_FOLDER', isNeeded: true, sentence: 'Where' },
  port: {
    shape: { kind: 'whole', min: 0, max: 65_535 },
    flag: 'port',
    variable: 'T_PORT',
    default: 8_440,
    sentence: 'The port',
  },
  colour: { shape: { kind: 'choice', choices: ['red', 'blue'] }, flag: 'colour', variable: 'T_COLOUR', sentence: 'It' },
  loud: { shape: { kind: 'switch' }, flag: 'loud', variable: 'T_LOUD', default: false, sentence: 'It' },
  tags: {
    shape: { kind: 'texts', pattern: /^[a-z]+$/, allowed: 'small letters' },
    flag: 'tag',
    variable: 'T_TAGS',
    default: [],
    sentence: 'Tags',
  },
  site: { shape: { kind: 'url', protocols: ['https:'] }, flag: 'site', variable: 'T_SITE', sentence: 'The site' },
  password: {
    shape: { kind: 'text', pattern: /^\S{8,}$/, allowed: 'eight characters or more' },
    variable: 'T_PASSWORD',
    isSecret: true,
    sentence: 'The password',
  },
} as const satisfies SettingsTable;

interface Said {
  readonly words?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly members?: ConfigFile['members'];
}

function read({ words = [], environment = {}, members }: Said) {
  const flags = readCommandLine(TABLE, {}, words);
  if (!flags.ok) return { ok: false, error: { code: 'flag-malformed', sentence: flags.error } } as const;
  const file = members === undefined ? undefined : { path: '/etc/t.json', members, isReadableByOthers: false };
  return readSettings(TABLE, { flags: flags.value, environment, file, workingFolder: '/here' });
}

function valuesOf(said: Said) {
  const settings = read(said);
  assert.ok(settings.ok, settings.ok ? '' : settings.error.sentence);
  return settings.value.values;
}

function sentenceOf(said: Said): string {
  const settings = read(said);
  assert.ok(!settings.ok);
  return settings.error.sentence;
}

const FOLDER = ['--folder', 'here'];

test('a flag wins over the environment, the environment over the file, the file over the default', () => {
  const environment = { T_PORT: '2' };
  const members = { port: 3 };
  assert.equal(valuesOf({ words: [...FOLDER, '--port', '1'], environment, members }).port, 1);
  assert.equal(valuesOf({ words: FOLDER, environment, members }).port, 2);
  assert.equal(valuesOf({ words: FOLDER, members }).port, 3);
  assert.equal(valuesOf({ words: FOLDER }).port, 8_440);
});

test('a relative path is below the working folder, in a file below the folder of the file', () => {
  assert.equal(valuesOf({ words: FOLDER }).folder, '/here/here');
  assert.equal(valuesOf({ environment: { T_FOLDER: '../x' } }).folder, '/x');
  assert.equal(valuesOf({ members: { folder: 'data' } }).folder, '/etc/data');
});

test('switches and lists are given by flag, variable and file alike', () => {
  assert.equal(valuesOf({ words: [...FOLDER, '--loud'] }).loud, true);
  assert.equal(valuesOf({ words: [...FOLDER, '--no-loud'], members: { loud: true } }).loud, false);
  assert.equal(valuesOf({ words: FOLDER, environment: { T_LOUD: 'true' } }).loud, true);
  assert.deepEqual(valuesOf({ words: [...FOLDER, '--tag', 'a', '--tag', 'b'] }).tags, ['a', 'b']);
  assert.deepEqual(valuesOf({ words: FOLDER, environment: { T_TAGS: '["c"]' } }).tags, ['c']);
});

for (const [claim, said, sentence] of [
  [
    'a number that is too large',
    { words: ['--port', '70000'] },
    'The flag --port is 70000, allowed is a whole number from 0 to 65535',
  ],
  [
    'a number that is none',
    { environment: { T_PORT: '8e3' } },
    'The environment variable T_PORT is 8e3, allowed is a whole number from 0 to 65535',
  ],
  [
    'a number written as a text',
    { members: { port: '80' } },
    'The setting "port" in /etc/t.json is "80", allowed is a whole number from 0 to 65535',
  ],
  [
    'a choice that is none',
    { words: ['--colour', 'green'] },
    'The flag --colour is green, allowed is one of red, blue',
  ],
  [
    'an empty variable',
    { environment: { T_FOLDER: '' } },
    'The environment variable T_FOLDER is an empty text, allowed is a path',
  ],
  ['a misspelt member', { members: { prot: 1 } }, 'The setting "prot" in /etc/t.json is unknown; did you mean "port"?'],
  ['a misspelt flag', { words: ['--colur', 'red'] }, 'The flag --colur is unknown; did you mean --colour?'],
  [
    'a flag without a value',
    { words: ['--folder', '--port', '1'] },
    'The flag --folder is without a value; write one after it',
  ],
  ['a switch with a value', { words: ['--loud=yes'] }, 'The flag --loud takes no value; write it alone'],
  [
    'a word without a flag',
    { words: ['--loud', 'stray'] },
    'Word 2 of the command line belongs to no flag; write each value after its flag',
  ],
  [
    'a needed setting that is missing',
    {},
    'The flag --folder is missing (where); give it a value, there, in T_FOLDER or as "folder" in a configuration file',
  ],
  [
    'a URL of another kind',
    { words: ['--site', 'ftp://u:hidden@h/'] },
    'The flag --site is ftp://h/, allowed is a URL that begins with https://',
  ],
  [
    'a secret that is too short',
    { words: FOLDER, environment: { T_PASSWORD: 'hidden' } },
    'The environment variable T_PASSWORD is a text of 6 characters, allowed is eight characters or more',
  ],
] as const satisfies readonly (readonly [string, Said, string])[]) {
  test(`${claim} is one sentence that says where, what was seen and what is allowed`, () => {
    assert.equal(sentenceOf(said), sentence);
  });
}

test('a secret is shown as set, and credentials in a URL are not shown', () => {
  const settings = read({
    words: [...FOLDER, '--site', 'https://u:hidden@h/'],
    environment: { T_PASSWORD: 'hidden-too' },
  });
  assert.ok(settings.ok);
  const shown = shownSettings(TABLE, settings.value);
  assert.deepEqual(
    shown.find(({ name }) => name === 'password'),
    { name: 'password', value: 'set', from: 'T_PASSWORD' },
  );
  assert.deepEqual(
    shown.find(({ name }) => name === 'site'),
    { name: 'site', value: 'https://h/', from: '--site' },
  );
  assert.equal(JSON.stringify(shown).includes('hidden'), false);
});

test('whatever is said, the answer is settings or one sentence without the secret', () => {
  const word = fc.oneof(
    fc.constantFrom('--folder', '--port', '--loud', '--no-loud', '--tag', '--', '-x', ''),
    fc.string(),
  );
  const secret = fc.string({ minLength: 6, maxLength: 30 }).map((text) => `S3CRET${text}`);
  const json = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.array(fc.string()), fc.constant(null));
  fc.assert(
    fc.property(
      fc.array(word),
      secret,
      fc.dictionary(fc.constantFrom(...Object.keys(TABLE), 'other'), json),
      (words, password, members) => {
        const settings = read({ words, environment: { T_PASSWORD: password }, members });
        if (settings.ok) return;
        assert.equal(settings.error.sentence.includes('S3CRET'), false);
        assert.ok(settings.error.sentence.length < 600);
      },
    ),
  );
});

test('the nearest name survives case, separators and two swapped letters, and nonsense has none', () => {
  const names = ['databaseUrl', 'logLevel', 'port'];
  assert.equal(nearestName('log_level', names), 'logLevel');
  assert.equal(nearestName('LOGLEVEL', names), 'logLevel');
  assert.equal(nearestName('prot', names), 'port');
  assert.equal(nearestName('databaseURI', names), 'databaseUrl');
  assert.equal(nearestName('colour', names), undefined);
});

test('an address in the place of a flag, or a password with a slash in it, does not show who may enter', () => {
  assert.equal(sentenceOf({ words: ['--pg://u:hid/den@h/d'] }), 'The flag --pg://h/d is unknown; see --help');
  assert.match(sentenceOf({ words: ['--site', 'ftp://u:hid/d@en@h/'] }), /is ftp:\/\/h\/, allowed/);
});
