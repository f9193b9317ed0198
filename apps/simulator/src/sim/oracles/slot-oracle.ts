// SPDX-License-Identifier: Apache-2.0
import type { DeviceSlots, Oracle } from './observation.ts';

/**
 * What runs on a device: only bytes that are those of a signed image, never two active slots, and nothing is armed for
 * which no permit of this device left a server.
 */
export function slotOracle(signedDigests: ReadonlySet<string>): Oracle {
  const permitted = new Map<string, Set<number>>();

  function unsigned({ deviceId, running, runningDigest }: DeviceSlots, what: string): string | undefined {
    if (signedDigests.has(runningDigest)) return undefined;
    return `${deviceId} ${what} slot ${running}, which holds ${runningDigest}: the bytes of no signed image`;
  }

  return {
    name: 'slot',
    see(observation) {
      switch (observation.kind) {
        case 'permit-sent': {
          const counters = permitted.get(observation.deviceId) ?? new Set();
          permitted.set(observation.deviceId, counters.add(observation.counter));
          return undefined;
        }
        case 'slot-written': {
          const { device, slot } = observation;
          const isActive = slot === device.running || slot === device.confirmed;
          return isActive
            ? `${device.deviceId} writes slot ${slot} while ${device.running} runs and ${device.confirmed} is confirmed`
            : undefined;
        }
        case 'slot-armed': {
          const { device, slot, counter } = observation;
          if (slot === device.confirmed) return `${device.deviceId} puts its confirmed slot ${slot} on trial`;
          const isPermitted = permitted.get(device.deviceId)?.has(counter) ?? false;
          return isPermitted ? undefined : `${device.deviceId} arms counter ${counter} without a permit`;
        }
        case 'slot-booted': {
          const { device } = observation;
          const isChosen = device.running === device.confirmed || device.running === device.trial;
          if (!isChosen) return `${device.deviceId} runs slot ${device.running}, neither confirmed nor on trial`;
          return unsigned(device, 'booted');
        }
        case 'slot-confirmed': {
          const { device } = observation;
          if (device.trial !== undefined || device.running !== device.confirmed) {
            return `${device.deviceId} confirmed ${device.confirmed} while ${device.running} runs, trial ${device.trial}`;
          }
          return unsigned(device, 'confirmed');
        }
        default:
          return undefined;
      }
    },
  };
}
