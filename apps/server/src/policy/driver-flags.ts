// SPDX-License-Identifier: Apache-2.0
import type { Report } from '@outrider/domain/gateway/report';
import type { Log } from '../ports.ts';
import type { FlagCommands } from './flag-commands.ts';

/** What the drivers of devices say by the devices' own channel: signed by the device, and on disk when it comes here. */
export interface DriverFlags {
  /**
   * Records it against the rollout that the device names, once for each device and rollout. What the policy does not take
   * (said before, an ended rollout, a device without a row) is no error of the device. Throws when the store is away.
   */
  record(report: Report): Promise<void>;
}

/** As a reason of the policy log; the whole text stays in the report. */
const REASON_CHARACTERS_MAX = 1_000;
const NO_REASON = 'The driver gave no reason';

export function driverFlags({ flag, log }: { readonly flag: FlagCommands['flag']; readonly log: Log }): DriverFlags {
  return {
    async record({ deviceId, rolloutId, detail }) {
      const said = detail.trim().slice(0, REASON_CHARACTERS_MAX);
      const reason = said === '' ? NO_REASON : said;
      const author = `device:${deviceId}`;
      const receipt = await flag({ rolloutId, severity: 'safety', reason, deviceId, author });
      if (receipt.ok) return;
      const { code: refusal } = receipt.error;
      log.info({ stage: 'policy', code: 'driver-flag-left', rolloutId, deviceId, refusal }, receipt.error.detail);
    },
  };
}
