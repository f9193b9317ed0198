// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { readServerSettings } from './server-settings.ts';

const folder = mkdtempSync(join(tmpdir(), 'outrider-settings-'));
after(() => rmSync(folder, { recursive: true }));
const URL_A = 'postgres://fleet:pass-word-a@127.0.0.1/a';
const URL_B = 'postgres://fleet:pass-word-b@127.0.0.1/b';

function read(parameters: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  return readServerSettings({ parameters, environment, workingFolder: folder });
}

function fileOf(name: string, content: string, mode = 0o600): string {
  const path = join(folder, name);
  rmSync(path, { force: true });
  writeFileSync(path, content, { mode });
  return path;
}

function sentenceOf(settings: ReturnType<typeof read>): string {
  assert.ok(!settings.ok);
  assert.doesNotMatch(settings.error.sentence, /pass-word/);
  return settings.error.sentence;
}

test('the file of the data folder is read unless another one is named, which must be there', () => {
  fileOf('outrider.json', '{"$schema": "./server.schema.json", "port": 1}');
  fileOf('other.json', '{"port": 2}');
  const port = (...words: string[]) => {
    const settings = read(['--data', '.', ...words]);
    return settings.ok ? settings.value.values.port : settings.error.code;
  };
  assert.equal(port(), 1);
  assert.equal(port('--config', 'other.json'), 2);
  assert.equal(port('--config', 'none.json'), 'config-missing');
  const named = read(['--data', '.'], { OUTRIDER_CONFIG: join(folder, 'other.json') });
  assert.equal(named.ok && named.value.values.port, 2);
  rmSync(join(folder, 'outrider.json'));
  assert.equal(port(), 8_440);
  mkdirSync(join(folder, 'outrider.json'));
  assert.equal(port(), 'config-unreadable', 'a file that is there and cannot be read is not passed over');
  rmSync(join(folder, 'outrider.json'), { recursive: true });
});

test('a file that is not JSON is refused with the place of the fault and without its text', () => {
  const path = fileOf('broken.json', `{\n  "databaseUrl": ${URL_A}\n}`);
  assert.match(
    sentenceOf(read(['--data', '.', '--config', path])),
    /broken\.json is not JSON( at line 2 column \d+)?;/,
  );
  const list = fileOf('list.json', '[1]');
  assert.match(sentenceOf(read(['--data', '.', '--config', list])), /is not an object; allowed is one JSON object/);
});

test('a password that was written in the place of a name, or as another value, is not repeated', () => {
  const path = fileOf('odd.json', JSON.stringify({ databaseUrl: { password: 'pass-word-a' } }));
  assert.match(sentenceOf(read(['--data', '.', '--config', path])), /"databaseUrl" in .* is no text, allowed is a URL/);
  assert.match(sentenceOf(read(['--data', '.'], { DATABASE_URL: 'pass-word-a' })), /is a text of 11 characters/);
  const flag = sentenceOf(read(['--data', '.', `--database-url=${URL_A}`]));
  assert.match(flag, /The flag --database-url is unknown; did you mean --database-url-file\?/);
});

test('a database URL comes from a file too; of two places the one that is heard first wins', () => {
  const secret = fileOf('url', `${URL_A}\n`);
  const flagged = read(['--data', '.', '--database-url-file', secret], { DATABASE_URL: URL_B });
  assert.equal(flagged.ok && flagged.value.databaseUrl, URL_A);
  const config = fileOf('c.json', JSON.stringify({ databaseUrlFile: 'url' }));
  const fromVariable = read(['--data', '.', '--config', config], { DATABASE_URL: URL_B });
  assert.equal(fromVariable.ok && fromVariable.value.databaseUrl, URL_B);
  const fromFile = read(['--data', '.', '--config', config]);
  assert.equal(fromFile.ok && fromFile.value.databaseUrl, URL_A);
  const both = read(['--data', '.'], { DATABASE_URL: URL_B, DATABASE_URL_FILE: secret });
  assert.match(sentenceOf(both), /DATABASE_URL and .*DATABASE_URL_FILE both name a database/);
  fileOf('url', 'pass-word-a');
  assert.match(sentenceOf(fromUrlFile(secret)), /holds a text of 11 characters, allowed is one line/);
  assert.match(sentenceOf(fromUrlFile(join(folder, 'none'))), /There is no file at .*none/);
});

function fromUrlFile(path: string) {
  return read(['--data', '.', '--database-url-file', path]);
}

test('a file with a secret that others may read is said, one without secrets is not', () => {
  const noticesOf = (path: string) => {
    const settings = read(['--data', '.', '--config', path]);
    return settings.ok ? settings.value.notices.map(({ code }) => code) : undefined;
  };
  const secret = JSON.stringify({ databaseUrl: URL_A });
  assert.deepEqual(noticesOf(fileOf('open.json', secret, 0o644)), ['config-readable-by-others']);
  assert.deepEqual(noticesOf(fileOf('closed.json', secret, 0o600)), []);
  assert.deepEqual(noticesOf(fileOf('plain.json', '{"port": 1}', 0o644)), []);
});

test('a misspelt variable is said, those of the other programs are not', () => {
  const settings = read(['--data', '.'], { OUTRIDER_PROT: '1', OUTRIDER_TOKEN: 'x', OUTRIDER_AGENT_DATA: 'x' });
  assert.ok(settings.ok);
  assert.deepEqual(
    settings.value.notices.map(({ sentence }) => sentence),
    ['The environment variable OUTRIDER_PROT is no setting; did you mean OUTRIDER_PORT?'],
  );
});
