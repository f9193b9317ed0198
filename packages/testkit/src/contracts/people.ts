// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { digestText } from '@outrider/adapters/shared/digest';
import { fleetInstant } from '@outrider/domain/kernel/time';
import type { AuditNote } from '@outrider/domain/trust/audit';
import type { AuditAction } from '@outrider/domain/trust/audit-actions';
import type { CivilMs, PersonSession, ServiceToken } from '@outrider/domain/trust/credentials';
import { type OpenStore, useStore } from './use-store.ts';

const AT = 1_800_000_000_000;

/** What every store of people must do. */
export function peopleContract(adapter: string, open: OpenStore): void {
  describe(`people: ${adapter}`, () => {
    test('a service token is found by its id, noted when used, and revoked once', () =>
      useStore(open, async ({ people, audit }) => {
        const token = tokenCalled('deploy');
        assert.equal(await people.createToken(token, noteOf('token-created')), true);
        assert.deepEqual(await people.loadToken(token.tokenId), token);
        await people.noteTokenUse(token.tokenId, at(2_000));
        await people.noteTokenUse(token.tokenId, at(1_000));
        assert.deepEqual(await people.loadToken(token.tokenId), { ...token, lastUsedAtMs: at(2_000) });
        assert.equal(await people.revokeToken(token.tokenId, at(3_000), noteOf('token-revoked')), true);
        assert.equal(await people.revokeToken(token.tokenId, at(4_000), noteOf('token-revoked')), false);
        assert.equal((await people.loadToken(token.tokenId))?.revokedAtMs, at(3_000));
        assert.equal(await people.revokeToken('ffffffffffffffff', at(0), noteOf('token-revoked')), false);
        assert.equal((await audit.loadHead()).sequence, 2, 'what changed nothing leaves no entry');
      }));

    test('two tokens in force have no name in common; a revoked one leaves its name', () =>
      useStore(open, async ({ people }) => {
        const first = tokenCalled('deploy');
        const second = { ...tokenCalled('deploy'), tokenId: 'b'.repeat(16) };
        await people.createToken(first, noteOf('token-created'));
        assert.equal(await people.createToken(second, noteOf('token-created')), false);
        await people.revokeToken(first.tokenId, at(1), noteOf('token-revoked'));
        assert.equal(await people.createToken(second, noteOf('token-created')), true);
        assert.deepEqual(
          (await people.listTokens()).map((one) => one.tokenId),
          [first.tokenId, second.tokenId],
        );
      }));

    test('a session is noted when used, and gone when it has ended', () =>
      useStore(open, async ({ people }) => {
        const session = sessionOf('ada', 0);
        await people.createSession(session, noteOf('signed-in'));
        await people.noteSessionUse(session.digest, at(60_000));
        assert.deepEqual(await people.loadSession(session.digest), { ...session, lastUsedAtMs: at(60_000) });
        await people.endSession(session.digest);
        assert.equal(await people.loadSession(session.digest), undefined);
      }));

    test('sessions from before an instant are forgotten, later ones are kept', () =>
      useStore(open, async ({ people }) => {
        const [old, young] = [sessionOf('ada', 0), sessionOf('ada', 1_000)];
        await people.createSession(old, noteOf('signed-in'));
        await people.createSession(young, noteOf('signed-in'));
        await people.forgetSessions(at(1_000));
        assert.equal(await people.loadSession(old.digest), undefined);
        assert.deepEqual(await people.loadSession(young.digest), young);
      }));

    test('who is shut out has no session any more, and is let in again by name', () =>
      useStore(open, async ({ people }) => {
        const [ada, grace] = [sessionOf('ada', 0), sessionOf('grace', 0)];
        await people.createSession(ada, noteOf('signed-in'));
        await people.createSession(grace, noteOf('signed-in'));
        await people.notePerson({ personId: 'ada', name: 'Ada L.', atMs: at(0) });
        const block = { atMs: at(5), by: 'sam', reason: 'has left' };
        await people.blockPerson('ada', block, noteOf('person-blocked'));
        assert.equal(await people.loadSession(ada.digest), undefined);
        assert.deepEqual(await people.loadSession(grace.digest), grace);
        const seen = await people.notePerson({ personId: 'ada', name: 'Ada', atMs: at(9) });
        assert.deepEqual(seen, { personId: 'ada', name: 'Ada', firstSeenMs: at(0), lastSeenMs: at(9), blocked: block });
        await people.blockPerson('ada', undefined, noteOf('person-unblocked'));
        assert.equal((await people.loadPerson('ada'))?.blocked, undefined);
        await people.blockPerson('zoe', block, noteOf('person-blocked'));
        assert.deepEqual(
          (await people.listPeople()).map((one) => one.personId),
          ['ada', 'zoe'],
        );
      }));
  });
}

function tokenCalled(name: string): ServiceToken {
  return {
    tokenId: 'a'.repeat(16),
    name,
    digest: digestText(name),
    roles: ['operator'],
    reach: { customers: ['acme'] },
    personId: 'ada',
    createdAtMs: at(0),
    expiresAtMs: at(86_400_000),
  };
}

function sessionOf(personId: string, beganMs: number): PersonSession {
  return {
    digest: digestText(`${personId} ${beganMs}`),
    personId,
    name: `The person ${personId}`,
    roles: ['operator', 'viewer'],
    reach: {},
    isBreakGlass: false,
    beganAtMs: at(beganMs),
    lastUsedAtMs: at(beganMs),
  };
}

function noteOf(action: AuditAction): AuditNote {
  return { actor: 'sam', at: fleetInstant(AT), action, subject: 'ada' };
}

function at(ms: number): CivilMs {
  return (AT + ms) as CivilMs;
}
