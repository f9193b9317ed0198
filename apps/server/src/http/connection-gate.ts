// SPDX-License-Identifier: Apache-2.0
import type { Server as NetServer, Socket } from 'node:net';
import { type DurationMs, durationMs } from '@outrider/domain/kernel/time';
import { hostOf, PROXY_HEADER_BYTES_MAX, readProxyHeader } from '@outrider/protocol/gateway/proxy-protocol';
import type { Schedule } from '../ports.ts';

/** Who may hold how many connections to this server. */
export interface ConnectionRules {
  /** Connections of one address at most; 0: as many as come. */
  readonly perAddressMax: number;
  /** Balancers that begin each connection with the address of the device (PROXY protocol): that address counts. */
  readonly proxies: readonly string[];
  /** Addresses that are not counted: balancers that tell no address, and probes. */
  readonly uncapped: readonly string[];
}

/** Why a connection was ended before its first request was read. */
export type ConnectionRefusal = 'connections-per-address' | 'proxy-header-malformed' | 'proxy-header-late';

/** Counts the connections of each address over all ports of a server. */
export interface ConnectionGate {
  /** From now on this server takes a connection only if the gate lets it in. To be called before it listens. */
  guard(http: NetServer): void;
}

/** A balancer sends its header with the first packet; who says nothing for so long is none. */
const PROXY_HEADER_MS = durationMs(3_000);

export function connectionGate(options: {
  readonly rules: ConnectionRules;
  readonly schedule: Schedule;
  readonly onRefused: (reason: ConnectionRefusal) => void;
  readonly proxyHeaderMs?: DurationMs;
}): ConnectionGate {
  const { rules, schedule, onRefused, proxyHeaderMs = PROXY_HEADER_MS } = options;
  const proxies = new Set(rules.proxies.map(hostOf));
  const uncapped = new Set(rules.uncapped.map(hostOf));
  const counts = new Map<string, number>();

  function refuse(socket: Socket, reason: ConnectionRefusal): void {
    onRefused(reason);
    socket.destroy();
  }

  /** Whether one more is let in; it counts until it has ended. */
  function isLetIn(socket: Socket, host: string): boolean {
    const count = counts.get(host) ?? 0;
    if (count >= rules.perAddressMax) return false;
    counts.set(host, count + 1);
    socket.once('close', () => {
      const left = (counts.get(host) ?? 1) - 1;
      if (left === 0) counts.delete(host);
      else counts.set(host, left);
    });
    return true;
  }

  function take(socket: Socket, host: string | undefined, goOn: () => void): void {
    const isCounted = rules.perAddressMax > 0 && host !== undefined && !uncapped.has(host);
    if (isCounted && !isLetIn(socket, host)) refuse(socket, 'connections-per-address');
    else goOn();
  }

  function takeFromProxy(socket: Socket, goOn: () => void): void {
    let bytes: Buffer = Buffer.alloc(0);
    const cancel = schedule.after(proxyHeaderMs, () => end('proxy-header-late'));
    function end(reason?: ConnectionRefusal): void {
      cancel();
      socket.off('readable', read);
      socket.off('error', ignored);
      socket.off('close', cancel);
      if (reason !== undefined) refuse(socket, reason);
    }
    function read(): void {
      for (let chunk = socket.read(); chunk !== null; chunk = socket.read()) bytes = Buffer.concat([bytes, chunk]);
      if (bytes.byteLength === 0) return;
      const header = readProxyHeader(bytes.subarray(0, PROXY_HEADER_BYTES_MAX));
      if (header.kind === 'more') return;
      if (header.kind === 'malformed') {
        end('proxy-header-malformed');
        return;
      }
      end();
      const rest = bytes.subarray(header.bytes);
      if (rest.byteLength > 0) socket.unshift(rest);
      take(socket, header.address === undefined ? undefined : hostOf(header.address), goOn);
    }
    // Node ends the socket by itself; there is nobody to tell.
    const ignored = () => {};
    socket.on('error', ignored);
    socket.once('close', cancel);
    socket.on('readable', read);
  }

  return {
    guard(http) {
      const listeners = http.listeners('connection');
      http.removeAllListeners('connection');
      http.on('connection', (socket: Socket) => {
        // Of a Unix socket there is no address: whoever may open it is trusted.
        const host = socket.remoteAddress === undefined ? undefined : hostOf(socket.remoteAddress);
        const goOn = () => {
          for (const listener of listeners) listener.call(http, socket);
        };
        if (host !== undefined && proxies.has(host)) takeFromProxy(socket, goOn);
        else take(socket, host, goOn);
      });
    },
  };
}

/** For tests and servers that are to take whoever comes. */
export const OPEN_TO_ALL: ConnectionRules = { perAddressMax: 0, proxies: [], uncapped: [] };
