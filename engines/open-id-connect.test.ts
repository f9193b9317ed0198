// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { after, before, test } from 'node:test';
import { setTimeout as elapse } from 'node:timers/promises';
import { removeEmbeddedPostgres } from '@outrider/adapters/server/embedded-postgres';
import { freePort } from '@outrider/testkit/free-port';
import type { Browser, Page } from 'playwright-core';
import { checkoutRoot } from '../scripts/gates.ts';
import { startChromium } from './browser/chromium.ts';
import { type IndependentIssuer, independentIssuer } from './open-id-connect/issuer.ts';
import { bareEnvironment, type Place, type Running, runIn, said, startIn } from './way/programs.ts';
import { until, untilReady } from './way/ship-a-release.ts';

/** Sign-in at an issuer that is not ours: the console in a real Chromium, the command line, and tokens that must not count. */
const PEOPLE = [
  { sub: 'ada', name: 'Ada Lovelace', groups: ['fleet-ops'] },
  { sub: 'grace', name: 'Grace Hopper', groups: ['leads', 'canteen'] },
  { sub: 'mallory', name: 'Mallory', groups: ['canteen'] },
] as const;
const LOOK_MS_MAX = 30_000;
/** Keys of an issuer are asked for at most so often, whatever tokens come. */
const KEYS_MS_MAX = 120_000;
const KEYS_POLL_MS = 4_000;

let folder = '';
let browser: Browser;
let issuer: IndependentIssuer;
let server: Running;
let place: Place;
let url = '';
const logins: Running[] = [];

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'outrider-oidc-'));
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  issuer = await independentIssuer(PEOPLE, `${url}/sign-in/callback`);
  browser = await startChromium();
  writeFileSync(join(folder, 'secret'), issuer.clientSecret, { mode: 0o600 });
  const environment = { ...bareEnvironment(process.env.PATH ?? ''), HOME: folder, OUTRIDER_ROOT: checkoutRoot() };
  place = { folder, environment, wrapper: [] };
  server = startIn(place, [
    // As a person starts it: the page is built where it is not.
    ...[process.execPath, join(checkoutRoot(), 'scripts', 'launch.mjs'), 'apps/cli/src/main.ts'],
    ...['up', '--data', join(folder, 'data'), '--port', `${port}`],
    ...[
      '--oidc-issuer',
      issuer.url,
      '--oidc-client-secret-file',
      join(folder, 'secret'),
      '--oidc-scope',
      'openid profile groups',
    ],
    ...['--oidc-role', 'fleet-ops=operator', '--oidc-role', 'leads=approver'],
  ]);
  await untilReady(server);
});

after(async () => {
  for (const login of logins) await login.stop();
  await browser?.close();
  await server?.stop();
  await issuer?.leave();
  await removeEmbeddedPostgres(join(folder, 'data'));
  rmSync(folder, { recursive: true, force: true });
});

test('a person signs in to the page at the independent issuer, by code and PKCE, and is known by name and role', async () => {
  const page = await newPage();
  await page.goto(`${url}/`);
  await page.getByRole('link', { name: /sign in/i }).click();
  await logIn(page, 'grace', issuer.password);
  await page.waitForURL(`${url}/**`);
  await page.getByTitle('You are grace').waitFor();
  const session = await (await page.context().request.get(`${url}/api/v1/session`)).json();
  assert.deepEqual([session.personId, session.roles, session.credential], ['grace', ['approver'], 'session']);
});

test('who has no group that grants a role, and who types a wrong password, comes to no session', async () => {
  for (const [person, password, words] of [
    ['mallory', issuer.password, /person-without-role/],
    ['grace', 'a guess', /sign-in-refused/],
  ] as const) {
    const page = await newPage();
    await page.goto(`${url}/sign-in`);
    await logIn(page, person, password);
    await page.waitForURL(`${url}/sign-in/callback**`);
    assert.match(await page.content(), words);
    assert.equal((await page.context().request.get(`${url}/api/v1/session`)).status(), 401);
  }
});

test('the command line signs in by a browser of this machine, on any port of the loopback address', async () => {
  const login = started('login', '--data', 'data');
  const address = await addressIn(login, /^(http\S+\/auth\?\S+)$/m);
  const page = await newPage();
  await page.goto(address);
  await logIn(page, 'ada', issuer.password);
  await page.getByText('You are signed in').waitFor();
  await ends(login);
  assert.match(login.said(), /Signed in at/);
  assert.match(
    await said(place, command('whoami', '--data', 'data')),
    /person +ada\nname +Ada Lovelace\nroles +operator/,
  );
  const refused = await runIn(place, command('person', 'block', 'grace', '--reason', 'a try', '--data', 'data'));
  assert.notEqual(refused.code, 0, 'an operator shuts nobody out');
  await said(place, command('logout', '--data', 'data'));
});

test('the command line signs in by a device code, typed at another device', async () => {
  const login = started('login', '--device-code', '--data', 'data');
  const address = await addressIn(login, /Open (\S+) on any device/);
  const page = await newPage();
  await page.goto(address);
  await page.locator('button[type=submit]').first().click();
  await logIn(page, 'grace', issuer.password);
  await page
    .getByText(/success/i)
    .first()
    .waitFor();
  await ends(login);
  assert.match(await said(place, command('whoami', '--data', 'data')), /person +grace\n.*\nroles +approver/);
  await said(place, command('logout', '--data', 'data'));
});

test('tokens of the issuer that are not for us, too old, unsigned or signed by a confusion are refused by name', async () => {
  const now = Math.floor(Date.now() / 1_000);
  assert.equal(await answerTo(issuer.signed({})), 'grace');
  for (const [code, token] of [
    ['token-audience-differs', issuer.signed({ aud: 'another-client' })],
    ['token-issuer-differs', issuer.signed({ iss: 'https://login.example.com' })],
    ['token-expired', issuer.signed({ iat: now - 7_200, exp: now - 3_600 })],
    ['token-not-yet-valid', issuer.signed({ nbf: now + 3_600 })],
    ['token-algorithm-refused', issuer.signed({}, { alg: 'none' })],
    ['token-algorithm-refused', issuer.signed({}, { alg: 'HS256' })],
    ['token-signature-invalid', altered(issuer.signed({}))],
    ['person-without-role', issuer.signed({ sub: 'mallory', groups: ['canteen'] })],
    ['person-id-unfit', issuer.signed({ sub: 'admin' })],
  ] as const) {
    assert.equal(await answerTo(token), code);
  }
});

test('an issuer that is away is named to who signs in, and who has a token goes on; its next key is followed', async () => {
  const former = issuer.signed({});
  assert.equal(await answerTo(former), 'grace');
  await issuer.leave();
  assert.equal(await answerTo(former), 'grace', 'the keys it had last are believed');
  const login = await runIn(place, command('login', '--data', 'data'));
  assert.match(login.log, /The issuer .* could not be discovered/);
  await issuer.comeBack();
  await issuer.replaceKey();
  const next = issuer.signed({});
  assert.equal(await settledAnswerTo(next, 'grace'), 'grace', 'a key that was not there before');
  assert.equal(
    await settledAnswerTo(former, 'token-key-unknown'),
    'token-key-unknown',
    'the former one is gone with it',
  );
});

/** Keys are asked for once in half a minute, and who shows too many bad tokens waits for a while: it is asked with pauses. */
async function settledAnswerTo(token: string, expected: string): Promise<string> {
  const deadline = AbortSignal.timeout(KEYS_MS_MAX);
  let answer = await answerTo(token);
  while (answer !== expected && !deadline.aborted) {
    await elapse(KEYS_POLL_MS);
    answer = await answerTo(token);
  }
  return answer;
}

/** A sign-in that nobody finishes would hold the test up. */
function started(...words: readonly string[]): Running {
  const login = startIn(place, command(...words));
  logins.push(login);
  return login;
}

function command(...words: readonly string[]): readonly string[] {
  return [
    process.execPath,
    '--disable-warning=ExperimentalWarning',
    join(checkoutRoot(), 'apps/cli/src/main.ts'),
    ...words,
  ];
}

async function newPage(): Promise<Page> {
  const page = await (await browser.newContext()).newPage();
  page.setDefaultTimeout(LOOK_MS_MAX);
  return page;
}

async function logIn(page: Page, person: string, password: string): Promise<void> {
  await page.getByLabel('User').fill(person);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Log in' }).click();
}

async function addressIn(login: Running, pattern: RegExp): Promise<string> {
  await until('the address is shown', login, async () => pattern.test(login.said()));
  return pattern.exec(login.said())?.[1] ?? '';
}

async function ends(login: Running): Promise<void> {
  const deadline = AbortSignal.timeout(LOOK_MS_MAX);
  while (!login.hasEnded() && !deadline.aborted) await elapse(100);
  assert.equal(await login.stop(), 0, login.said());
}

/** Whom the server takes the bearer of a token for, or the code of the refusal. */
async function answerTo(token: string): Promise<string> {
  const response = await fetch(`${url}/api/v1/session`, { headers: { authorization: `Bearer ${token}` } });
  const body = JSON.parse(await response.text());
  return response.ok ? body.personId : body.code;
}

/** One claim more, under the signature of before. */
function altered(token: string): string {
  const [head, payload = '', signature] = token.split('.');
  const claims = { ...JSON.parse(Buffer.from(payload, 'base64url').toString()), groups: ['fleet-ops'] };
  return [head, Buffer.from(JSON.stringify(claims)).toString('base64url'), signature].join('.');
}
