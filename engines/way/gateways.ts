// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as elapse } from 'node:timers/promises';
import { removeEmbeddedPostgres, startEmbeddedPostgres } from '@outrider/adapters/server/embedded-postgres';
import { freePort } from '@outrider/testkit/free-port';
import { checkoutRoot } from '../../scripts/gates.ts';

/** A gateway as a process of its own, on a port that it keeps. */
export interface Gateway {
  readonly url: string;
  /** Ends it by the signal, and starts it again after `downMs`; resolves when it is ready. */
  restart(signal: 'SIGTERM' | 'SIGKILL', downMs: number): Promise<void>;
}

/** What was started, until it is removed. */
export interface Gateways {
  readonly gateways: readonly Gateway[];
  readonly controlUrl: string;
  adminToken(): string;
  remove(): Promise<void>;
}

/** A control plane, which makes the secrets, and gateways on one PostgreSQL. */
export async function startGateways(
  count: number,
  {
    environment = {},
    gatewayFlags = [],
  }: { readonly environment?: Readonly<Record<string, string>>; readonly gatewayFlags?: readonly string[] } = {},
): Promise<Gateways> {
  const home = mkdtempSync(join(tmpdir(), 'outrider-gateways-'));
  const postgres = await startEmbeddedPostgres({ dataFolder: home, log: () => {} });
  const { user, password, port, database } = postgres.connection;
  const url = join(home, 'database-url');
  writeFileSync(url, `postgres://${user}:${encodeURIComponent(password)}@127.0.0.1:${port}/${database}`, {
    mode: 0o600,
  });
  const children = new Set<ChildProcess>();

  function launch(name: string, role: string, on: number): ChildProcess {
    const shared = ['--secrets', join(home, 'shared'), '--blobs', join(home, 'shared', 'blobs')];
    const own = ['--data', join(home, name), '--role', role, '--port', String(on), '--drain-delay-ms', '2500'];
    const connections = ['--database-url-file', url, '--database-connections-max', '4'];
    const main = join(checkoutRoot(), 'apps', 'server', 'src', 'main.ts');
    const child = spawn(
      process.execPath,
      [main, ...own, ...shared, ...connections, ...(role === 'gateway' ? gatewayFlags : [])],
      { stdio: 'ignore', env: { ...process.env, ...environment } },
    );
    children.add(child);
    child.once('exit', () => children.delete(child));
    return child;
  }

  async function startOne(name: string, role: string): Promise<Gateway> {
    const on = await freePort();
    const address = `http://127.0.0.1:${on}`;
    let child = launch(name, role, on);
    await untilReady(address);
    return {
      url: address,
      async restart(signal, downMs) {
        child.kill(signal);
        if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
        await elapse(downMs);
        child = launch(name, role, on);
        await untilReady(address);
      },
    };
  }

  async function remove(): Promise<void> {
    for (const child of children) child.kill('SIGKILL');
    await postgres.stop();
    await removeEmbeddedPostgres(home);
    rmSync(home, { recursive: true, force: true });
  }

  try {
    const control = await startOne('control', 'control');
    const gateways: Gateway[] = [];
    for (let index = 0; index < count; index++) gateways.push(await startOne(`gateway-${index}`, 'gateway'));
    const adminToken = () => readFileSync(join(home, 'shared', 'admin-token'), 'utf8').trim();
    return { gateways, controlUrl: control.url, adminToken, remove };
  } catch (cause) {
    // Whoever asked for them has nothing yet to remove them by.
    await remove();
    throw cause;
  }
}

export async function untilReady(url: string): Promise<void> {
  for (let tries = 0; tries < 900; tries++) {
    const isReady = await fetch(`${url}/health/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isReady) return;
    await elapse(100);
  }
  assert.fail(`${url} is not ready`);
}
