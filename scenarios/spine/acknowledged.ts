// SPDX-License-Identifier: Apache-2.0
import type { Network } from '@outrider/domain/device/ports';
import type { DeviceId, PermitId } from '@outrider/domain/kernel/ids';
import { parsePermitDocument } from '@outrider/protocol/gateway/permit';

/** What devices hold in their hands: whatever dies, the server must know of it afterwards. */
export interface Acknowledged {
  readonly permitIds: ReadonlySet<PermitId>;
  /** `device sequence` of each report that the server said it has. */
  readonly reports: ReadonlySet<string>;
  /** A network that notes what is acknowledged, then tells `onAnswer`. */
  witness(network: Network, deviceId: DeviceId): Network;
}

/** Starts an empty record; `onAnswer` is called after each answer to a device, whatever it says. */
export function acknowledged(onAnswer: () => void): Acknowledged {
  const permitIds = new Set<PermitId>();
  const reports = new Set<string>();
  return {
    permitIds,
    reports,
    witness: (network, deviceId) => ({
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
        if (answer.ok) reports.add(reportKey(deviceId, report.sequence));
        onAnswer();
        return answer;
      },
      fetchBlob: (digest, start) => network.fetchBlob(digest, start),
    }),
  };
}

/** What names a report for good. */
export function reportKey(deviceId: DeviceId, sequence: number): string {
  return `${deviceId} ${sequence}`;
}
