// SPDX-License-Identifier: Apache-2.0
import { decisionPoint, HISTORY_POINTS_MAX } from '@outrider/domain/decision/history';
import type { DecisionLog } from '@outrider/domain/decision/ports';
import {
  encodeDecision,
  encodeDecisionInput,
  parseDecision,
  parseDecisionInput,
} from '@outrider/protocol/decision/decision';
import { parseVerdictNote } from '@outrider/protocol/decision/overview';
import { parseEvidence } from '@outrider/protocol/evidence/evidence';
import type { Database } from './pool.ts';
import { documentsOf, textOf, wellFormed } from './row.ts';

export function postgresDecisions(database: Database): DecisionLog {
  return {
    async appendDecision(input, decision) {
      await database.query(APPEND, [
        decision.rolloutId,
        decision.at,
        encodeDecisionInput(input),
        encodeDecision(decision),
        input.evidence.asOf,
      ]);
    },
    async loadDecisions(rolloutId, { afterAt, limit }) {
      const rows = await database.query(LOAD, [rolloutId, afterAt ?? -1, limit]);
      return rows.map((row) => ({
        input: wellFormed(parseDecisionInput(textOf(row, 'input'))),
        decision: wellFormed(parseDecision(textOf(row, 'decision'))),
      }));
    },
    async loadNewestVerdicts(limit) {
      return documentsOf(await database.query(NEWEST, [limit]), parseVerdictNote);
    },
    async loadHistory(rolloutId) {
      const rows = await database.query(HISTORY, [rolloutId, HISTORY_POINTS_MAX]);
      return rows.map((row) => decisionPoint(wellFormed(parseDecision(textOf(row, 'decision')))));
    },
    async loadLatestEvidence(rolloutId) {
      const [row] = await database.query('select evidence from evidence_latest where rollout_id = $1', [rolloutId]);
      return row === undefined ? undefined : wellFormed(parseEvidence(textOf(row, 'evidence')));
    },
  };
}

const APPEND = `
with appended as (
  insert into decision (rollout_id, at, input, decision) values ($1, $2, $3::jsonb, $4::jsonb)
)
insert into evidence_latest as e (rollout_id, as_of, evidence) values ($1, $5, $3::jsonb -> 'evidence')
on conflict (rollout_id) do update set as_of = excluded.as_of, evidence = excluded.evidence
where excluded.as_of >= e.as_of`;

const NEWEST = `
select json_build_object(
  'rolloutId', rollout_id, 'at', at, 'kind', decision #> '{overall,kind}', 'reason', decision #> '{overall,reason}'
) as document from decision order by position desc limit $1`;

/** Counted from the newest back, as `isHistoryPoint` says; the rows in between are never read from their pages. */
const HISTORY = `
with numbered as (
  select position, at, row_number() over (order by at desc, position desc) - 1 as back, count(*) over () as all_of
  from decision where rollout_id = $1
)
select decision from numbered join decision using (position)
where back % greatest(1, ceil(all_of::numeric / $2)::bigint) = 0 order by numbered.at, position`;

const LOAD = `
select input, decision from decision where rollout_id = $1 and at > $2 order by at fetch first $3 rows with ties`;
