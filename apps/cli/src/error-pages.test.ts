// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { globSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, describe, test } from 'node:test';
import { BACKUP_ERRORS } from '@outrider/adapters/server/backup/errors';
import { STORE_AWAY_REASONS } from '@outrider/domain/decision/store-away';
import { DEVICE_ERRORS, INSTALL_FAILURES } from '@outrider/domain/device/errors';
import { CLAIM_FAULTS } from '@outrider/domain/gateway/claim-faults';
import { DEVICE_IMPORT_ERRORS } from '@outrider/domain/gateway/device-import';
import { NOT_YETS, REFUSALS } from '@outrider/domain/gateway/errors';
import { ROLLOUT_CAUSES } from '@outrider/domain/gateway/explain-rollout';
import { PLAN_ERRORS } from '@outrider/domain/policy/errors';
import { RELEASE_ERRORS } from '@outrider/domain/release/errors';
import { AUDIT_FAULTS } from '@outrider/domain/trust/audit-faults';
import { METADATA_ERRORS } from '@outrider/domain/trust/tuf/errors';
import { PROBLEMS } from '@outrider/protocol/kernel/problem';
import { ERROR_AREAS, errorIndex, errorPage } from './error-pages/pages.ts';
import { EXIT_CODES } from './exit-codes.ts';
import { recordedWorld } from './recorded-world.ts';

const root = dirname(dirname(dirname(import.meta.dirname)));
const pages = join(root, 'docs', 'errors');
const world = recordedWorld();
after(() => world.remove());

const sourceOf = (path: string): string => readFileSync(join(root, path), 'utf8');

/** Names of a table of exit codes of a program that this one may not import. */
function exitNames(path: string): readonly string[] {
  return [...sourceOf(path).matchAll(/^ {2}'?([a-z-]+)'?: \d+,$/gm)].map(([, name = '']) => name);
}

/** Codes that the command line gives itself: those of a failure, apart from the ones that the server has the page for. */
function codesOfCommandLine(): readonly string[] {
  const sources = globSync('apps/cli/src/**/*.ts', { cwd: root }).filter((path) => !path.endsWith('.test.ts'));
  const codes = sources.flatMap((path) => [
    ...sourceOf(path).matchAll(/\{ code: '([a-z-]+)'|\n\s+code: '([a-z-]+)',\n/g),
  ]);
  const elsewhere = new Set([...Object.keys(PROBLEMS), ...Object.keys(DEVICE_IMPORT_ERRORS)]);
  return [...new Set(codes.map(([, one, other]) => one ?? other ?? ''))].filter((code) => !elsewhere.has(code));
}

const TABLES: Readonly<Record<string, readonly string[]>> = {
  api: Object.keys(PROBLEMS),
  refusals: Object.keys(REFUSALS),
  'not-yets': Object.keys(NOT_YETS),
  causes: Object.keys(ROLLOUT_CAUSES).filter((code) => !Object.hasOwn(REFUSALS, code)),
  device: [...Object.keys(DEVICE_ERRORS), ...Object.keys(INSTALL_FAILURES)],
  claims: Object.keys(CLAIM_FAULTS),
  import: Object.keys(DEVICE_IMPORT_ERRORS),
  rules: [...Object.keys(PLAN_ERRORS), ...Object.keys(RELEASE_ERRORS)],
  'store-away': Object.keys(STORE_AWAY_REASONS),
  backup: Object.keys(BACKUP_ERRORS),
  audit: Object.keys(AUDIT_FAULTS),
  trust: Object.keys(METADATA_ERRORS),
  cli: codesOfCommandLine(),
  'exit-codes-cli': Object.keys(EXIT_CODES),
  'exit-codes-server': exitNames('apps/server/src/exit-codes.ts'),
  'exit-codes-agent': exitNames('apps/agent/src/exit-codes.ts'),
};

describe('the pages of docs/errors', () => {
  for (const area of ERROR_AREAS) {
    test(`${area.name}: every code that the source knows has its text, and every text its code`, () => {
      const known = TABLES[area.name] ?? [];
      assert.ok(known.length > 0, 'a table that was found');
      assert.deepEqual(Object.keys(area.codes).sort(), [...new Set(known)].sort());
      for (const [code, texts] of Object.entries(area.codes)) {
        for (const text of texts) assert.match(text, /^[A-Z`"].*[.!]$/s, `${code} is explained in sentences: ${text}`);
      }
    });

    test(`${area.name}: the page in docs is the one that the command prints`, () => {
      const again = `npm run --silent outrider -- explain --page ${area.name} > docs/errors/${area.name}.md`;
      assert.equal(sourceOf(`docs/errors/${area.name}.md`), errorPage(area), `write it again: ${again}`);
    });
  }

  test('the index lists every code, and the folder holds no other page', () => {
    const again = 'write it again: npm run --silent outrider -- explain --page README > docs/errors/README.md';
    assert.equal(sourceOf('docs/errors/README.md'), errorIndex(), again);
    const wanted = ['README.md', ...ERROR_AREAS.map((area) => `${area.name}.md`)];
    assert.deepEqual(readdirSync(pages).sort(), wanted.sort());
  });

  test('links between the pages lead somewhere', () => {
    for (const name of readdirSync(pages)) {
      const text = readFileSync(join(pages, name), 'utf8');
      for (const [, path = '', anchor] of text.matchAll(/\]\(([\w./-]+\.md)(?:#([\w-]+))?\)/g)) {
        const target = readFileSync(join(pages, path), 'utf8');
        if (anchor !== undefined) assert.ok(target.includes(`\n## ${anchor}\n`), `${name} -> ${path}#${anchor}`);
      }
    }
  });

  test('outrider explain prints what a code means wherever it is met, without a server', async () => {
    const { code, output } = await world.run('explain', 'store-away');
    assert.equal(code, 0);
    assert.match(output, /^store-away \(Answers of the server, HTTP 503\)\n/);
    assert.match(output, /\nstore-away \(Why a device gets no permit yet\)\n/);
    const unknown = await world.run('explain', 'store');
    assert.deepEqual([unknown.code, unknown.log.includes('there are store-away')], [3, true]);
  });
});
