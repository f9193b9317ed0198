// SPDX-License-Identifier: Apache-2.0
import type { ServerStore } from '@outrider/domain/decision/server-store';
import { StoreAwayError } from '@outrider/domain/decision/store-away';
import { below, type Prng } from '@outrider/domain/kernel/prng';
import { composeServer, type Server } from '@outrider/server/compose';
import { aroundStore } from '@outrider/testkit/around-store';
import type { Turns } from '@outrider/testkit/turns';
import type { Weather } from './faults/weather.ts';

type ServerPorts = Parameters<typeof composeServer>[0];
type DeviceRequest = Parameters<Server['handleDevice']>[0];
type DeviceResponse = Awaited<ReturnType<Server['handleDevice']>>;

/** Several servers over one store, each of which may be killed at any moment and started again. */
export interface Gateways {
  readonly count: number;
  /** Carries a request to the server of a device, or to another when that one does not run; undefined when it dies. */
  handle(request: DeviceRequest, device: number): Promise<DeviceResponse | undefined>;
  /** Runs a command on one of those that run; undefined as above. What the command throws is thrown. */
  command<T>(work: (server: Server) => Promise<T>): Promise<T | undefined>;
  /** Runs work on each that runs; one that dies or whose store is away is passed over. */
  each(work: (server: Server, index: number) => Promise<unknown>): Promise<void>;
  kill(index: number): void;
  /** Starts those that were killed: with the store's rows, and nothing of what they had in memory. */
  restart(index: number): void;
  /** Requests that were carried and answered. */
  answeredCount(): number;
}

/** A round trip to the store in the same hall takes some milliseconds; a slow one seconds. */
const HALF_TRIP_MEAN_MS = 2;
const SLOW_HALF_TRIP_MEAN_MS = 1_500;
/** Of the calls that find the store away: those that had their effect, and whose answer was lost. */
const EFFECT_SHARE = 0.25;

/** Of the messages: those that a balancer sends to another server than the last. */
const MOVED_SHARE = 0.1;

interface Gateway {
  readonly server: Server;
  /** What whoever waits for it does at its death. Not a promise: that would keep all that ever waited for it. */
  readonly waiting: Set<() => void>;
  isAlive: boolean;
}

export function createGateways(options: {
  readonly count: number;
  readonly store: ServerStore;
  readonly ports: Omit<ServerPorts, 'store' | 'machineClock' | 'schedule'>;
  readonly turns: Turns;
  readonly weather: Weather;
  readonly source: Prng;
}): Gateways {
  const { count, store, ports, turns, weather, source } = options;
  const gateways = Array.from({ length: count }, (_, index) => start(index));
  let answered = 0;

  function start(index: number): Gateway {
    const gateway = { isAlive: true };
    const server = composeServer({
      ...ports,
      store: storeOf(index, gateway),
      machineClock: turns.clock,
      schedule: scheduleOf(gateway),
    });
    return Object.assign(gateway, { server, waiting: new Set<() => void>() });
  }

  /** The network between a server and its store. What a dead server has sent may still arrive; no answer reaches it. */
  function storeOf(index: number, gateway: { readonly isAlive: boolean }): ServerStore {
    return aroundStore(store, async (name, work) => {
      if (!gateway.isAlive) return never();
      await turns.waitAbout(halfTripMs());
      const isAway = isStoreAway(index);
      if (isAway && source.next() >= EFFECT_SHARE) {
        await turns.waitAbout(halfTripMs());
        return gateway.isAlive ? away(name) : never();
      }
      const result = await work();
      await turns.waitAbout(halfTripMs());
      if (!gateway.isAlive) return never();
      return isAway || isStoreAway(index) ? away(name) : result;
    });
  }

  function halfTripMs(): number {
    return weather.active('slow-store').length > 0 ? SLOW_HALF_TRIP_MEAN_MS : HALF_TRIP_MEAN_MS;
  }

  function isStoreAway(index: number): boolean {
    if (weather.active('isolation').some((fault) => fault.gateway === index)) return true;
    return weather
      .active('store-away')
      .some((fault) => weather.step > fault.fromStep || turns.clock.now() - weather.enteredAtMs >= fault.afterMs);
  }

  function scheduleOf(gateway: { readonly isAlive: boolean }): ServerPorts['schedule'] {
    return {
      after(delayMs, work) {
        let isCancelled = false;
        void turns.wait(delayMs).then(() => {
          if (!isCancelled && gateway.isAlive) work();
        });
        return () => {
          isCancelled = true;
        };
      },
    };
  }

  /** Connections are long: a device stays with its server, until the balancer, or a death, gives it another. */
  const connections = new Map<number, number>();

  function connectionOf(device: number): Gateway | undefined {
    const isMoved = source.next() < MOVED_SHARE;
    const known = isMoved ? undefined : gateways[connections.get(device) ?? -1];
    if (known?.isAlive) return known;
    const chosen = anyRunning();
    if (chosen !== undefined) connections.set(device, gateways.indexOf(chosen));
    return chosen;
  }

  function anyRunning(): Gateway | undefined {
    const running = gateways.filter((one) => one.isAlive);
    return running[below(source, Math.max(1, running.length))];
  }

  async function on<T>(gateway: Gateway | undefined, work: (server: Server) => Promise<T>): Promise<T | undefined> {
    if (gateway === undefined) return undefined;
    return unlessDying(gateway, work(gateway.server));
  }

  return {
    count,
    async handle(request, device) {
      const gateway = connectionOf(device);
      // As its listener does: a check-in of a device in memory is answered at once.
      const answer = gateway?.server.handleDeviceAtOnce(request);
      const isHere = answer !== undefined && !(answer instanceof Promise);
      const response = isHere ? answer : await on(gateway, (server) => answer ?? server.handleDevice(request));
      if (response !== undefined) answered++;
      return response;
    },
    command: (work) => on(anyRunning(), work),
    async each(work) {
      await Promise.all(
        gateways.map(async (one, index) => {
          if (!one.isAlive) return;
          try {
            await unlessDying(one, work(one.server, index));
          } catch (cause) {
            // Whatever the server wanted it does again later, or another one does it.
            if (!(cause instanceof StoreAwayError)) throw cause;
          }
        }),
      );
    },
    kill(index) {
      const gateway = gateways[index];
      if (gateway === undefined || !gateway.isAlive) return;
      gateway.isAlive = false;
      for (const leave of gateway.waiting) leave();
    },
    restart(index) {
      if (gateways[index]?.isAlive === false) gateways[index] = start(index);
    },
    answeredCount: () => answered,
  };
}

/** What the work comes to, or undefined when the server dies first. */
function unlessDying<T>({ waiting }: Gateway, work: Promise<T>): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const leave = () => resolve(undefined);
    waiting.add(leave);
    void work.then(resolve, reject).finally(() => waiting.delete(leave));
  });
}

function never(): Promise<never> {
  return new Promise(() => undefined);
}

function away(name: string): never {
  throw new StoreAwayError(`the call ${name} found no store`);
}
