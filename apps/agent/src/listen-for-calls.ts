// SPDX-License-Identifier: Apache-2.0
import type { WakeLine } from '@outrider/adapters/device/wake-line';
import { backOffUntil } from '@outrider/domain/device/polling';
import type { FleetClock } from '@outrider/domain/kernel/clock';
import type { DeviceId } from '@outrider/domain/kernel/ids';

/** From the beginning of one request to that of the next at least; a server keeps a call in between for the next one. */
const PAUSE_MS = 5_000;

/** Listens for good: again after each end, after a fault by the very back-off of messages. `onCall` may be called at any time. */
export async function listenForCalls(options: {
  readonly line: WakeLine;
  readonly deviceId: DeviceId;
  readonly clock: FleetClock;
  readonly wait: (ms: number) => Promise<void>;
  readonly onCall: () => void;
  /** Told of the first fault of a row, and of nothing more until it listens again. */
  readonly onFault: (sentence: string) => void;
}): Promise<never> {
  const { line, deviceId, clock, wait, onCall, onFault } = options;
  let faultCount = 0;
  for (let sequence = 0; ; sequence++) {
    const beganAt = clock.now();
    const ended = await line(() => {
      faultCount = 0;
      onCall();
    });
    if (ended.ok) {
      faultCount = 0;
      // A server that answers each request at once, a stolen one for instance, is not to keep the radio busy.
      await wait(Math.max(0, PAUSE_MS - (clock.now() - beganAt)));
      continue;
    }
    faultCount++;
    if (faultCount === 1) onFault(`No calls to check in until it listens again, ${ended.error.detail}`);
    const now = clock.now();
    const { retryAfterMs } = ended.error;
    await wait(backOffUntil(now, deviceId, { faultCount, sequence, retryAfterMs }) - now);
  }
}
