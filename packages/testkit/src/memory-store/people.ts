// SPDX-License-Identifier: Apache-2.0
import type { Sha256 } from '@outrider/domain/kernel/ids';
import type { CivilMs, KnownPerson, PersonSession, ServiceToken } from '@outrider/domain/trust/credentials';
import type { PeopleStore } from '@outrider/domain/trust/ports';
import { appendAudit } from './audit.ts';
import type { MemoryState } from './state.ts';

export function memoryPeople(state: MemoryState): PeopleStore {
  const tokens = new Map<string, ServiceToken>();
  const sessions = new Map<Sha256, PersonSession>();
  const people = new Map<string, KnownPerson>();
  return {
    async createToken(token, note) {
      const isTaken = [...tokens.values()].some((one) => one.name === token.name && one.revokedAtMs === undefined);
      if (isTaken || tokens.has(token.tokenId)) return false;
      tokens.set(token.tokenId, token);
      appendAudit(state, note);
      return true;
    },
    async loadToken(tokenId) {
      return tokens.get(tokenId);
    },
    async listTokens() {
      return [...tokens.values()];
    },
    async revokeToken(tokenId, atMs, note) {
      const token = tokens.get(tokenId);
      if (token === undefined || token.revokedAtMs !== undefined) return false;
      tokens.set(tokenId, { ...token, revokedAtMs: atMs });
      appendAudit(state, note);
      return true;
    },
    async noteTokenUse(tokenId, atMs) {
      const token = tokens.get(tokenId);
      if (token !== undefined) tokens.set(tokenId, { ...token, lastUsedAtMs: later(token.lastUsedAtMs, atMs) });
    },
    async createSession(session, note) {
      sessions.set(session.digest, session);
      appendAudit(state, note);
    },
    async loadSession(digest) {
      return sessions.get(digest);
    },
    async noteSessionUse(digest, atMs) {
      const session = sessions.get(digest);
      if (session !== undefined) sessions.set(digest, { ...session, lastUsedAtMs: later(session.lastUsedAtMs, atMs) });
    },
    async endSession(digest) {
      sessions.delete(digest);
    },
    async forgetSessions(beforeMs) {
      for (const [digest, one] of sessions) if (one.beganAtMs < beforeMs) sessions.delete(digest);
    },
    async notePerson({ personId, name, atMs }) {
      const before = people.get(personId);
      const noted: KnownPerson = {
        ...before,
        personId,
        name,
        firstSeenMs: before?.firstSeenMs ?? atMs,
        lastSeenMs: later(before?.lastSeenMs, atMs),
      };
      people.set(personId, noted);
      return noted;
    },
    async loadPerson(personId) {
      return people.get(personId);
    },
    async listPeople() {
      return [...people.values()].sort((a, b) => (a.personId < b.personId ? -1 : 1));
    },
    async blockPerson(personId, block, note) {
      const { blocked: _, ...before } = people.get(personId) ?? unseen(personId, note.at);
      people.set(personId, block === undefined ? before : { ...before, blocked: block });
      if (block !== undefined) {
        for (const [digest, one] of sessions) if (one.personId === personId) sessions.delete(digest);
      }
      appendAudit(state, note);
    },
  };
}

/** Somebody may be shut out before they ever came. */
function unseen(personId: string, at: number): KnownPerson {
  return { personId, name: personId, firstSeenMs: at as CivilMs, lastSeenMs: at as CivilMs };
}

function later(before: CivilMs | undefined, atMs: CivilMs): CivilMs {
  return before === undefined || atMs > before ? atMs : before;
}
