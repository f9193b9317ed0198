// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import {
  execute,
  type PostgresForTests,
  startPostgresForTests,
} from '@outrider/adapters/server/postgres/postgres-for-tests';
import { EXIT_CODES } from '../exit-codes.ts';

const PROGRAM = fileURLToPath(new URL('../main.ts', import.meta.url));
/** The worst that can be: it stands for the word everybody would look for. */
const PASSWORD = 'Tr0ub4dor-and-3';

const folder = await mkdtemp(join(tmpdir(), 'outrider-own-database-'));
let postgres: PostgresForTests;
let address: string;

before(async () => {
  postgres = await startPostgresForTests();
  const { connection } = postgres.postgres;
  await execute(connection, `create role fleet login password '${PASSWORD}'`);
  await execute(connection, 'create database fleet owner fleet');
  address = `127.0.0.1:${connection.port}`;
});

after(async () => {
  await postgres.remove();
  await rm(folder, { recursive: true });
});

interface Ended {
  readonly code: number;
  readonly said: string;
}

async function run(
  environment: Readonly<Record<string, string>>,
  parameters: readonly string[],
  whileReady: (pid: number, said: () => string) => Promise<void> = async () => {},
): Promise<Ended> {
  const child = spawn(process.execPath, [PROGRAM, '--port', '0', ...parameters], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH ?? '', ...environment },
  });
  let said = '';
  const ended = once(child, 'close');
  let ready = () => {};
  const isReady = new Promise<'ready'>((resolve) => {
    ready = () => resolve('ready');
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (part) => {
      said += part;
      if (said.includes('Outrider is ready')) ready();
    });
  }
  if ((await Promise.race([isReady, ended])) === 'ready') {
    await whileReady(child.pid ?? 0, () => said);
    child.kill('SIGTERM');
  }
  const [code] = await ended;
  assert.equal(said.includes(PASSWORD), false, 'the password was said');
  assert.equal(said.includes(encodeURIComponent(PASSWORD)), false);
  return { code, said };
}

test("a server on a database of one's own works, and its password is in no output, file or process title", async () => {
  const data = join(folder, 'data');
  const secret = join(folder, 'url');
  await writeFile(secret, `postgres://fleet:${PASSWORD}@${address}/fleet\n`, { mode: 0o600 });
  const { code, said } = await run(
    {},
    ['--data', data, '--database-url-file', secret, '--log-level', 'debug', '--public-url', 'https://updates.example'],
    async (pid, soFar) => {
      const url = /ready at (http:\S+),/.exec(soFar())?.[1];
      assert.equal((await fetch(`${url}/health/ready`)).status, 200);
      const token = (await readFile(join(data, 'admin-token'), 'utf8')).trim();
      const document = await fetch(`${url}/api/v1/openapi.json`, { headers: { authorization: `Bearer ${token}` } });
      // biome-ignore lint/suspicious/noExplicitAny: the line below says what is expected of it
      const { servers }: any = await document.json();
      assert.deepEqual(servers, [{ url: 'https://updates.example' }], 'the document says where others reach it');
      const titles = await processTitles();
      assert.ok(
        titles.some((title) => title.includes(String(secret))),
        'the titles were looked at',
      );
      assert.equal(
        titles.some((title) => title.includes(PASSWORD)),
        false,
        `of ${pid}`,
      );
    },
  );
  assert.equal(code, EXIT_CODES.stopped, said);
  assert.match(said, /"settings":\{.*"databaseUrlFile"/);
  for (const path of await readdir(data, { recursive: true, withFileTypes: true })) {
    if (!path.isFile()) continue;
    const text = await readFile(join(path.parentPath, path.name), 'latin1');
    assert.equal(text.includes(PASSWORD), false, path.name);
  }
});

for (const [name, environment] of [
  ['database-login-refused', () => ({ DATABASE_URL: `postgres://nobody:${PASSWORD}@${address}/fleet` })],
  ['database-missing', () => ({ DATABASE_URL: `postgres://fleet:${PASSWORD}@${address}/none` })],
  ['database-rights-missing', () => ({ DATABASE_URL: `postgres://fleet:${PASSWORD}@${address}/outrider` })],
  [
    'database-tls-refused',
    () => ({ DATABASE_URL: `postgres://fleet:${PASSWORD}@${address}/fleet?sslmode=verify-full` }),
  ],
  ['database-away', () => ({ DATABASE_URL: `postgres://fleet:${PASSWORD}@127.0.0.1:1/fleet` })],
  ['database-url-malformed', () => ({ DATABASE_URL: `postgres://fleet:${PASSWORD}@${address}/fleet?sslmod=require` })],
  ['usage', () => ({ DATABASE_URL: `mysql://fleet:${PASSWORD}@${address}/fleet` })],
] as const) {
  test(`a server that cannot start for ${name} ends with that exit code and one sentence without the password`, async () => {
    const { code, said } = await run(environment(), ['--data', join(folder, name)]);
    assert.equal(code, EXIT_CODES[name], said);
    const sentences = said.split('\n').filter((line) => line !== '' && !line.startsWith('{'));
    assert.equal(sentences.length, 1, said);
    assert.match(sentences[0] ?? '', /^The server did not start: [A-Z]/);
  });
}

/** What `ps` shows to every user: the command lines of all processes. */
async function processTitles(): Promise<readonly string[]> {
  const pids = await readdir('/proc').catch(() => undefined);
  if (pids === undefined) return (await promisify(execFile)('ps', ['-eww', '-o', 'command='])).stdout.split('\n');
  const numbered = pids.filter((name) => /^\d+$/.test(name));
  // A process may end between the two looks.
  return await Promise.all(numbered.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
}
