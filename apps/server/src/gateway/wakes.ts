// SPDX-License-Identifier: Apache-2.0
import { StoreAwayError } from '@outrider/domain/decision/store-away';
import type { KnownDevice } from '@outrider/domain/gateway/device-record';
import type { MachineClock } from '@outrider/domain/kernel/clock';
import type { DeviceId } from '@outrider/domain/kernel/ids';
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import { durationMs } from '@outrider/domain/kernel/time';
import { encodeWakeAnswer } from '@outrider/protocol/gateway/wake';
import type { Schedule } from '../ports.ts';
import { type AuthenticationOptions, authenticate } from './authenticate.ts';
import type { Counters } from './counters.ts';
import { type DeviceRequest, type DeviceResponse, jsonResponse, problemResponse } from './device-request.ts';
import type { LoadGate } from './load-gate.ts';
import { type WakeDesk, type WakeEnd, type WakeLine, wakeDesk } from './wake-desk.ts';

/** Devices that listen for "check in", however they do. */
export interface Wakes extends Pick<WakeDesk, 'policyRead' | 'revoke' | 'leave' | 'count'> {
  /** Answers the request when there is something to check in for, else after a while. */
  hold(request: DeviceRequest): Promise<DeviceResponse>;
  /** Whether the sender of this request may listen here. */
  admit(request: DeviceRequest): Promise<Result<KnownDevice, DeviceResponse>>;
  /** As `WakeDesk.listen`, for a device that was admitted. */
  listen: WakeDesk['listen'];
}

/** Below the 30 seconds after which a device gives up on a server that says nothing. */
const HOLD_MS = durationMs(25_000);
/** A call between two requests of a device waits for the second of them so long. */
const LINGER_MS = durationMs(15_000);

export function wakes(
  options: AuthenticationOptions & {
    readonly schedule: Schedule;
    readonly machineClock: MachineClock;
    readonly counters: Counters;
    readonly load: Pick<LoadGate, 'shed'> | undefined;
    readonly listenersMax?: number;
  },
): Wakes {
  const { schedule, counters, load } = options;
  const desk = wakeDesk(options);
  /** Devices that were called between two requests. */
  const missed = new Set<DeviceId>();

  async function admit(request: DeviceRequest): Promise<Result<KnownDevice, DeviceResponse>> {
    // To listen loses nothing by coming later, as a check-in does.
    const shed = load?.shed({ path: '/v1/check-in' });
    if (shed !== undefined) return err(shed);
    if (request.method !== 'GET') return err(notToListen(request));
    try {
      const sender = await authenticate({ ...request, method: 'GET', body: '' }, options, 'device');
      return sender.ok ? ok(sender.value.device) : sender;
    } catch (cause) {
      if (cause instanceof StoreAwayError) return err(full());
      throw cause;
    }
  }

  async function hold(request: DeviceRequest): Promise<DeviceResponse> {
    const admitted = await admit(request);
    if (!admitted.ok) return admitted.error;
    const { deviceId } = admitted.value.record;
    if (missed.delete(deviceId)) return CHECK_IN;
    return new Promise((resolve) => {
      const line: WakeLine = {
        call() {
          settle(CHECK_IN);
          unlisten?.();
        },
        end: (why) => settle(endedBy(why)),
      };
      const cancel = schedule.after(HOLD_MS, () => {
        settle(NOTHING);
        linger(admitted.value);
      });
      function settle(answer: DeviceResponse): void {
        cancel();
        resolve(answer);
      }
      const unlisten = desk.listen(admitted.value, line);
      if (unlisten === undefined) settle(full());
    });
  }

  function linger(device: KnownDevice): void {
    const { deviceId } = device.record;
    const unlisten = desk.listen(device, { call: () => void missed.add(deviceId), end: () => {} });
    schedule.after(LINGER_MS, () => {
      unlisten?.();
      missed.delete(deviceId);
    });
  }

  function full(): DeviceResponse {
    counters.add('refused', 'gateway-busy');
    const detail =
      'As many devices listen at this gateway as may, or it is about to stop; listen again later, polls go on meanwhile';
    return problemResponse({ code: 'gateway-busy', detail, headers: { 'retry-after': String(AGAIN_S) } });
  }

  const { listen, policyRead, revoke, leave, count } = desk;
  return { hold, admit, listen, policyRead, revoke, leave, count };
}

/** Devices add their jitter. */
const AGAIN_S = 60;
const CHECK_IN = jsonResponse(200, encodeWakeAnswer({ kind: 'check-in' }));
const NOTHING = jsonResponse(200, encodeWakeAnswer({ kind: 'nothing' }));

function endedBy(why: WakeEnd): DeviceResponse {
  switch (why) {
    case 'replaced':
      return NOTHING;
    case 'revoked':
      return problemResponse({
        code: 'device-revoked',
        detail: 'The key of this device was revoked while it listened',
        headers: { connection: 'close' },
      });
    case 'elsewhere':
      return problemResponse({
        code: 'shutting-down',
        detail: 'The server is stopping; listen again, and come to another one',
        headers: { 'retry-after': '5', connection: 'close' },
      });
  }
}

function notToListen({ method }: DeviceRequest): DeviceResponse {
  const detail = `This path does not take ${method.slice(0, 20)}; it takes GET`;
  return problemResponse({ code: 'method-not-allowed', detail, headers: { allow: 'GET' } });
}
