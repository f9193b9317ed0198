// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer as createNetServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { after, test } from 'node:test';
import { present } from '@outrider/domain/kernel/assert';
import { checkoutRoot } from '../scripts/gates.ts';
import { debianProgram } from './debian-program.ts';
import { openSwUpdate } from './swupdate/client.ts';
import { makeSwu, makeSwuKey, OPENSSL } from './swupdate/swu.ts';
import { startTerminator } from './swupdate/terminator.ts';
import { bareEnvironment, type Place, type Running, said, startIn } from './way/programs.ts';
import { until, untilReady } from './way/ship-a-release.ts';

const root = checkoutRoot();
const folder = mkdtempSync(join(tmpdir(), 'outrider swupdate '));
chmodSync(folder, 0o755);
const environment = { ...bareEnvironment(process.env.PATH ?? ''), OUTRIDER_ROOT: root };
const place: Place = { folder, environment, wrapper: [] };
const main = (app: string) => [process.execPath, join(root, 'apps', app, 'src', 'main.ts')];
const outrider = (...words: readonly string[]) => said(place, [...main('cli'), ...words]);
const onServer = (...words: readonly string[]) => outrider(...words, '--data', 'data');

const endings: (() => unknown)[] = [() => rmSync(folder, { recursive: true, force: true })];
after(async () => {
  const faults: unknown[] = [];
  for (const end of endings.toReversed()) await Promise.resolve(end()).catch((cause) => faults.push(cause));
  assert.deepEqual(faults, []);
});

const swupdate = await openSwUpdate();
endings.push(() => swupdate.remove());
const openssl = await debianProgram(OPENSSL);
endings.push(() => openssl.remove());
const key = await makeSwuKey(openssl, folder, 'good');
const stranger = await makeSwuKey(openssl, folder, 'stranger');

await said(place, ['sh', '-c', 'mkdir -m 700 data && echo correct horse battery > root.pass']);
await outrider('ca', 'init', '--data', 'data', '--server-name', '127.0.0.1', '--passphrase-file', 'root.pass');
const roots = join(folder, 'roots.pem');
copyFileSync(join(folder, 'data', 'ca', 'roots.pem'), roots);
chmodSync(roots, 0o644);
// The files of proxies hold no path with a space.
const proxies = mkdtempSync(join(tmpdir(), 'outrider-proxies-'));
endings.push(() => rmSync(proxies, { recursive: true, force: true }));
const gatewaySocket = join(proxies, 'gateway.sock');
const server = startIn(place, [
  ...main('cli'),
  ...['up', '--data', 'data', '--port', '0', '--tls-port', '0', '--terminator-socket', gatewaySocket],
]);
endings.push(async () => assert.equal(await server.stop(), 0, server.said()));

const GROUPS = ['build', 'engineering'] as const;
const VERSION = '2.0.0';
const KEPT_ERROR = 'the valve is stuck';
await Promise.all(GROUPS.map((name) => outrider('key', 'create', '--group', name, '--out', `${name}.key.json`)));
await outrider(
  ...['key', 'role', '--threshold', '2', '--out', 'data/release-role.json'],
  ...GROUPS.flatMap((name) => ['--key', `${name}.public.json`]),
);
// Where SWUpdate, an ordinary user, writes the payload.
const written = join(folder, 'written');
mkdirSync(written);
chmodSync(written, 0o777);
const installed = join(written, 'payload');
const PAYLOAD = Buffer.alloc(2_000_000, 7);
await makeSwu(openssl, join(folder, 'gate.swu'), key, {
  version: VERSION,
  target: installed,
  script: `[ ! -e "$TMPDIR/stuck" ] || { echo ${KEPT_ERROR}; exit 3; }`,
  payload: PAYLOAD,
});
const digest = (await outrider('release', 'pack', '--file', 'gate.swu', '--only-digest')).trim();
// On benches what fails is no evidence: of a rollout whose devices fail the rule would halt whoever comes after them.
const TYPES = ['gate', 'bench'] as const;
for (const type of TYPES) {
  await outrider(
    ...['release', 'create', '--device-type', type, '--version', VERSION, '--first', '--out', `${type}.json`],
    ...['--component', `main:${digest}:rev-a`],
  );
  for (const name of GROUPS) await outrider('release', 'sign', `${type}.json`, '--key', `${name}.key.json`);
}
const url = await untilReady(server);
for (const type of TYPES) await onServer('release', 'publish', `${type}.json`);
const CERTIFIED = ['by-haproxy', 'by-envoy', 'by-gateway'] as const;
const TOKENS = ['plain', 'broken', 'tunnelled', 'installed', 'stopped', 'denied'] as const;
const FAILING = ['fallen', 'stuck', 'tampered'] as const;
const NAMES = [...TOKENS, ...CERTIFIED, ...FAILING] as const;
const typeOf = (name: Name): (typeof TYPES)[number] => (FAILING.some((one) => one === name) ? 'bench' : 'gate');
writeFileSync(
  join(folder, 'devices.ndjson'),
  NAMES.map((deviceId) => {
    const device = { deviceId, deviceType: typeOf(deviceId), hardwareId: 'rev-a', tags: ['dogfood'] };
    return `${JSON.stringify(device)}\n`;
  }).join(''),
);
await onServer('device', 'add', '--ddi', '--file', 'devices.ndjson', '--tokens', 'tokens.ndjson');
const tokens = new Map<unknown, unknown>(
  readFileSync(join(folder, 'tokens.ndjson'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
    .map(({ deviceId, targetToken }) => [deviceId, targetToken]),
);
for (const type of TYPES) {
  const planned = [
    '--release',
    `${type}-${VERSION}`,
    '--device-type',
    type,
    '--everyone',
    '--id',
    type,
    '--print-plan',
  ];
  const plan = JSON.parse(await onServer('rollout', 'create', ...planned));
  const counted = type === 'gate' ? ['certificate', 'target-token'] : [];
  writeFileSync(join(folder, `${type}.plan.json`), JSON.stringify({ ...plan, ddiReportsCounted: counted }));
  await onServer('rollout', 'create', '--plan', `${type}.plan.json`);
  await onServer('rollout', 'approve', type);
  await onServer('rollout', 'start', type);
}

type Name = (typeof NAMES)[number];

interface Started {
  readonly address?: string;
  readonly token?: string;
  readonly options?: readonly string[];
  readonly certificateFile?: string;
  readonly files?: Readonly<Record<string, string>>;
  readonly configuration?: string;
  /** What the start script of a device says of the software it has just booted; absent: an ordinary start. */
  readonly confirm?: number;
}

/** What `-c` says: without a boot loader's environment it stands for what that would have kept over the restart. */
const [HAS_COME_UP, HAS_FALLEN_BACK] = [2, 3];

function start(name: Name, more: Started = {}): Running {
  const { address = url, certificateFile = key.certificateFile, token = String(tokens.get(name)), confirm } = more;
  const shown = more.options ?? ['-u', address, '-k', token];
  const options = confirm === undefined ? shown : [...shown, '-c', String(confirm)];
  const running = swupdate.start(name, options, { ...more, certificateFile });
  endings.push(() => running.stop());
  return running;
}

/** The payload lies where the release puts it, and SWUpdate is ready to restart into it. */
async function installs(client: Running, name: Name): Promise<void> {
  rmSync(installed, { force: true });
  await until(`${name} has installed it`, client, async () =>
    client.said().includes('Update successful, executing post-update actions'),
  );
  assert.deepEqual(readFileSync(installed), PAYLOAD);
}

/** Started anew as after a restart into the new software. */
async function comesUpWell(name: Name, more: Started = {}): Promise<void> {
  const client = start(name, { ...more, confirm: HAS_COME_UP });
  await endsAs(client, name, 'succeeded');
  await until('the registry knows what it runs', client, async () => (await runs(name)) === VERSION);
  await client.stop();
}

/** By the API itself, which is asked ten times a second: a command line each time would keep the machine busy. */
async function ask(path: string) {
  const token = readFileSync(join(folder, 'data', 'admin-token'), 'utf8').trim();
  const response = await fetch(`${url}/api/v1${path}`, { headers: { authorization: `Bearer ${token}` } });
  assert.equal(response.status, 200, `${path}: ${await response.clone().text()}`);
  return JSON.parse(await response.text());
}

interface Action {
  readonly state: string;
  readonly actionId: number;
  readonly installedAt?: number;
}

async function actions(name: Name): Promise<readonly Action[]> {
  return (await ask(`/ddi-devices/${name}`)).actions;
}

const endsAs = (client: Running, name: Name, state: string) =>
  until(`the deployment of ${name} is ${state}`, client, async () =>
    (await actions(name)).some((one) => one.state === state),
  );

async function runs(name: Name): Promise<string> {
  return (await ask(`/devices/${name}`)).record.status.running.version;
}

async function reportsOf(name: Name): Promise<readonly { readonly event: string; readonly detail?: string }[]> {
  const { items } = await ask(`/rollouts/${typeOf(name)}/reports`);
  return items.flatMap((one: { readonly report: { readonly deviceId: string } }) =>
    one.report.deviceId === name ? [one.report] : [],
  );
}

test('the SWUpdate that speaks is the one of Debian 12', () => {
  assert.match(swupdate.version, /^2022\.12/);
});

test('SWUpdate with a target token installs a release, is counted as verified once it has come up again, and is then idle', async () => {
  const client = start('plain');
  await installs(client, 'plain');
  await client.stop();
  assert.deepEqual(
    await reportsOf('plain'),
    [],
    'it has not yet come up again, so nothing is known of the new software',
  );
  assert.equal(await runs('plain'), '0.0.0');
  await comesUpWell('plain');
  assert.equal(await runs('plain'), VERSION);
  // It sleeps as long as the server says; started anew it polls at once.
  const idle = async () => (await ask('/status')).counters.ddi?.idle ?? 0;
  const before = await idle();
  const again = start('plain');
  await until('it has polled again', again, async () => (await idle()) > before);
  assert.equal((await actions('plain')).length, 1, 'and it is not shown again');
  assert.deepEqual(
    (await reportsOf('plain')).map((one) => one.event),
    ['verified'],
  );
});

test('a download that breaks off is resumed where it stopped', async () => {
  const proxy = await breakingProxy(new URL(url).port, 600_000);
  endings.push(proxy.close);
  const client = start('broken', { address: proxy.url });
  await installs(client, 'broken');
  assert.equal(proxy.breaks(), 1, 'the download was broken off');
  assert.match(proxy.requests(), /[Rr]ange: bytes=\d+-/);
  await client.stop();
  await comesUpWell('broken');
});

/** Where a proxy in front of the gateway listens, or the gateway itself. */
async function doorOf(kind: 'haproxy' | 'envoy' | 'gateway'): Promise<string> {
  if (kind === 'gateway') return present(/mutual TLS at (https:\/\/\S+)/.exec(server.said())?.[1], 'its TLS port');
  const configure = (flags: readonly string[]) => onServer('terminator', 'config', ...flags);
  const terminator = await startTerminator(kind, { folder: join(proxies, kind), gatewaySocket, configure });
  endings.push(() => terminator.close());
  return `https://127.0.0.1:${terminator.port}`;
}

/** A key that the device has made by itself, and the certificate that the CA has made for it. */
async function certify(name: Name, kind: 'p-256' | 'rsa'): Promise<string> {
  const [keyFile, certificateFile] = [join(folder, `${name}.key`), join(folder, `${name}.pem`)];
  const ofKind = kind === 'rsa' ? ['rsa:2048'] : ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];
  const subject = ['-config', join(folder, 'openssl.cnf'), '-subj', `/CN=${name}`];
  const csr = join(folder, `${name}.csr`);
  await openssl.run('req', '-new', '-newkey', ...ofKind, '-nodes', ...subject, '-keyout', keyFile, '-out', csr);
  chmodSync(keyFile, 0o644);
  await onServer('ddi', 'certificate', name, '--csr', csr, '--out', certificateFile);
  return `sslkey = "${keyFile}"; sslcert = "${certificateFile}";`;
}

const trusting = (more: string) => `globals : { };\nsuricatta : { cafile = "${roots}"; ${more} };\n`;

for (const [name, kind, keyKind] of [
  ['by-haproxy', 'haproxy', 'rsa'],
  ['by-envoy', 'envoy', 'p-256'],
  ['by-gateway', 'gateway', 'p-256'],
] as const) {
  test(`SWUpdate with a certificate for its ${keyKind} key and no token installs it through ${kind}`, async () => {
    const options = ['-u', await doorOf(kind)];
    const shown = { options, configuration: trusting(await certify(name, keyKind)) };
    const client = start(name, shown);
    await installs(client, name);
    await client.stop();
    await comesUpWell(name, shown);
    assert.equal(await runs(name), VERSION);
  });
}

test('SWUpdate with a target token and no certificate installs it over TLS', async () => {
  const options = ['-u', await doorOf('gateway'), '-k', String(tokens.get('tunnelled'))];
  const shown = { options, configuration: trusting('') };
  const client = start('tunnelled', shown);
  await installs(client, 'tunnelled');
  await client.stop();
  await comesUpWell('tunnelled', shown);
});

test('a wrong token installs nothing', async () => {
  const refused = async () => (await ask('/status')).counters.refused?.['ddi-token-invalid'] ?? 0;
  const before = await refused();
  const client = start('denied', { token: 'not-the-token' });
  await until('it was refused', client, async () => (await refused()) > before);
  assert.deepEqual(await actions('denied'), []);
});

test('a pause before the installation reaches it as a cancellation', async () => {
  const shown = await poll('stopped');
  assert.match(String(shown._links?.deploymentBase?.href), /deploymentBase/);
  const waiting = start('installed');
  await installs(waiting, 'installed');
  await until('it has told', waiting, async () => (await actions('installed'))[0]?.installedAt !== undefined);
  await waiting.stop();
  rmSync(installed);
  await onServer('rollout', 'pause', 'gate', '--reason', 'a bad feeling');
  const client = start('stopped');
  await endsAs(client, 'stopped', 'cancelled');
  assert.equal(await runs('stopped'), '0.0.0');
});

test('what was installed before the pause is told after the restart, and is not installed again', async () => {
  const isPaused = async () => (await ask('/rollouts/gate')).rollout.state === 'paused';
  assert.ok(await isPaused(), 'the rollout is paused');
  const [before] = await actions('installed');
  // Restarted without a word of its boot loader it is shown nothing to install, and waits.
  const silent = start('installed');
  const polls = async () => (await ask('/status')).counters.ddi?.['installed-unpermitted'] ?? 0;
  const asked = await polls();
  await until('it has polled twice', silent, async () => (await polls()) > asked + 1);
  await silent.stop();
  assert.ok(!existsSync(installed), 'nothing was written');
  await comesUpWell('installed');
  assert.ok(await isPaused(), 'and still is');
  const [after, ...others] = await actions('installed');
  assert.deepEqual([after?.actionId, after?.state, others], [before?.actionId, 'succeeded', []]);
});

test('software that does not come up is an installation that failed', async () => {
  const client = start('fallen');
  await installs(client, 'fallen');
  await client.stop();
  await endsAs(start('fallen', { confirm: HAS_FALLEN_BACK }), 'fallen', 'failed');
  const [report] = await reportsOf('fallen');
  assert.equal(report?.event, 'install-failed');
  assert.match(report?.detail ?? '', /Update Failed/);
  assert.equal(await runs('fallen'), '0.0.0');
});

test('a script that fails, and a file that a stranger signed, are installations that failed', async () => {
  const stuck = start('stuck', { files: { stuck: '' } });
  const tampered = start('tampered', { certificateFile: stranger.certificateFile });
  await endsAs(stuck, 'stuck', 'failed');
  await endsAs(tampered, 'tampered', 'failed');
  for (const name of ['stuck', 'tampered'] as const) {
    assert.equal(await runs(name), '0.0.0');
    const [report, ...others] = await reportsOf(name);
    assert.deepEqual([report?.event, others], ['install-failed', []]);
    assert.match(report?.detail ?? '', WHY[name]);
  }
});

/** What SWUpdate says on the way; when it closes it says of both that it found no suitable image. */
const WHY = { stuck: /ERROR : execute preinstall scripts failed/, tampered: /ERROR : .*[Ss]ign/ };

async function poll(name: Name) {
  const response = await fetch(`${url}/default/controller/v1/${name}`, {
    headers: { authorization: `TargetToken ${tokens.get(name)}` },
  });
  assert.equal(response.status, 200);
  return (await response.json()) as { readonly _links?: { readonly deploymentBase?: { readonly href: string } } };
}

/** Cuts the first connection that carries more than so many bytes to the client; the links of the server lead through it. */
async function breakingProxy(port: string, bytesMax: number) {
  let breaks = 0;
  let requests = '';
  const open = new Set<Socket>();
  const proxy = createNetServer((client) => {
    const upstream = connect(Number(port), '127.0.0.1');
    let bytes = 0;
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        open.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.on('data', (chunk: Buffer) => {
      requests += chunk.toString('latin1').slice(0, 2_000);
      upstream.write(chunk);
    });
    upstream.on('data', (chunk: Buffer) => {
      bytes += chunk.byteLength;
      if (breaks === 0 && bytes > bytesMax) {
        breaks++;
        client.destroy();
        return;
      }
      client.write(chunk);
    });
  });
  await new Promise<void>((resolve) => {
    proxy.listen(0, '127.0.0.1', resolve);
  });
  const address = proxy.address();
  assert.ok(typeof address === 'object' && address !== null);
  return {
    url: `http://127.0.0.1:${address.port}`,
    breaks: () => breaks,
    requests: () => requests,
    close() {
      for (const socket of open) socket.destroy();
      proxy.close();
    },
  };
}
