// SPDX-License-Identifier: Apache-2.0
import { createServer } from 'node:net';
import { join } from 'node:path';
import { isAlive } from '@outrider/adapters/server/embedded-postgres/postmaster';
import { wallClock } from '@outrider/adapters/shared/clock';
import { errorCode, readTextIfPresent } from '@outrider/adapters/shared/files';
import { parseText } from '@outrider/protocol/kernel/json-text';
import { bool, listOf, optional, record, text, whole } from '@outrider/protocol/kernel/reader';
import type { World } from '../../world.ts';
import type { PortFacts, ReadyFacts, ServerFacts } from './network-checks.ts';

/** Tries to open the port; where it is taken, asks who is there. */
export async function probePort(world: World, host: string, port: number): Promise<PortFacts> {
  if (port === 0) return { host, port };
  const fault = await openingFault(host, port);
  if (fault !== 'EADDRINUSE') return { host, port, ...(fault === undefined ? {} : { fault }) };
  const answer = await ask(world, `${urlOf(host, port)}/health/live`);
  return { host, port, fault, answeredBy: answer?.body.includes('"status":"live"') ? 'outrider' : 'another-program' };
}

/** Asks the server that says it runs on this data folder how it is. */
export async function probeServer(world: World, dataFolder: string): Promise<ServerFacts> {
  const said = await addressIn(join(dataFolder, 'server.json'));
  if (said === undefined) return { isAnswering: false };
  const answer = await ask(world, `${said.url}/health/ready`);
  if (answer === undefined) return { ...said, isAlive: await isAlive(said.pid), isAnswering: false };
  const ready = parseText(answer.body, READY_FORMAT);
  return {
    ...said,
    isAnswering: true,
    ...(ready.ok ? { ready: ready.value } : {}),
    ...(answer.clockAheadMs === undefined ? {} : { clockAheadMs: answer.clockAheadMs }),
  };
}

/** A live server on this machine answers at once; its readiness may take a second and a half. */
const ANSWER_MS = 3_000;
const BODY_CHARACTERS_MAX = 65_536;

interface HttpAnswer {
  readonly body: string;
  readonly clockAheadMs: number | undefined;
}

async function ask(world: World, url: string): Promise<HttpAnswer | undefined> {
  try {
    const response = await world.fetch(url, { signal: AbortSignal.timeout(ANSWER_MS), redirect: 'manual' });
    const date = Date.parse(response.headers.get('date') ?? '');
    const body = (await response.text()).slice(0, BODY_CHARACTERS_MAX);
    return { body, clockAheadMs: Number.isNaN(date) ? undefined : date - wallClock().now() };
  } catch {
    // Nobody listens, hangs up, stays silent or speaks another protocol: all of it is no answer.
    return undefined;
  }
}

function openingFault(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', (cause) => resolve(errorCode(cause) ?? cause.message));
    probe.listen({ host, port, exclusive: true }, () => probe.close(() => resolve(undefined)));
  });
}

/** All addresses are asked at the loopback one. */
function urlOf(host: string, port: number): string {
  const name = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`;
}

const SENTENCE = { charactersMin: 0, charactersMax: 2_048 } as const;

const ADDRESS_FORMAT = {
  noun: 'server-address',
  bytesMax: 4_096,
  reader: record<{ readonly url: string; readonly pid: number }>({
    url: text({ charactersMin: 1, charactersMax: 1_024 }),
    pid: whole({ min: 1 }),
  }),
};

const READY_FORMAT = {
  noun: 'health',
  bytesMax: BODY_CHARACTERS_MAX,
  reader: record<ReadyFacts>({
    status: text(SENTENCE),
    checks: listOf(
      record<ReadyFacts['checks'][number]>({
        name: text(SENTENCE),
        isOk: bool,
        seen: optional(whole({ min: 0 })),
        allowed: optional(whole({ min: 0 })),
        detail: optional(text(SENTENCE)),
      }),
      { countMax: 64 },
    ),
  }),
};

async function addressIn(path: string): Promise<{ readonly url: string; readonly pid: number } | undefined> {
  try {
    const found = await readTextIfPresent(path);
    const parsed = found === undefined ? undefined : parseText(found, ADDRESS_FORMAT);
    return parsed?.ok ? parsed.value : undefined;
  } catch (cause) {
    if (errorCode(cause) === undefined) throw cause;
    // What cannot be read is said by the check of the folder.
    return undefined;
  }
}
