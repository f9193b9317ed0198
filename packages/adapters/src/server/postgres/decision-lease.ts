// SPDX-License-Identifier: Apache-2.0
import { type DecisionLease, LeaseLostError, type Term } from '@outrider/domain/decision/lease-ports';
import { postgresDecisions } from './decisions.ts';
import { postgresExposures } from './exposures.ts';
import { postgresPolicyLog } from './policy-log.ts';
import type { Database } from './pool.ts';
import { numberOf } from './row.ts';

/**
 * How long a lease lasts without being renewed: after a server that was cut off another one decides within this time. The
 * outcome windows are hours, and pauses by people need no decider.
 */
export const LEASE_MS = 15_000;

export function postgresDecisionLease(database: Database, leaseMs = LEASE_MS): DecisionLease {
  return {
    async take(holder, term) {
      const [row] = await database.query(TAKE, [holder, term ?? null, leaseMs]);
      // Only this statement makes terms.
      return row === undefined ? undefined : (numberOf(row, 'term') as Term);
    },
    async release(term) {
      await database.query('update decision_lease set ends_at = clock_timestamp() where term = $1', [term]);
    },
    under(term) {
      const fenced = fencedBy(database, term);
      // What is read of an exposure in each round needs no fence: what comes of it is written behind one.
      const { loadExposure, loadExposures } = postgresExposures(database);
      return {
        policyLog: postgresPolicyLog(fenced),
        exposures: { ...postgresExposures(fenced), loadExposure, loadExposures },
        decisions: postgresDecisions(fenced),
      };
    },
  };
}

const TAKE = `
insert into decision_lease as l (holder, term, ends_at)
values ($1, 1, clock_timestamp() + $3::bigint * interval '1 millisecond')
on conflict (only_row) do update set
  holder = excluded.holder,
  term = case when l.holder = $1 and l.term = $2::bigint then l.term else l.term + 1 end,
  ends_at = excluded.ends_at
where l.ends_at <= clock_timestamp() or (l.holder = $1 and ($2::bigint is null or l.term = $2::bigint))
returning term`;

/**
 * Everything under the row of the lease, held shared until the commit: whoever takes over waits for what is under way, and
 * nothing of the former term commits after that. The row comes before all others in the order of locks.
 */
function fencedBy(database: Database, term: Term): Database {
  async function hold(query: Database['query']): Promise<void> {
    const [row] = await query('select term from decision_lease where term = $1 for share', [term]);
    if (row === undefined) throw new LeaseLostError(term);
  }
  return {
    ...database,
    query: (statement, values = []) =>
      database.transaction(async (query) => {
        await hold(query);
        return await query(statement, values);
      }),
    transaction: (work) =>
      database.transaction(async (query) => {
        await hold(query);
        return await work(query);
      }),
  };
}
