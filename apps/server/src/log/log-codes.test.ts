// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { test } from 'node:test';
import type { SchemaLog } from '@outrider/adapters/server/postgres/schema';
import { LOG_LEFT_OUT } from '@outrider/adapters/shared/log-lines';
import type { SettingNotice } from '@outrider/adapters/shared/settings/program-settings';
import type { ClockHold } from '@outrider/domain/kernel/clock-guard';

const SOURCES = new URL('../', import.meta.url);
const PAGE = new URL('../../../../docs/observability.md', import.meta.url);

/** Codes that come from elsewhere and are handed through: one that is added there is a compile error here. */
const HANDED_THROUGH = {
  'config-readable-by-others': ['server'],
  'variable-unknown': ['server'],
  migrated: ['server'],
  'migration-waits': ['server'],
  'schema-newer-compatible': ['server'],
  'clock-jumped': ['server'],
  'clock-behind-store': ['server'],
  'clock-far-ahead': ['server'],
  [LOG_LEFT_OUT]: ['server'],
  'storage-full': ['release', 'delta'],
} satisfies Readonly<Record<HandedThrough, readonly string[]>>;

type HandedThrough =
  | SettingNotice['code']
  | Parameters<SchemaLog>[0]
  | ClockHold['code']
  | typeof LOG_LEFT_OUT
  | 'storage-full';

test('every code of the log stands on the page with its stage, and the page has no other', async () => {
  const inSource = new Set(
    Object.entries(HANDED_THROUGH).flatMap(([code, stages]) => stages.map((stage) => `${stage} ${code}`)),
  );
  for (const [path, text] of await sources()) {
    for (const [, stage, code] of text.matchAll(LOGGED)) inSource.add(`${stage} ${code}`);
    for (const [line] of text.matchAll(UNNAMED)) {
      assert.ok(KNOWN_UNNAMED.has(line.trim()), `${path} logs under a code that is not written out: ${line.trim()}`);
    }
  }
  const page = await readFile(PAGE, 'utf8');
  const onPage = [...page.matchAll(/^\| `([a-z-]+)` \| ([a-z, ]+) \| (?:debug|info|warn|error)/gm)].flatMap(
    ([, code = '', stages = '']) => stages.split(', ').map((stage) => `${stage} ${code}`),
  );
  assert.ok(inSource.size > 20, 'codes were found');
  assert.deepEqual(onPage.sort(), [...inSource].sort());
});

/** `stage: 'gateway', code: 'internal-error'`, over one line or two. */
const LOGGED = /\bstage: '([a-z]+)',\s*code: '([a-z-]+)'/g;
/** The same with a code that is a variable. */
const UNNAMED = /^.*\b(?:stage: [^,]+,\s*code(?!: ')|stage: (?!'))[^\n]*code.*$/gm;

/** Where `HANDED_THROUGH` is logged, and where a stage is handed on to what is logged with it. */
const KNOWN_UNNAMED: ReadonlySet<string> = new Set([
  "for (const { code, sentence } of flags.notices) log.warn({ stage: 'server', code }, sentence);",
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a line of source
  "log.error({ stage: 'server', code, jumpMs, since }, `${SENTENCES[code]}; see outrider status`);",
  "return (code, message) => log.info({ stage: 'server', code }, message);",
  "told.log.error({ stage: told.stage, code: 'storage-full', cause: error.detail }, 'The disk for blobs is full');",
]);

async function sources(): Promise<readonly (readonly [path: string, text: string])[]> {
  const entries = await readdir(SOURCES, { recursive: true });
  const paths = entries.filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts'));
  return Promise.all(paths.map(async (path) => [path, await readFile(new URL(path, SOURCES), 'utf8')] as const));
}
