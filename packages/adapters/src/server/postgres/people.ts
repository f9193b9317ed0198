// SPDX-License-Identifier: Apache-2.0
import { present } from '@outrider/domain/kernel/assert';
import type { CivilMs, KnownPerson, PersonSession, ServiceToken } from '@outrider/domain/trust/credentials';
import type { PeopleStore } from '@outrider/domain/trust/ports';
import {
  encodePersonSession,
  encodeServiceToken,
  parseKnownPerson,
  parsePersonSession,
  parseServiceToken,
} from '@outrider/protocol/trust/people';
import { appendAudit } from './audit-chain.ts';
import type { Database, Row } from './pool.ts';
import { numberOf, textOf, wellFormed } from './row.ts';

/** People on PostgreSQL: every server of an installation sees a revoked token or an ended session at once. */
export function postgresPeople(database: Database): PeopleStore {
  return {
    async createToken(token, note) {
      return await database.transaction(async (query) => {
        const made = await query(CREATE_TOKEN, [
          token.tokenId,
          token.name,
          encodeServiceToken(token),
          token.createdAtMs,
        ]);
        if (made.length > 0) await appendAudit(query, [note]);
        return made.length > 0;
      });
    },
    async loadToken(tokenId) {
      const [row] = await database.query(`${SELECT_TOKEN} where token_id = $1`, [tokenId]);
      return row === undefined ? undefined : tokenOf(row);
    },
    async listTokens() {
      return (await database.query(`${SELECT_TOKEN} order by created_at, token_id`, [])).map(tokenOf);
    },
    async revokeToken(tokenId, atMs, note) {
      return await database.transaction(async (query) => {
        const revoked = await query(REVOKE_TOKEN, [tokenId, atMs]);
        if (revoked.length > 0) await appendAudit(query, [note]);
        return revoked.length > 0;
      });
    },
    async noteTokenUse(tokenId, atMs) {
      await database.query(
        'update service_token set last_used_at = greatest(coalesce(last_used_at, 0), $2) where token_id = $1',
        [tokenId, atMs],
      );
    },
    async createSession(session, note) {
      await database.transaction(async (query) => {
        await query(CREATE_SESSION, [
          session.digest,
          session.personId,
          encodePersonSession(session),
          session.beganAtMs,
          session.lastUsedAtMs,
        ]);
        await appendAudit(query, [note]);
      });
    },
    async loadSession(digest) {
      const [row] = await database.query('select document, last_used_at from person_session where digest = $1', [
        digest,
      ]);
      return row === undefined ? undefined : sessionOf(row);
    },
    async noteSessionUse(digest, atMs) {
      await database.query('update person_session set last_used_at = greatest(last_used_at, $2) where digest = $1', [
        digest,
        atMs,
      ]);
    },
    async endSession(digest) {
      await database.query('delete from person_session where digest = $1', [digest]);
    },
    async forgetSessions(beforeMs) {
      await database.query('delete from person_session where began_at < $1', [beforeMs]);
    },
    async notePerson({ personId, name, atMs }) {
      const [row] = await database.query(NOTE_PERSON, [personId, name, atMs]);
      return personOf(present(row, 'the person that was just noted'));
    },
    async loadPerson(personId) {
      const [row] = await database.query(`${SELECT_PERSON} where person_id = $1`, [personId]);
      return row === undefined ? undefined : personOf(row);
    },
    async listPeople() {
      return (await database.query(`${SELECT_PERSON} order by person_id`, [])).map(personOf);
    },
    async blockPerson(personId, block, note) {
      await database.transaction(async (query) => {
        const text = block === undefined ? null : JSON.stringify(block);
        await query(BLOCK_PERSON, [personId, note.at, text]);
        if (block !== undefined) await query('delete from person_session where person_id = $1', [personId]);
        await appendAudit(query, [note]);
      });
    },
  };
}

function tokenOf(row: Row): ServiceToken {
  const token = wellFormed(parseServiceToken(textOf(row, 'document')));
  return {
    ...token,
    ...(row.revoked_at === null ? {} : { revokedAtMs: civilOf(row, 'revoked_at') }),
    ...(row.last_used_at === null ? {} : { lastUsedAtMs: civilOf(row, 'last_used_at') }),
  };
}

function sessionOf(row: Row): PersonSession {
  return { ...wellFormed(parsePersonSession(textOf(row, 'document'))), lastUsedAtMs: civilOf(row, 'last_used_at') };
}

function personOf(row: Row): KnownPerson {
  const blocked = row.blocked === null ? {} : { blocked: JSON.parse(textOf(row, 'blocked')) as unknown };
  const person = {
    personId: textOf(row, 'person_id'),
    name: textOf(row, 'name'),
    firstSeenMs: numberOf(row, 'first_seen'),
    lastSeenMs: numberOf(row, 'last_seen'),
    ...blocked,
  };
  return wellFormed(parseKnownPerson(JSON.stringify(person)));
}

/** A column that an instant of the wall clock was written into. */
function civilOf(row: Row, column: string): CivilMs {
  return numberOf(row, column) as CivilMs;
}

const CREATE_TOKEN = `
insert into service_token (token_id, name, document, created_at) values ($1, $2, $3, $4)
on conflict do nothing returning token_id`;

const SELECT_TOKEN = 'select document, revoked_at, last_used_at from service_token';

const REVOKE_TOKEN = `
update service_token set revoked_at = $2 where token_id = $1 and revoked_at is null returning token_id`;

const CREATE_SESSION = `
insert into person_session (digest, person_id, document, began_at, last_used_at) values ($1, $2, $3, $4, $5)`;

const NOTE_PERSON = `
insert into person as p (person_id, name, first_seen, last_seen) values ($1, $2, $3, $3)
on conflict (person_id) do update set name = excluded.name, last_seen = greatest(p.last_seen, excluded.last_seen)
returning person_id, name, first_seen, last_seen, blocked`;

const SELECT_PERSON = 'select person_id, name, first_seen, last_seen, blocked from person';

/** Somebody may be shut out before they ever came. */
const BLOCK_PERSON = `
insert into person (person_id, name, first_seen, last_seen, blocked) values ($1, $1, $2, $2, $3)
on conflict (person_id) do update set blocked = excluded.blocked`;
