// SPDX-License-Identifier: Apache-2.0
import type { Exposure } from '@outrider/domain/policy/exposure';
import type { ExposureStore } from '@outrider/domain/policy/ports';
import { parseExposure } from '@outrider/protocol/policy/exposure';
import type { Database } from './pool.ts';
import { documentsOf } from './row.ts';

export function postgresExposures(database: Database): ExposureStore {
  return {
    async loadExposures() {
      const rows = await database.query('select document from exposure_document order by rollout_id');
      return documentsOf(rows, parseExposure);
    },
    async loadExposure(rolloutId) {
      const rows = await database.query('select document from exposure_document where rollout_id = $1', [rolloutId]);
      return documentsOf(rows, parseExposure)[0];
    },
    async storeExposure(exposure) {
      await widenExposure(database.query, exposure);
    },
  };
}

/** Stores what rises: `granted` is the ledger's, and what is new starts with nothing granted. */
export async function widenExposure(query: Database['query'], exposure: Exposure): Promise<void> {
  await query(WIDEN, [JSON.stringify(exposure)]);
}

/** Lets caps fall to what is wanted, when the tests of a halted rollout begin again, and with them goes why it was held. */
export async function narrowExposure(query: Database['query'], exposure: Exposure): Promise<void> {
  await query(NARROW, [JSON.stringify(exposure)]);
}

/** In the transaction of the resume: the gate is still shut for all but those who wait for it. */
const NARROW = `
with wanted as (
  select * from jsonb_to_record($1::jsonb) as e ("rolloutId" text, cap bigint, "holdReason" text, segments jsonb)
), narrowed as (
  update exposure e set cap = least(e.cap, wanted.cap), hold_reason = wanted."holdReason" from wanted where e.rollout_id = wanted."rolloutId"
  returning e.rollout_id
)
update exposure_segment s set cap = least(s.cap, (one.value ->> 'cap')::bigint)
from narrowed, wanted, jsonb_array_elements(wanted.segments) as one
where s.rollout_id = narrowed.rollout_id and s.segment = one.value ->> 'segment'`;

/** The exposure's row is locked before those of its segments, as in `grant_permits`. */
const WIDEN = `
with wanted as (
  select * from jsonb_to_record($1::jsonb) as e (
    "rolloutId" text, "waveIndex" integer, "waveStartedAt" bigint, pi double precision, cap bigint,
    "downloadsAllowed" bigint, "isComplete" boolean, "holdReason" text, segments jsonb
  )
), widened as (
  insert into exposure as e (
    rollout_id, wave_index, wave_started_at, pi, cap, downloads_allowed, is_complete, hold_reason
  )
  select "rolloutId", "waveIndex", "waveStartedAt", pi, cap, "downloadsAllowed", "isComplete", "holdReason" from wanted
  on conflict (rollout_id) do update set
    wave_index = greatest(e.wave_index, excluded.wave_index),
    wave_started_at =
      case when excluded.wave_index > e.wave_index then excluded.wave_started_at else e.wave_started_at end,
    pi = greatest(e.pi, excluded.pi),
    cap = greatest(e.cap, excluded.cap),
    downloads_allowed = greatest(e.downloads_allowed, excluded.downloads_allowed),
    is_complete = e.is_complete or excluded.is_complete,
    hold_reason = excluded.hold_reason
  returning rollout_id
)
insert into exposure_segment as s (rollout_id, segment, ordinal, population, cap)
select widened.rollout_id, one.value ->> 'segment', one.ordinality, (one.value ->> 'population')::bigint,
  (one.value ->> 'cap')::bigint
from widened, wanted, jsonb_array_elements(wanted.segments) with ordinality as one
on conflict (rollout_id, segment) do update set cap = greatest(s.cap, excluded.cap)`;
