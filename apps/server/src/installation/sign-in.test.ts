// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { monotonicClock } from '@outrider/adapters/shared/clock';
import { digestText } from '@outrider/adapters/shared/digest';
import { randomSecret } from '@outrider/adapters/shared/random';
import { memoryStore } from '@outrider/testkit/memory-store';
import { memoryBlobs } from '@outrider/testkit/memory-store/blobs';
import { listen } from '../http/listen.ts';
import type { Schedule } from '../ports.ts';
import { rehearse } from '../rehearsal.ts';
import { readFlags } from './flags.ts';
import { settleIssuer } from './issuer.ts';

const timers: Schedule = {
  after(delayMs, work) {
    const timer = setTimeout(work, delayMs);
    return () => clearTimeout(timer);
  },
};

const dataFolder = mkdtempSync(join(tmpdir(), 'outrider-sign-in-'));
after(() => rmSync(dataFolder, { recursive: true, force: true }));
const store = memoryStore();
const { server, ports } = rehearse({ store, blobs: memoryBlobs(), schedule: timers });
const { log } = ports;
const issuer = await settleIssuer(readFlags(['--data', dataFolder]), {
  ...{
    secrets: { folder: dataFolder, isMaking: true },
    installation: store.installation,
    machineClock: monotonicClock(),
    log,
  },
});
assert.ok(issuer !== undefined);
const listening = await listen({
  ...{ server, host: '127.0.0.1', port: 0, version: '0.0.0', digestText, schedule: timers, log, issuer },
  adminTokenDigest: digestText(randomSecret()),
});
assert.ok(listening.ok);
const { url } = listening.value;
after(() => listening.value.close());
await server.drain();
const password = readFileSync(join(dataFolder, 'development-password'), 'utf8').trim();

/** A browser with cookies and without a person: it follows one redirect a step. */
function browser() {
  const cookies = new Map<string, string>();
  return async (address: string, form?: Record<string, string>): Promise<Response> => {
    const response = await fetch(new URL(address, url), {
      redirect: 'manual',
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
      ...(form === undefined ? {} : { method: 'POST', body: new URLSearchParams(form) }),
    });
    for (const field of response.headers.getSetCookie()) {
      const [name = '', value = ''] = (field.split(';', 1)[0] ?? '').split('=');
      if (value === '') cookies.delete(name);
      else cookies.set(name, value);
    }
    return response;
  };
}

function targetOf(response: Response): string {
  return response.headers.get('location') ?? '';
}

test('a person signs in at the development issuer and is known by name and role', async () => {
  const open = browser();
  const form = targetOf(await open('/sign-in'));
  assert.match(form, /\/development-issuer\/authorize\?.*code_challenge=[\w-]{43}&code_challenge_method=S256/);
  const page = await open(form);
  assert.match(page.headers.get('content-security-policy') ?? '', /^default-src 'none'; style-src 'sha256-/);
  assert.match(await page.text(), /Ada \(operator\)/);
  const callback = targetOf(await open(form, { person: 'ada', password }));
  assert.match(callback, /\/sign-in\/callback\?code=/);
  assert.equal(targetOf(await open(callback)), '/');
  const session = JSON.parse(await (await open('/api/v1/session')).text());
  assert.deepEqual([session.personId, session.roles, session.credential], ['ada', ['operator'], 'session']);
  assert.equal((await open('/api/v1/status')).status, 200);
  const replayed = await open(callback);
  assert.equal(replayed.status, 400);
  assert.match(await replayed.text(), /sign-in-state-differs/);
  const person = await store.people.loadPerson('ada');
  assert.equal(person?.name, 'Ada (operator)');
});

test('a wrong password, an answer that another browser began, and a made-up state let nobody in', async () => {
  const [mine, theirs] = [browser(), browser()];
  const form = targetOf(await mine('/sign-in'));
  const wrong = await mine(form, { person: 'ada', password: 'guess' });
  assert.deepEqual([wrong.status, wrong.headers.get('location')], [403, null]);
  const callback = targetOf(await mine(form, { person: 'ada', password }));
  const stolen = await theirs(callback);
  assert.match(await stolen.text(), /sign-in-state-differs/);
  const altered = await mine(callback.replace(/state=[\w-]+/, 'state=made-up'));
  assert.match(await altered.text(), /sign-in-state-differs/);
  assert.equal((await mine('/api/v1/session')).status, 401);
});

test('a client or an address that the development issuer does not know gets no form', async () => {
  const form = new URL(targetOf(await browser()('/sign-in')));
  for (const [name, value] of [
    ['redirect_uri', 'https://attacker.example/callback'],
    ['client_id', 'another'],
    ['code_challenge_method', 'plain'],
    ['response_type', 'token'],
  ] as const) {
    const asked = new URL(form);
    asked.searchParams.set(name, value);
    const response = await browser()(asked.href);
    assert.equal(response.status, 400, name);
    assert.doesNotMatch(await response.text(), /<form/);
  }
});

test('what an attacker writes into the address of the form stays text', async () => {
  const asked = new URL(targetOf(await browser()('/sign-in')));
  asked.searchParams.set('state', '"><script>alert(1)</script>');
  assert.doesNotMatch(await (await browser()(asked.href)).text(), /<script/);
});
