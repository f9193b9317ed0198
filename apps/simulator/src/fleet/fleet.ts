// SPDX-License-Identifier: Apache-2.0
import type { Agent } from '@outrider/agent/compose';
import type { DeviceId } from '@outrider/domain/kernel/ids';
import type { FleetInstant } from '@outrider/domain/kernel/time';
import type { Participant, Sleepers } from '../play/stage.ts';
import type { DeviceLife } from '../world/device-life.ts';
import { dueQueue } from './due-queue.ts';

/** One simulated device: a real agent whose body is of this world. */
export interface SimulatedDevice {
  readonly deviceId: DeviceId;
  readonly agent: Agent;
  readonly life: DeviceLife;
}

/** Thousands of devices in one process; only those that are due are touched. */
export interface Fleet extends Sleepers {
  readonly devices: readonly SimulatedDevice[];
}

/**
 * Makes a fleet whose devices are due at the instants given. `concurrencyMax` devices are awake at once; with one the order
 * of all that happens is fixed. `onWoken` is told of each wake; `answeredCount` counts the requests that came back.
 */
export function createFleet(options: {
  readonly devices: readonly { readonly device: SimulatedDevice; readonly dueAt: FleetInstant }[];
  readonly concurrencyMax: number;
  readonly answeredCount: () => number;
  readonly onWoken?: (device: SimulatedDevice) => void;
}): Fleet {
  const { concurrencyMax, answeredCount, onWoken } = options;
  const queue = dueQueue<SimulatedDevice>();
  for (const { device, dueAt } of options.devices) queue.push(device, dueAt);

  async function wake(device: SimulatedDevice, now: FleetInstant): Promise<void> {
    for (const { event, rolloutId, releaseId } of device.life.takeFaults()) {
      await device.agent.noteFault({ event, rolloutId, releaseId, detail: 'Seen by the device itself' });
    }
    const { nextWakeAt } = await device.agent.wake(now);
    queue.push(device, device.life.wakeAt(nextWakeAt));
    onWoken?.(device);
  }

  return {
    devices: options.devices.map(({ device }) => device),
    async wakeDue(now) {
      const answeredBefore = answeredCount();
      let woken = 0;
      for (let due = queue.takeDue(now); due.length > 0; due = queue.takeDue(now)) {
        woken += due.length;
        // All workers draw from one iterator, so each device is woken once.
        const waiting = due.values();
        const workers = Array.from({ length: Math.min(concurrencyMax, due.length) }, async () => {
          for (const device of waiting) await wake(device, now);
        });
        await Promise.all(workers);
      }
      return { woken, answered: answeredCount() - answeredBefore };
    },
  };
}

/** A simulated device as the conductor looks at it. */
export function participantOf({ deviceId, agent, life }: SimulatedDevice): Participant {
  return {
    deviceId,
    now() {
      const status = agent.status();
      return {
        state: status?.state ?? 'idle',
        reason: status?.reason ?? '',
        activeVersion: status?.activeVersion ?? 'unknown',
        isSilent: life.isSilent(),
      };
    },
  };
}
