// SPDX-License-Identifier: Apache-2.0
import type { Oracle } from './observation.ts';

/** What was acknowledged is there at the end: permits that left a server, reports that were answered. */
export function durableOracle(): Oracle {
  const permits = new Map<string, string>();
  const reports = new Set<string>();
  return {
    name: 'durable',
    see(observation) {
      if (observation.kind === 'permit-sent') permits.set(observation.permitId, observation.deviceId);
      if (observation.kind === 'report-acknowledged') reports.add(`${observation.deviceId} ${observation.sequence}`);
      if (observation.kind !== 'ended') return undefined;
      for (const [permitId, deviceId] of permits) {
        if (!observation.permitIds.has(permitId)) return `The permit ${permitId} of ${deviceId} is in no ledger`;
      }
      for (const key of reports) if (!observation.reportKeys.has(key)) return `The report ${key} is in no log`;
      return undefined;
    },
  };
}
