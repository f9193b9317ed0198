// SPDX-License-Identifier: Apache-2.0
import { err, ok } from '@outrider/domain/kernel/result';
import { publicationNote, withdrawalNote } from '@outrider/domain/release/audit-note';
import { clashWith } from '@outrider/domain/release/clash';
import type { Catalogue } from '@outrider/domain/release/ports';
import { encodePublishedRelease, parsePublishedRelease } from '@outrider/protocol/release/manifest';
import { appendAudit } from './audit-chain.ts';
import type { Database } from './pool.ts';
import { documentsOf, wellFormed } from './row.ts';

export function postgresCatalogue(database: Database): Catalogue {
  return {
    async publish(release, by) {
      const text = encodePublishedRelease(release);
      const stored = wellFormed(parsePublishedRelease(text));
      const { releaseId, deviceType, version, rollbackTwin } = stored.manifest;
      const twinId = rollbackTwin?.releaseId ?? null;
      return await database.transaction(async (query) => {
        // Publishing is rare: one at a time, so that no two can be checked against the same catalogue.
        await query('lock table release in share row exclusive mode');
        const rivals = documentsOf(await query(LOAD_RIVALS, [deviceType, [releaseId, twinId]]), parsePublishedRelease);
        const detail = clashWith(rivals, stored.manifest);
        if (detail !== undefined) return err({ code: 'release-exists', detail });
        await query(PUBLISH, [releaseId, twinId, deviceType, version, text]);
        await appendAudit(query, [publicationNote(stored, by)]);
        return ok(stored);
      });
    },
    async withdraw(releaseId, { at, reason }, by) {
      return await database.transaction(async (query) => {
        const marked = await query(WITHDRAW, [releaseId, at, reason]);
        const [withdrawn] = documentsOf(await query(LOAD, [releaseId]), parsePublishedRelease);
        if (withdrawn === undefined) return err({ code: 'release-unknown' });
        if (marked.length > 0) await appendAudit(query, [withdrawalNote(withdrawn, by)]);
        return ok(withdrawn);
      });
    },
    async loadRelease(releaseId) {
      return documentsOf(await database.query(LOAD, [releaseId]), parsePublishedRelease)[0];
    },
    async listReleases(deviceType) {
      return documentsOf(await database.query(LIST, [deviceType ?? null]), parsePublishedRelease);
    },
  };
}

/** All that a new release could clash with: those of its device type, and those that use one of its ids. */
const LOAD_RIVALS = `
select document from release_document
where device_type = $1 or release_id = any ($2) or twin_release_id = any ($2) order by ordinal`;

const PUBLISH = `
insert into release (release_id, twin_release_id, device_type, version, release) values ($1, $2, $3, $4, $5::jsonb)`;

/** Only once: the first reason stays. */
const WITHDRAW = `
update release set withdrawn_at = $2, withdrawn_reason = $3 where release_id = $1 and withdrawn_at is null
returning release_id`;

const LOAD = 'select document from release_document where release_id = $1';

const LIST = `
select document from release_document where $1::text is null or device_type = $1 order by ordinal`;
