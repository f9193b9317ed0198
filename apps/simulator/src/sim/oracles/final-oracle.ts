// SPDX-License-Identifier: Apache-2.0
import type { Oracle } from './observation.ts';

/** What the server has of a device at the end is what booted there, by the bytes in its slot. */
export function finalOracle(): Oracle {
  return {
    name: 'final-state',
    see(observation) {
      if (observation.kind !== 'ended') return undefined;
      const wrong = observation.devices.find(
        (one) => one.storedVersion !== one.bootedVersion || one.storedDigest !== one.bootedDigest,
      );
      if (wrong === undefined) return undefined;
      return `${wrong.deviceId} booted ${wrong.bootedVersion} (${wrong.bootedDigest}), the server has ${wrong.storedVersion} (${wrong.storedDigest})`;
    },
  };
}
