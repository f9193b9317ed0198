// SPDX-License-Identifier: Apache-2.0
import { present } from '../kernel/assert.ts';
import type { AuditNote, ChangedBy } from '../trust/audit.ts';
import type { PublishedRelease } from './release.ts';

/** Who is named where a release was published before anyone wrote down who did it. */
export const ACTOR_UNKNOWN = 'not-recorded';

/** What the audit log says of a publication. */
export function publicationNote(release: PublishedRelease, by: ChangedBy): AuditNote {
  const { manifest, publishedAt } = release;
  return {
    ...by,
    at: publishedAt,
    action: 'release-published',
    subject: manifest.releaseId,
    detail: `${manifest.deviceType} ${manifest.version}`,
    document: { kind: 'release', value: publicationOf(release) },
  };
}

/** What the audit log says of a withdrawal; the release carries its marks. */
export function withdrawalNote(release: PublishedRelease, by: ChangedBy): AuditNote {
  const { withdrawnReason } = release;
  return {
    ...by,
    at: present(release.withdrawnAt, 'the instant of a withdrawal'),
    action: 'release-withdrawn',
    subject: release.manifest.releaseId,
    ...(withdrawnReason === undefined ? {} : { reason: withdrawnReason }),
    document: { kind: 'withdrawal', value: withdrawalOf(release) },
  };
}

function publicationOf({ withdrawnAt: _, withdrawnReason: __, ...published }: PublishedRelease): object {
  return published;
}

function withdrawalOf({ manifest, withdrawnAt, withdrawnReason }: PublishedRelease): object {
  return { releaseId: manifest.releaseId, withdrawnAt, withdrawnReason };
}
