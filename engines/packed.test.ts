// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  cpSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { after, before, test } from 'node:test';
import { removeEmbeddedPostgres } from '@outrider/adapters/server/embedded-postgres';
import { checkoutRoot } from '../scripts/gates.ts';
import { packAll } from '../scripts/pack/pack-all.ts';
import { fromNpm } from './from-npm.ts';
import { asOrdinaryUser, type NoNetwork, noNetwork, ORDINARY_USER } from './way/no-network.ts';
import { bareEnvironment, type Ended, type Place, runIn, said } from './way/programs.ts';
import { type Commands, shipARelease } from './way/ship-a-release.ts';

/** Everybody may pass here; what is private lies in folders of its own below. */
const field = mkdtempSync(join(tmpdir(), 'outrider packed '));
const installation = join(field, 'an installation');
/** A plain Node 26 on the PATH, as a machine has that somebody set up for it: nothing of the checkout. */
const runtime = join(field, 'runtime');
const COMMAND_FOLDER = join(installation, 'node_modules', '.bin');
let tarballs: readonly string[];
let network: NoNetwork | undefined;

before(async () => {
  chmodSync(field, 0o755);
  mkdirSync(runtime);
  copyFileSync(process.execPath, join(runtime, 'node'));
  chmodSync(join(runtime, 'node'), 0o755);
  tarballs = await packAll(checkoutRoot(), join(field, 'tarballs'));
  mkdirSync(installation);
  await install(installation, tarballs);
  network = await noNetwork();
});

after(() => {
  network?.end();
  rmSync(field, { recursive: true, force: true });
});

/** What npm needs of the environment that the tests were started in: its registry, its cache, proxies. */
async function install(folder: string, packages: readonly string[]): Promise<void> {
  const flags = ['--no-audit', '--no-fund', '--json=false', '--loglevel=error'];
  const environment = { ...definedOf(process.env), PATH: pathWith(runtime) };
  await said({ folder, environment, wrapper: [] }, ['npm', 'install', ...flags, '--prefix', folder, ...packages]);
}

/** The folders of this machine's own programs; the checkout's come first when npm runs the tests, and are left out. */
function pathWith(...first: readonly string[]): string {
  const own = (process.env.PATH ?? '').split(':').filter((one) => !one.includes('node_modules'));
  return [...first, ...own].join(':');
}

function definedOf(environment: NodeJS.ProcessEnv): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(environment).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

/** A folder with a space in its name below one that only its owner may enter. */
function privatePlace(name: string, owner?: typeof ORDINARY_USER): Place {
  const parent = join(field, name);
  const folder = join(parent, 'a fleet');
  mkdirSync(folder, { recursive: true });
  chmodSync(parent, 0o700);
  if (owner !== undefined) for (const one of [parent, folder]) chownSync(one, owner.uid, owner.gid);
  const environment = {
    ...bareEnvironment(pathWith(COMMAND_FOLDER, runtime)),
    ...network?.environment,
    // Of this place alone: its user writes there, and nothing in it comes from the checkout.
    NODE_COMPILE_CACHE: join(parent, 'compiled'),
  };
  return { folder, environment, wrapper: network?.wrapper ?? [] };
}

const COMMANDS: Commands = {
  outrider: ['outrider'],
  server: ['outrider', 'up', '--data', 'data', '--port', '0'],
  agent: ['outrider-agent'],
};

test('from the tarballs alone, without network, this user ships a release to a device', async (t) => {
  t.diagnostic(`without network: ${network?.how}`);
  const place = privatePlace('own');
  after(() => removeEmbeddedPostgres(join(place.folder, 'data')));
  await shipARelease(place, { ...COMMANDS, look: (url) => seePage(place, url) });
});

/** From inside the place: its network is not this process's. */
async function seePage(place: Place, url: string): Promise<void> {
  const ask = `const page = await (await fetch('${url}/')).text();
    const script = await fetch(new URL(/src="([^"]+)"/.exec(page)[1], '${url}'));
    console.log(page, script.status, script.headers.get('content-type'));`;
  const seen = await said(place, ['node', '--input-type=module', '--eval', ask]);
  assert.match(seen, /<!doctype html>.* 200 text\/javascript/is);
}

test('an ordinary user does so too, with the server called by its own name', async (t) => {
  const asUser = asOrdinaryUser();
  if (asUser === undefined) t.diagnostic('This user is an ordinary one: it is done a second time');
  const place = privatePlace('ordinary', asUser === undefined ? undefined : ORDINARY_USER);
  await shipARelease(
    { ...place, wrapper: [...place.wrapper, ...(asUser ?? [])] },
    { ...COMMANDS, server: ['outrider-server', '--data', 'data', '--port', '0'] },
  );
});

test('what was not installed, and what is not published, is one sentence', async () => {
  const alone = join(field, 'alone');
  mkdirSync(alone);
  await install(alone, [tarball('cli')]);
  const place = { ...privatePlace('missing'), wrapper: [] };
  const environment = { ...place.environment, PATH: pathWith(join(alone, 'node_modules', '.bin'), runtime) };
  const up = await runIn({ ...place, environment }, ['outrider', 'up', '--data', 'data']);
  assert.equal(up.code, 3);
  assert.match(lastLine(up), /^outrider: The package @outrider\/server is not installed beside this command line; /);
  const demo = await runIn({ ...place, environment }, ['outrider', 'demo']);
  assert.equal(demo.code, 3);
  assert.match(lastLine(demo), /^outrider: .*demonstration.* repository/);
  assert.equal((await runIn({ ...place, environment }, ['outrider', '--help'])).code, 0);
});

test('an older Node is told what is needed, and a newer one beside the package is found', async () => {
  const older = dirname(join(await fromNpm(OLDER_NODE.name, OLDER_NODE.version), 'bin', 'node'));
  const folder = join(field, 'older');
  cpSync(installation, folder, { recursive: true, verbatimSymlinks: true });
  const environment = bareEnvironment(pathWith(join(folder, 'node_modules', '.bin'), older));
  const place = { folder, environment, wrapper: [] };
  for (const command of ['outrider', 'outrider-server', 'outrider-agent']) {
    const refused = await runIn(place, [command, '--help']);
    assert.deepEqual([refused.code, refused.output], [1, '']);
    assert.match(refused.log, /^outrider: This is Node 20\.\d+\.\d+, needed is 26 or newer; [^\n]+\n$/);
  }
  const beside = join(checkoutRoot(), 'node_modules', OLDER_NODE.name);
  symlinkSync(beside, join(folder, 'node_modules', OLDER_NODE.name));
  assert.match(await said(place, ['outrider', '--version']), /^\d+\.\d+\.\d+\n$/);
  assert.equal((await runIn(place, ['outrider', 'release', 'list', '--data', 'nowhere'])).code, 5);
});

/** The Node of many machines, as a package for this platform. */
const OLDER_NODE = { name: nodePackage(), version: '20.8.0' } as const;

function nodePackage(): string {
  return process.platform === 'darwin' ? `node-bin-darwin-${process.arch}` : `node-linux-${process.arch}`;
}

test('the tarballs hold no source, no test and no package of somebody else', async () => {
  for (const product of ['server', 'agent', 'cli']) {
    const home = join(installation, 'node_modules', '@outrider', product);
    const files = globSync('**/*.*', { cwd: home });
    assert.ok(files.length > 50, `${product} has ${files.length} files`);
    assert.deepEqual(
      files.filter((one) => /\.ts$|\.test\.|testkit/.test(one)),
      [],
    );
    const foreign = globSync('node_modules/*', { cwd: home }).filter((one) => one !== 'node_modules/@outrider');
    assert.deepEqual(foreign, []);
  }
  const agent = join(
    installation,
    'node_modules',
    '@outrider',
    'agent',
    'node_modules',
    '@outrider',
    'adapters',
    'dist',
  );
  assert.deepEqual(globSync('server/**', { cwd: agent }), []);
});

function tarball(product: string): string {
  const found = tarballs.find((one) => one.includes(`outrider-${product}-`));
  assert.ok(found !== undefined);
  return found;
}

function lastLine({ log }: Ended): string {
  return log.trimEnd().split('\n').at(-1) ?? '';
}
