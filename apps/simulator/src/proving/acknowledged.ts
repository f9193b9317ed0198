// SPDX-License-Identifier: Apache-2.0
import type { Network } from '@outrider/domain/device/ports';
import type { Report } from '@outrider/domain/gateway/report';
import type { PermitId } from '@outrider/domain/kernel/ids';
import { parsePermitDocument } from '@outrider/protocol/gateway/permit';

/** What devices hold in their hands: whatever dies, the server must know of it afterwards. */
export interface Acknowledged {
  readonly permitIds: ReadonlySet<PermitId>;
  /** `reportKeyOf` each report that the server said it has. */
  readonly reportKeys: ReadonlySet<string>;
  /** A network that notes what is acknowledged, then tells `onAnswer`. */
  witness(network: Network): Network;
}

/** Starts an empty record; `onAnswer` is called after each answer to a device, whatever it says. */
export function acknowledged(onAnswer: () => void): Acknowledged {
  const permitIds = new Set<PermitId>();
  const reportKeys = new Set<string>();
  return {
    permitIds,
    reportKeys,
    witness: (network) => ({
      async checkIn(checkIn) {
        const answer = await network.checkIn(checkIn);
        onAnswer();
        return answer;
      },
      async askPermit(request) {
        const answer = await network.askPermit(request);
        if (answer.ok && answer.value.kind === 'permit') {
          const permit = parsePermitDocument(answer.value.permit.payload);
          if (permit.ok) permitIds.add(permit.value.permitId);
        }
        onAnswer();
        return answer;
      },
      async sendReport(report) {
        const answer = await network.sendReport(report);
        if (answer.ok) reportKeys.add(reportKeyOf(report));
        onAnswer();
        return answer;
      },
      fetchBlob: (digest, start) => network.fetchBlob(digest, start),
    }),
  };
}

/** What names a report for good: its device and its number. */
export function reportKeyOf({ deviceId, sequence }: Report): string {
  return `${deviceId} ${sequence}`;
}
