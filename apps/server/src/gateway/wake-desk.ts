// SPDX-License-Identifier: Apache-2.0

import type { KnownDevice } from '@outrider/domain/gateway/device-record';
import type { PolicySnapshot } from '@outrider/domain/gateway/snapshot';
import { type Call, callsBetween, isCalled, type Listener } from '@outrider/domain/gateway/wake';
import type { MachineClock } from '@outrider/domain/kernel/clock';
import type { DeviceId } from '@outrider/domain/kernel/ids';
import { durationMs, elapsedMs } from '@outrider/domain/kernel/time';
import type { Schedule } from '../ports.ts';
import type { Counters } from './counters.ts';

/** The way to one device that listens: an open WebSocket, or a request that is held back. */
export interface WakeLine {
  /** "Check in", and nothing more. */
  call(): void;
  end(why: WakeEnd): void;
}

/** Why this server no longer listens for a device. */
export type WakeEnd = 'replaced' | 'revoked' | 'elsewhere';

/** Devices that listen at this server, and whom of them to call. */
export interface WakeDesk {
  /**
   * From now on the device is called over this line, and over no other: the newest counts, since the one before may be half open. Answers
   * with the way to end it from outside; undefined: as many listen here as may, or this server goes away.
   */
  listen(device: KnownDevice, line: WakeLine): (() => void) | undefined;
  /** The policy was read: whoever it is about is called. */
  policyRead(before: PolicySnapshot, after: PolicySnapshot): void;
  /** The device may not speak as itself any more. */
  revoke(deviceId: DeviceId): void;
  /** This server goes away: everybody listens elsewhere, and nobody new here. */
  leave(): void;
  count(): number;
}

/** Of a gateway with 4 GiB, at some 15 KB each; see docs/measurements/wake-up.md. */
export const LISTENERS_MAX = 100_000;
/** Calls a second: what one gateway answers of check-ins with permits among them, so that it never calls more than it can serve. */
const CALLS_PER_S = 2_000;
const TICK_MS = durationMs(50);
/** A timer that is late is made up for, up to half a second: on a busy machine every timer is. */
const LATE_MS_MAX = 500;

export function wakeDesk(options: {
  readonly schedule: Schedule;
  readonly machineClock: MachineClock;
  readonly counters: Counters;
  readonly listenersMax?: number;
}): WakeDesk {
  const { schedule, machineClock, counters, listenersMax = LISTENERS_MAX } = options;
  const listening = new Map<DeviceId, Listener & { readonly line: WakeLine }>();
  /** To be called, in the order in which they came to be so. */
  const called = new Set<DeviceId>();
  let isCalling = false;
  let calledAt = machineClock.now();
  let isLeaving = false;

  function callSome(): void {
    const now = machineClock.now();
    const sinceMs = Math.min(LATE_MS_MAX, Math.max(TICK_MS, elapsedMs(calledAt, now)));
    let left = Math.floor((CALLS_PER_S * sinceMs) / 1_000);
    calledAt = now;
    for (const deviceId of called) {
      if (left-- === 0) break;
      called.delete(deviceId);
      listening.get(deviceId)?.line.call();
      counters.add('wake', 'called');
    }
    isCalling = called.size > 0;
    if (isCalling) schedule.after(TICK_MS, callSome);
  }

  function callAll(calls: readonly Call[]): void {
    if (calls.length === 0) return;
    for (const listener of listening.values()) {
      if (calls.some((call) => isCalled(call, listener))) called.add(listener.deviceId);
    }
    if (isCalling || called.size === 0) return;
    isCalling = true;
    calledAt = machineClock.now();
    schedule.after(durationMs(0), callSome);
  }

  function end(deviceId: DeviceId, why: WakeEnd): void {
    const listener = listening.get(deviceId);
    if (listener === undefined) return;
    listening.delete(deviceId);
    called.delete(deviceId);
    counters.add('wake', why);
    listener.line.end(why);
  }

  return {
    listen({ record: { deviceId, attributes } }, line) {
      if (isLeaving || (listening.size >= listenersMax && !listening.has(deviceId))) return undefined;
      end(deviceId, 'replaced');
      const { deviceType, region, tags } = attributes;
      const listener = { deviceId, deviceType, region, tags, line };
      listening.set(deviceId, listener);
      counters.add('wake', 'listening');
      return () => {
        if (listening.get(deviceId) === listener) listening.delete(deviceId);
      };
    },
    policyRead: (before, after) => callAll(callsBetween(before, after)),
    revoke: (deviceId) => end(deviceId, 'revoked'),
    leave() {
      isLeaving = true;
      for (const deviceId of [...listening.keys()]) end(deviceId, 'elsewhere');
    },
    count: () => listening.size,
  };
}
