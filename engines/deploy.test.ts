// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, globSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { removeEmbeddedPostgres, startEmbeddedPostgres } from '@outrider/adapters/server/embedded-postgres';
import { freePort } from '@outrider/testkit/free-port';
import { checkoutRoot } from '../scripts/gates.ts';
import { manifestList, manifests, SMALL } from '../scripts/kubernetes-manifests.ts';
import { debianProgram } from './debian-program.ts';
import { fromNpm } from './from-npm.ts';
import { untilReady } from './way/gateways.ts';
import { bareEnvironment } from './way/programs.ts';

const DEPLOY = join(checkoutRoot(), 'deploy');

describe('Kubernetes', async () => {
  const folder = await fromNpm('kubernetes-models', '5.1.0');

  /** By the JSON Schema of its kind, made from Kubernetes' own OpenAPI document. Rejects with what is wrong. */
  async function validate(manifest: { readonly apiVersion: string; readonly kind: string }): Promise<void> {
    const models = pathToFileURL(join(folder, manifest.apiVersion, 'index.js')).href;
    const script = `import { ${manifest.kind} } from '${models}'; new ${manifest.kind}(${JSON.stringify(manifest)}).validate();`;
    await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script]);
  }

  test('every manifest is what the schema of its kind allows', async () => {
    const all = manifests(SMALL);
    assert.ok(all.length > 8);
    for (const one of all) await validate(one);
  });

  test('a manifest with a value of another kind is seen', async () => {
    const deployment = manifests(SMALL).find(({ kind }) => kind === 'Deployment');
    assert.ok(deployment !== undefined);
    const spec = typeof deployment.spec === 'object' ? deployment.spec : {};
    await assert.rejects(validate({ ...deployment, spec: { ...spec, replicas: 'three' } } as typeof deployment));
  });

  test('the file that kubectl takes is the one that is made from the sizes', () => {
    const written = readFileSync(join(DEPLOY, 'kubernetes', 'outrider.json'), 'utf8');
    assert.deepEqual(JSON.parse(written), JSON.parse(manifestList(SMALL)));
  });
});

describe('systemd', async () => {
  const home = mkdtempSync(join(tmpdir(), 'outrider-systemd-'));
  const postgres = await startEmbeddedPostgres({ dataFolder: home, log: () => {} });
  after(async () => {
    await postgres.stop();
    await removeEmbeddedPostgres(home);
    rmSync(home, { recursive: true });
  });
  const units = readdirSync(join(DEPLOY, 'systemd')).filter((name) => name.endsWith('.service'));

  /** As on a machine where the programs are installed: the command of the unit, and nothing else of it, is put there. */
  const command = join(home, 'outrider-server');
  writeFileSync(command, `#!/bin/sh\nexec '${process.execPath}' '${checkoutRoot()}/apps/server/src/main.ts' "$@"\n`);
  chmodSync(command, 0o755);

  function unitOf(name: string): string {
    return readFileSync(join(DEPLOY, 'systemd', name), 'utf8').replaceAll('/usr/bin/outrider-server', command);
  }

  test('the units are what systemd takes, and a setting that is none is seen', async () => {
    const systemd = await debianProgram({
      ...{ name: 'systemd', version: '252.39-1~deb12u2', series: '252' },
      path: 'usr/bin/systemd-analyze',
    });
    after(() => systemd.remove());
    const root = join(systemd.home, 'root');
    const libraries = globSync('{usr/lib,lib}/*-linux-gnu/systemd', { cwd: root }).map((one) => join(root, one));
    const analyzer = {
      ...bareEnvironment(process.env.PATH ?? ''),
      LD_LIBRARY_PATH: [systemd.environment.LD_LIBRARY_PATH, ...libraries].join(':'),
      // Its own units, such as those of the network, beside ours.
      SYSTEMD_UNIT_PATH: [join(home, 'units'), join(root, 'lib/systemd/system')].join(':'),
    };
    async function said(unit: string): Promise<string> {
      const parameters = ['verify', '--man=no', '--recursive-errors=no', unit];
      const ended = await promisify(execFile)(systemd.program, parameters, { env: analyzer }).catch(
        (cause: { readonly stderr?: string }) => ({ stderr: cause.stderr ?? String(cause) }),
      );
      return ended.stderr ?? '';
    }
    const folder = join(home, 'units');
    mkdirSync(folder);
    for (const name of units) writeFileSync(join(folder, name), unitOf(name).replace(/^(User|Group)=.*$/gm, ''));
    for (const name of units) {
      const instance = join(folder, name.replace('@.', '@1.'));
      if (name.includes('@')) writeFileSync(instance, readFileSync(join(folder, name)));
      assert.doesNotMatch(await said(instance), FAULT);
    }
    const broken = join(folder, 'outrider-broken.service');
    writeFileSync(broken, unitOf('outrider-control.service').replace('[Service]', '[Service]\nRestartSoon=yes'));
    assert.match(await said(broken), FAULT);
  });

  const FAULT = /outrider.*(Unknown|Failed|Invalid|not executable)|cannot open shared object/i;

  test('the commands of the units, in their environment, start a control plane and a gateway that stop as asked', async () => {
    const { user, password, port: databasePort, database } = postgres.connection;
    const secret = join(home, 'database-url');
    writeFileSync(secret, `postgres://${user}:${encodeURIComponent(password)}@127.0.0.1:${databasePort}/${database}`, {
      mode: 0o600,
    });
    for (const name of ['outrider-control.service', 'outrider-gateway@.service']) {
      const port = String(await freePort());
      const unit = unitOf(name).replaceAll('%i', '1');
      const environment = {
        ...environmentIn(readFileSync(join(DEPLOY, 'systemd', 'outrider.env'), 'utf8')),
        ...environmentOfUnit(unit),
      };
      const placed = Object.fromEntries(
        Object.entries(environment).map(([key, value]) => [
          key,
          value.replace(/^\/(var\/lib|srv|etc)\/outrider/, join(home, '$1')),
        ]),
      );
      const given = {
        ...placed,
        DATABASE_URL_FILE: secret,
        OUTRIDER_HOST: '127.0.0.1',
        OUTRIDER_PORT: port,
        OUTRIDER_TLS_PORT: '0',
      };
      const child = spawn(execStartOf(unit), [], { env: given, stdio: 'ignore' });
      try {
        await untilReady(`http://127.0.0.1:${port}`);
        const stopped = once(child, 'exit');
        child.kill('SIGTERM');
        assert.deepEqual(await stopped, [0, null], `${name} ends with 0`);
      } finally {
        child.kill('SIGKILL');
      }
    }
  });
});

function execStartOf(unit: string): string {
  return /^ExecStart=(.+)$/m.exec(unit)?.[1] ?? '';
}

function environmentOfUnit(unit: string): Record<string, string> {
  const [, pairs = ''] = /^Environment=(.+)$/m.exec(unit) ?? [];
  return environmentIn(pairs.split(' ').join('\n'));
}

function environmentIn(text: string): Record<string, string> {
  return Object.fromEntries([...text.matchAll(/^(\w+)=(.*)$/gm)].map(([, name = '', value = '']) => [name, value]));
}
