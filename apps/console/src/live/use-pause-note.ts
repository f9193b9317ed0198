// SPDX-License-Identifier: Apache-2.0
import type { PolicyEntry } from '@outrider/domain/policy/log';
import type { Overview } from '@outrider/protocol/decision/overview';
import { useEffect, useState } from 'react';
import type { PauseNote } from '../view/overview-page.ts';
import type { Management } from './management.ts';
import { parsePolicyEntries } from './rollout-answer.ts';

/** A pause lies at the end of the log: people look at what was just done. */
const ENTRIES_LOOKED_AT = 500;

/** Who paused everything, when and why; undefined while nothing is, or when it lies too far back in the log. */
export function usePauseNote(management: Management, { revision, pausedScopes }: Overview): PauseNote | undefined {
  const [note, setNote] = useState<PauseNote>();
  const scope = pausedScopes.includes('global') ? 'global' : pausedScopes[0];
  useEffect(() => {
    let isGone = false;
    setNote(undefined);
    if (scope === undefined) return undefined;
    async function ask(): Promise<void> {
      const answer = await management.get(`/policy-entries?after=${Math.max(0, revision - ENTRIES_LOOKED_AT)}`);
      const read = answer.kind === 'done' ? parsePolicyEntries(answer.body) : undefined;
      if (!isGone && read?.ok) setNote(pauseOf(read.value.items, scope));
    }
    void ask();
    return () => {
      isGone = true;
    };
  }, [management, revision, scope]);
  return note;
}

/** The newest pause of a scope. */
export function pauseOf(entries: readonly PolicyEntry[], scope: string | undefined): PauseNote | undefined {
  const found = entries.findLast(({ change }) => change.kind === 'scope-paused' && change.scope === scope);
  if (found === undefined || found.change.kind !== 'scope-paused') return undefined;
  return { author: found.author, at: found.at, reason: found.change.reason };
}
