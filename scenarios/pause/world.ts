// SPDX-License-Identifier: Apache-2.0
import { delay } from '@outrider/adapters/shared/delay';
import { present } from '@outrider/domain/kernel/assert';
import {
  BREAKABLE_PROGRAM,
  type CutProxy,
  openCutProxy,
  type ServerProgram,
  type Servers,
  startServers,
} from '@outrider/simulator/compose';
import type { Fault } from './faults.ts';
import { KEEP_COMMIT_TIMES } from './permits-in-tables.ts';

/** Gateways in two regions, each gateway behind a network to its database that can be cut. */
export interface World {
  readonly servers: Servers;
  /** Lets it befall the servers; resolves when it is over. */
  inject(fault: Fault): Promise<void>;
  /** How often each kind befell them; points at which a server froze itself count alone. */
  readonly befell: ReadonlyMap<string, number>;
  remove(): Promise<void>;
}

/** A point that nobody comes by is given up. */
const POINT_LIMIT_MS = 4_000;

export async function createWorld(gatewayCount: number, log: (line: string) => void): Promise<World> {
  const networks = new Map<string, CutProxy>();
  const servers = await startServers({
    gatewayCount,
    program: BREAKABLE_PROGRAM,
    databaseSettings: KEEP_COMMIT_TIMES,
    async route(name, database) {
      const network = await openCutProxy(database);
      networks.set(name, network);
      return network;
    },
  });
  const befell = new Map<string, number>();
  const { gateways, control } = servers;

  function count(kind: string): void {
    befell.set(kind, (befell.get(kind) ?? 0) + 1);
  }

  const gatewayAt = (index: number) => present(gateways[index], 'a gateway');

  async function freeze(server: ServerProgram, forMs: number): Promise<void> {
    if (!server.signal('SIGSTOP')) return;
    await delay(forMs);
    server.signal('SIGCONT');
  }

  function tell(server: ServerProgram, order: object): void {
    server.child().writeLine(JSON.stringify(order));
  }

  async function freezeAt(
    server: ServerProgram,
    fault: { point: string; skip: number; forMs: number },
  ): Promise<boolean> {
    const { lines } = server.child();
    const came = Promise.withResolvers<boolean>();
    const onLine = (line: string) => {
      if (line === `stopped at ${fault.point}`) came.resolve(true);
    };
    lines.on('line', onLine);
    tell(server, { kind: 'stop-at', point: fault.point, skip: fault.skip });
    const hasStopped = await Promise.race([came.promise, delay(POINT_LIMIT_MS).then(() => false)]);
    if (hasStopped) await delay(fault.forMs);
    else tell(server, { kind: 'stop-at', point: '', skip: 0 });
    // It may have frozen itself in the last moment.
    server.signal('SIGCONT');
    lines.off('line', onLine);
    return hasStopped;
  }

  /** How many partitions are on a network now: it opens with the end of the last. */
  const held = new Map<string, number>();

  async function partition(names: readonly string[], how: 'cut' | 'silent', forMs: number): Promise<void> {
    for (const name of names) {
      held.set(name, (held.get(name) ?? 0) + 1);
      networks.get(name)?.set(how);
    }
    await delay(forMs);
    for (const name of names) {
      const others = (held.get(name) ?? 0) - 1;
      held.set(name, others);
      if (others === 0) networks.get(name)?.set('open');
    }
  }

  async function befall(fault: Fault): Promise<boolean> {
    switch (fault.kind) {
      case 'frozen':
        await delay(LEAD_MS + fault.atMs);
        await freeze(gatewayAt(fault.gateway), fault.forMs);
        return true;
      case 'frozen-at':
        return await freezeAt(gatewayAt(fault.gateway), fault);
      case 'control-frozen-at':
        return await freezeAt(control, fault);
      case 'partition':
        await delay(LEAD_MS + fault.atMs);
        await partition([gatewayAt(fault.gateway).name], fault.how, fault.forMs);
        return true;
      case 'region-partition':
        await delay(LEAD_MS + fault.atMs);
        await partition(
          secondRegion(gateways).map(({ name }) => name),
          fault.how,
          fault.forMs,
        );
        return true;
      case 'notices':
        tell(gatewayAt(fault.gateway), { kind: 'notices', isDropping: fault.isDropping, delayMs: fault.delayMs });
        await delay(fault.forMs);
        tell(gatewayAt(fault.gateway), { kind: 'notices', isDropping: false, delayMs: 0 });
        return true;
      case 'clock': {
        const server = fault.server === 'control' ? control : gatewayAt(fault.server);
        tell(server, { kind: 'clock', aheadMs: fault.aheadMs });
        await delay(fault.forMs);
        tell(server, { kind: 'clock', aheadMs: 0 });
        return true;
      }
      case 'database':
        await delay(LEAD_MS + fault.atMs);
        log(`PostgreSQL is killed; it is there again after ${await secondsOf(servers.killDatabase())} s`);
        return true;
    }
  }

  return {
    ...{ servers, befell },
    async inject(fault) {
      if (await befall(fault))
        count(
          fault.kind === 'frozen-at' || fault.kind === 'control-frozen-at'
            ? `${fault.kind} ${fault.point}`
            : fault.kind,
        );
    },
    async remove() {
      for (const network of networks.values()) network.set('open');
      await servers.remove();
      await Promise.all([...networks.values()].map((network) => network.close()));
    },
  };
}

async function secondsOf(work: Promise<void>): Promise<string> {
  const began = performance.now();
  await work;
  return ((performance.now() - began) / 1_000).toFixed(1);
}

/** Faults begin up to so long before the pause is asked for. */
export const LEAD_MS = 400;

/** The later half of the gateways. */
function secondRegion(gateways: readonly ServerProgram[]): readonly ServerProgram[] {
  return gateways.slice(Math.ceil(gateways.length / 2));
}
