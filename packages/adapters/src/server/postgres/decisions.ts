// SPDX-License-Identifier: Apache-2.0
import type { Decision, DecisionInput } from '@outrider/domain/decision/decision';
import type { DecisionLog } from '@outrider/domain/decision/ports';
import type { Evidence } from '@outrider/domain/evidence/evidence';
import type { Database } from './pool.ts';
import { textOf } from './row.ts';

export function postgresDecisions(database: Database): DecisionLog {
  return {
    async appendDecision(input, decision) {
      await database.query(APPEND, [
        decision.rolloutId,
        decision.at,
        JSON.stringify(input),
        JSON.stringify(decision),
        input.evidence.asOf,
      ]);
    },
    async loadDecisions(rolloutId, { afterAt, limit }) {
      const rows = await database.query(LOAD, [rolloutId, afterAt ?? -1, limit]);
      return rows.map((row) => ({
        input: asWritten<DecisionInput>(textOf(row, 'input')),
        decision: asWritten<Decision>(textOf(row, 'decision')),
      }));
    },
    async loadLatestEvidence(rolloutId) {
      const [row] = await database.query('select evidence from evidence_latest where rollout_id = $1', [rolloutId]);
      return row === undefined ? undefined : asWritten<Evidence>(textOf(row, 'evidence'));
    },
  };
}

/** These documents never leave the server: only `appendDecision` writes them, from the very types they are read as. */
function asWritten<T>(text: string): T {
  return JSON.parse(text) as T;
}

const APPEND = `
with appended as (
  insert into decision (rollout_id, at, input, decision) values ($1, $2, $3::jsonb, $4::jsonb)
)
insert into evidence_latest as e (rollout_id, as_of, evidence) values ($1, $5, $3::jsonb -> 'evidence')
on conflict (rollout_id) do update set as_of = excluded.as_of, evidence = excluded.evidence
where excluded.as_of >= e.as_of`;

const LOAD = `
select input, decision from decision where rollout_id = $1 and at > $2 order by at fetch first $3 rows with ties`;
