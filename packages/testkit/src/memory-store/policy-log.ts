// SPDX-License-Identifier: Apache-2.0
import { assert } from '@outrider/domain/kernel/assert';
import { err, ok } from '@outrider/domain/kernel/result';
import { policyNote } from '@outrider/domain/policy/audit-note';
import { foldPolicy } from '@outrider/domain/policy/fold';
import type { PolicyEntry } from '@outrider/domain/policy/log';
import type { PolicyLog } from '@outrider/domain/policy/ports';
import { beginsAnew } from '@outrider/domain/policy/resume-approval';
import { describeParseError } from '@outrider/protocol/kernel/parse-error';
import { encodePolicyEntry, parsePolicyEntry } from '@outrider/protocol/policy/policy-change';
import { appendAudit } from './audit.ts';
import { narrowExposure, widenExposure } from './exposures.ts';
import type { MemoryState } from './state.ts';

/** The fold of the log is at hand all the time: the ledger asks it where PostgreSQL locks the rows made from it. */
export function memoryPolicyLog(state: MemoryState): PolicyLog {
  return {
    async appendEntry({ expected, at, author, change, exposure, request }) {
      const actual = state.policy.revision;
      if (expected !== actual) return err({ code: 'revision-stale', expected, actual });
      const entry: PolicyEntry = { revision: (actual + 1) as typeof actual, at, author, change };
      // A store that writes texts would not read another one back; this one must not be more lenient.
      const parsed = parsePolicyEntry(encodePolicyEntry(entry));
      assert(parsed.ok, `a policy entry in its own format, got ${parsed.ok ? '' : describeParseError(parsed.error)}`);
      state.policy = foldPolicy(state.policy, entry);
      state.entries.push(entry);
      if (exposure !== undefined) (beginsAnew(change) ? narrowExposure : widenExposure)(state.exposures, exposure);
      appendAudit(state, policyNote(entry, request));
      return ok(entry);
    },
    async loadEntries(after) {
      return state.entries.slice(after);
    },
  };
}
