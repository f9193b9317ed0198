// SPDX-License-Identifier: Apache-2.0
import type { Network } from '@outrider/domain/device/ports';
import type { Report } from '@outrider/domain/gateway/report';
import type { DeviceId, KeyId, PermitId, ReleaseId, Revision, Sha256 } from '@outrider/domain/kernel/ids';
import { parsePermitDocument } from '@outrider/protocol/gateway/permit';

/** What others hold in their hands: whatever dies, the server must know of it afterwards. */
export interface Held {
  readonly permitIds: ReadonlySet<PermitId>;
  /** `reportKeyOf` each report that the server said it has. */
  readonly reportKeys: ReadonlySet<string>;
  /** Changes of the policy for which a receipt came: who, why and under which revision. */
  readonly entries: ReadonlyMap<Revision, HeldEntry>;
  /** Devices that were told that they are registered, each with its key. */
  readonly keyIds: ReadonlyMap<DeviceId, KeyId>;
  readonly releases: ReadonlyMap<ReleaseId, 'published' | 'withdrawn'>;
  readonly blobs: ReadonlySet<Sha256>;
}

export interface HeldEntry {
  readonly at: number;
  readonly author: string;
  readonly reason: string;
}

/** Notes what is acknowledged, as it is acknowledged. */
export interface Acknowledgements {
  readonly held: Held;
  /** A network that notes what devices are told. */
  witness(network: Network): Network;
  noteEntry(revision: Revision, entry: HeldEntry): void;
  noteDevice(deviceId: DeviceId, keyId: KeyId): void;
  noteRelease(releaseId: ReleaseId, state: 'published' | 'withdrawn'): void;
  noteBlob(digest: Sha256): void;
}

/** Starts an empty record; `onAnswer` is called after each answer, whatever it says. */
export function acknowledgements(onAnswer: () => void): Acknowledgements {
  const permitIds = new Set<PermitId>();
  const reportKeys = new Set<string>();
  const entries = new Map<Revision, HeldEntry>();
  const keyIds = new Map<DeviceId, KeyId>();
  const releases = new Map<ReleaseId, 'published' | 'withdrawn'>();
  const blobs = new Set<Sha256>();

  function noting<Key, Value>(map: Map<Key, Value>): (key: Key, value: Value) => void {
    return (key, value) => {
      map.set(key, value);
      onAnswer();
    };
  }

  return {
    held: { permitIds, reportKeys, entries, keyIds, releases, blobs },
    // Spread: what a network can do besides passes through.
    witness: (network) => ({
      ...network,
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
    }),
    noteEntry: noting(entries),
    noteDevice: noting(keyIds),
    noteRelease: noting(releases),
    noteBlob(digest) {
      blobs.add(digest);
      onAnswer();
    },
  };
}

/** What names a report for good: its device and its number. */
export function reportKeyOf({ deviceId, sequence }: Pick<Report, 'deviceId' | 'sequence'>): string {
  return `${deviceId} ${sequence}`;
}
