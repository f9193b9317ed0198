// SPDX-License-Identifier: Apache-2.0
import type { ReleaseId } from '@outrider/domain/kernel/ids';
import { err, ok } from '@outrider/domain/kernel/result';
import { publicationNote, withdrawalNote } from '@outrider/domain/release/audit-note';
import { clashWith } from '@outrider/domain/release/clash';
import type { Catalogue } from '@outrider/domain/release/ports';
import { appendAudit } from './audit.ts';
import type { MemoryState } from './state.ts';

export function memoryCatalogue(state: MemoryState): Catalogue {
  const { releases } = state;
  return {
    async publish(release, by) {
      const detail = clashWith([...releases.values()], release.manifest);
      if (detail !== undefined) return err({ code: 'release-exists', detail });
      releases.set(release.manifest.releaseId, release);
      appendAudit(state, publicationNote(release, by));
      return ok(release);
    },
    async withdraw(releaseId: ReleaseId, { at, reason }, by) {
      const stored = releases.get(releaseId);
      if (stored === undefined) return err({ code: 'release-unknown' });
      if (stored.withdrawnAt !== undefined) return ok(stored);
      const withdrawn = { ...stored, withdrawnAt: at, withdrawnReason: reason };
      releases.set(releaseId, withdrawn);
      appendAudit(state, withdrawalNote(withdrawn, by));
      return ok(withdrawn);
    },
    async loadRelease(releaseId) {
      return releases.get(releaseId);
    },
    async listReleases(deviceType) {
      const all = [...releases.values()];
      return deviceType === undefined ? all : all.filter((one) => one.manifest.deviceType === deviceType);
    },
  };
}
