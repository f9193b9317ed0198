// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { digestText } from '@outrider/adapters/shared/digest';
import type { CivilMs } from '@outrider/domain/trust/credentials';
import { PERSON_ROLES, type PersonRole } from '@outrider/domain/trust/person';
import { encodeEnvelope } from '@outrider/protocol/trust/envelope';
import { memoryStore } from '@outrider/testkit/memory-store';
import { memoryBlobs } from '@outrider/testkit/memory-store/blobs';
import type { Schedule } from '../ports.ts';
import { manifestOf, planOf, rehearse, signed } from '../rehearsal.ts';
import { listen } from './listen.ts';
import { tokenFor } from './people-for-tests.ts';
import { EVENT_ACCESS, isOpenTo, ROUTE_ACCESS, type RouteAccess } from './route-access.ts';

const ADMIN = 'an-admin-token-of-this-test';

const timers: Schedule = {
  after(delayMs, work) {
    const timer = setTimeout(work, delayMs);
    return () => clearTimeout(timer);
  },
};

const store = memoryStore();
const rehearsal = rehearse({ store, blobs: memoryBlobs(), schedule: timers });
const { server } = rehearsal;
let nowMs = 1_800_000_000_000;
/** Several doors to one server: failed proofs are counted at each of them. */
async function openDoor(): Promise<string> {
  const listening = await listen({
    ...{ server, host: '127.0.0.1', port: 0, version: '0.0.0', digestText, schedule: timers, log: rehearsal.ports.log },
    adminTokenDigest: digestText(ADMIN),
    civilClock: () => nowMs as CivilMs,
  });
  assert.ok(listening.ok);
  const { value } = listening;
  after(() => value.close());
  return value.url;
}

const url = await openDoor();
const strangersDoor = await openDoor();
await server.drain();

const roles = Object.keys(PERSON_ROLES) as PersonRole[];
const tokens = new Map<PersonRole, string>();
for (const role of roles)
  tokens.set(role, await tokenFor(store.people, { personId: `a-${role}`, roles: [role], atMs: nowMs }));

interface Answer {
  readonly status: number;
  readonly body: { readonly code?: string; readonly [field: string]: unknown };
  readonly headers: Headers;
}

function ask(what: string, token: string | undefined, body?: object, headers: object = {}): Promise<Answer> {
  return askAt(url, what, { token, body, headers });
}

async function askAt(
  door: string,
  what: string,
  {
    token,
    body,
    headers,
  }: { readonly token?: string | undefined; readonly body?: object | undefined; readonly headers?: object },
): Promise<Answer> {
  const [method = '', path = ''] = what.split(' ', 2);
  const response = await fetch(`${door}/api/v1${path}`, {
    method,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') ?? false;
  if (isStream) await response.body?.cancel();
  const text = isStream ? '{}' : await response.text();
  return { status: response.status, headers: response.headers, body: text.startsWith('{') ? JSON.parse(text) : {} };
}

describe('roles', () => {
  test('every route of the management API has a row in the table, and every row a route', async () => {
    const { body } = await ask('GET /openapi.json', undefined);
    const routes = Object.entries(body.paths as Record<string, object>).flatMap(([path, operations]) =>
      Object.keys(operations).map(
        (method) => `${method.toUpperCase()} ${path.slice(7).replaceAll(/\{(\w+)\}/g, ':$1')}`,
      ),
    );
    assert.ok(routes.length > 40);
    assert.deepEqual(routes.sort(), Object.keys(ROUTE_ACCESS).sort());
  });

  test('every route is open to the roles of its row and to nobody else', async () => {
    const wrong: string[] = [];
    for (const [name, access] of Object.entries(ROUTE_ACCESS) as [string, RouteAccess][]) {
      const path = name.replace(':digest', 'a'.repeat(64)).replaceAll(/:\w+/g, 'nothing-of-this-name');
      const body = name.startsWith('GET') ? undefined : {};
      const stranger = await askAt(strangersDoor, path, { body });
      if (![401, 429].includes(stranger.status)) wrong.push(`${name}: a stranger is answered ${stranger.status}`);
      for (const role of roles) {
        const { status, body: said } = await ask(path, tokens.get(role), body);
        const isRefused = status === 403 && said.code === 'role-missing';
        if (isRefused === access.roles[role]) wrong.push(`${name} by ${role}: ${status} ${said.code}`);
        if (status === 401 || status >= 500) wrong.push(`${name} by ${role}: ${status} ${said.code}`);
      }
    }
    assert.deepEqual(wrong, []);
  });

  test('each event of a rollout is open to the roles of its row and to nobody else', async () => {
    for (const [event, open] of Object.entries(EVENT_ACCESS)) {
      for (const role of roles) {
        const body = { event, reason: 'tried by a test' };
        const { body: said } = await ask('POST /rollouts/no-such-rollout/events', tokens.get(role), body);
        assert.equal(said.code, open[role] ? 'rollout-unknown' : 'role-missing', `${event} by ${role}`);
      }
    }
  });

  test('whoever may change anything may stop everything', () => {
    for (const role of roles.filter((one) => one !== 'viewer')) {
      assert.ok(isOpenTo(ROUTE_ACCESS['POST /scopes/pause'].roles, [role]));
      assert.ok(isOpenTo(EVENT_ACCESS.halt, [role]));
    }
  });
});

describe('two people', () => {
  test('nobody approves what they planned, also not by a token of theirs; another person does', async () => {
    const manifest = await manifestOf(server, '1.0.0');
    const newer = await manifestOf(server, '1.1.0', manifest);
    for (const one of [manifest, newer]) {
      assert.equal((await ask('POST /releases', ADMIN, JSON.parse(encodeEnvelope(signed(one))))).status, 201);
    }
    const both = await tokenFor(store.people, { personId: 'ada', roles: ['operator', 'approver'], atMs: nowMs });
    const second = await tokenFor(store.people, { personId: 'ada', roles: ['approver'], atMs: nowMs });
    const plan = planOf(newer);
    assert.equal((await ask('POST /rollouts', both, { plan })).status, 201);
    const approve = `POST /rollouts/${plan.rolloutId}/events`;
    const body = { event: 'approve', reason: 'it looks good' };
    for (const token of [both, second]) assert.equal((await ask(approve, token, body)).body.code, 'approver-is-author');
    assert.equal((await ask(approve, both, { ...body, author: 'grace' })).body.code, 'author-differs');
    const grace = await tokenFor(store.people, { personId: 'grace', roles: ['approver'], atMs: nowMs });
    assert.equal((await ask(approve, grace, body)).status, 200);
    const { body: page } = await ask('GET /audit-entries?action=rollout-approve', ADMIN);
    const [item] = page.items as { readonly entry: { readonly actor: string; readonly via: string } }[];
    assert.equal(item?.entry.actor, 'grace');
    assert.match(item?.entry.via ?? '', /^service-token:of-grace-/);
  });

  test('what the administrator’s token does is recorded as such, under the name that was said', async () => {
    await ask(
      'POST /scopes/pause',
      ADMIN,
      { scope: 'global', reason: 'smoke' },
      { 'x-outrider-author': 'night-shift' },
    );
    await ask('POST /scopes/resume', ADMIN, { scope: 'global', reason: 'no fire' });
    const { body } = await ask('GET /audit-entries?action=scope-paused', ADMIN);
    const [item] = body.items as { readonly entry: { readonly actor: string; readonly via: string } }[];
    assert.deepEqual([item?.entry.actor, item?.entry.via], ['night-shift', 'break-glass']);
  });
});

describe('service tokens', () => {
  test('a token is shown once, works, tells its last use, and ends with its revocation', async () => {
    const made = await ask('POST /service-tokens', ADMIN, { name: 'pipeline', roles: ['operator'], days: 30 });
    assert.equal(made.status, 201);
    const [text, tokenId] = [String(made.body.token), String(made.body.tokenId)];
    assert.match(text, /^ort_[0-9a-f]{16}_[0-9a-f]{64}$/);
    assert.equal((await ask('GET /session', text)).body.personId, 'admin');
    const { body: listed } = await ask('GET /service-tokens', ADMIN);
    const shown = (listed.items as Record<string, unknown>[]).find((one) => one.tokenId === tokenId);
    assert.equal(shown?.lastUsedAtMs, nowMs);
    assert.ok(!JSON.stringify(listed).includes(digestText(text.slice(-64))), 'not even its digest is told');
    assert.equal((await ask(`POST /service-tokens/${tokenId}/revoke`, ADMIN, { reason: 'leaked' })).status, 200);
    assert.equal((await ask('GET /session', text)).body.code, 'token-revoked');
    assert.equal(
      (await ask(`POST /service-tokens/${tokenId}/revoke`, ADMIN, { reason: 'twice' })).body.code,
      'token-unknown',
    );
  });

  test('a token that has reached its end, or has one letter changed, lets nobody in', async () => {
    const text = await tokenFor(store.people, { personId: 'ada', roles: ['viewer'], atMs: nowMs - 86_400_000 });
    assert.equal((await ask('GET /session', text)).body.code, 'token-expired');
    const good = await tokenFor(store.people, { personId: 'ada', roles: ['viewer'], atMs: nowMs });
    const changed = good.slice(0, -1) + (good.endsWith('0') ? '1' : '0');
    assert.equal((await ask('GET /session', changed)).body.code, 'token-invalid');
  });

  test('nobody hands on more than they have, and a token makes no tokens', async () => {
    const wider = { name: 'wider', roles: ['viewer'], days: 1 };
    assert.equal((await ask('POST /service-tokens', tokens.get('operator'), wider)).body.code, 'credential-unfit');
    const cookie = await breakGlassCookie();
    assert.equal(cookie.status, 201);
  });

  test('of others only who looks after security sees and revokes tokens', async () => {
    const own = await ask('GET /service-tokens', tokens.get('viewer'));
    assert.equal((own.body.items as unknown[]).length, 1);
    const all = await ask('GET /service-tokens', tokens.get('security'));
    assert.ok((all.body.items as unknown[]).length > 4);
    const made = await ask('POST /service-tokens', ADMIN, { name: 'of-the-admin', roles: ['viewer'], days: 1 });
    const revoke = `POST /service-tokens/${made.body.tokenId}/revoke`;
    assert.equal((await ask(revoke, tokens.get('operator'), { reason: 'not mine' })).body.code, 'token-unknown');
    assert.equal((await ask(revoke, tokens.get('security'), { reason: 'unused' })).status, 200);
  });

  test('a person who is shut out is refused by every token of theirs at once, and let in again', async () => {
    const text = await tokenFor(store.people, { personId: 'mallory', roles: ['operator'], atMs: nowMs });
    const security = tokens.get('security');
    assert.equal((await ask('GET /session', text)).status, 200);
    assert.equal((await ask('POST /people/mallory/block', security, { reason: 'has left' })).status, 200);
    assert.equal((await ask('GET /session', text)).body.code, 'person-blocked');
    assert.equal((await ask('POST /people/mallory/unblock', security, { reason: 'came back' })).status, 200);
    assert.equal((await ask('GET /session', text)).status, 200);
    assert.equal(
      (await ask('POST /people/a-security/block', security, { reason: 'myself' })).body.code,
      'credential-unfit',
    );
  });
});

async function breakGlassCookie(): Promise<{ readonly status: number; readonly cookie: string }> {
  const response = await fetch(`${url}/sign-in/break-glass`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token: ADMIN }),
  });
  return { status: response.status, cookie: response.headers.get('set-cookie') ?? '' };
}

describe('sessions', () => {
  test('the cookie is out of reach of scripts and of other sites, and ends with signing out', async () => {
    const { cookie } = await breakGlassCookie();
    assert.match(cookie, /^outrider-session=[0-9a-f]{64}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=3600$/);
    const sent = { cookie: cookie.split(';', 1)[0] ?? '' };
    const { body } = await ask('GET /session', undefined, undefined, sent);
    assert.deepEqual([body.personId, body.credential], ['admin', 'break-glass']);
    const csrf = { ...sent, 'x-outrider-csrf': String(body.csrfToken) };
    assert.equal((await ask('POST /session/end', undefined, {}, csrf)).body.ended, true);
    assert.equal((await ask('GET /session', undefined, undefined, sent)).body.code, 'session-expired');
  });

  test('a change by cookie needs the token of the page, and comes from no other site', async () => {
    const sent = { cookie: (await breakGlassCookie()).cookie.split(';', 1)[0] ?? '' };
    const { body } = await ask('GET /session', undefined, undefined, sent);
    const pause = { scope: 'region:eu', reason: 'a test' };
    assert.equal((await ask('POST /scopes/pause', undefined, pause, sent)).body.code, 'csrf-missing');
    const right = { ...sent, 'x-outrider-csrf': String(body.csrfToken) };
    const foreign = { ...right, 'sec-fetch-site': 'cross-site' };
    assert.equal((await ask('POST /scopes/pause', undefined, pause, foreign)).body.code, 'csrf-missing');
    assert.equal((await ask('POST /scopes/pause', undefined, pause, right)).status, 200);
  });

  test('a session ends after half an hour without use, and in any case after its whole time', async () => {
    const before = nowMs;
    const sent = { cookie: (await breakGlassCookie()).cookie.split(';', 1)[0] ?? '' };
    nowMs += 29 * 60_000;
    assert.equal((await ask('GET /session', undefined, undefined, sent)).status, 200);
    nowMs += 29 * 60_000;
    assert.equal((await ask('GET /session', undefined, undefined, sent)).status, 200);
    nowMs += 3 * 60_000;
    assert.equal(
      (await ask('GET /session', undefined, undefined, sent)).body.code,
      'session-expired',
      'an hour in all',
    );
    const idle = { cookie: (await breakGlassCookie()).cookie.split(';', 1)[0] ?? '' };
    nowMs += 31 * 60_000;
    assert.equal((await ask('GET /session', undefined, undefined, idle)).body.code, 'session-expired');
    nowMs = before;
  });
});

test('after ten failed proofs an address hears when to come again, and the right token still gets in', async () => {
  let last: Answer | undefined;
  for (let tries = 0; tries < 12; tries++) last = await ask('GET /status', `a-guess-of-the-token-${tries}`);
  assert.deepEqual([last?.status, last?.body.code], [429, 'rate-limited']);
  assert.match(last?.headers.get('retry-after') ?? '', /^[1-9]\d*$/);
  assert.equal((await ask('GET /status', ADMIN)).status, 200);
});
