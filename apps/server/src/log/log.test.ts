// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { digestText } from '@outrider/adapters/shared/digest';
import { randomSecret } from '@outrider/adapters/shared/random';
import { machineInstant } from '@outrider/domain/kernel/time';
import { propertyOptions } from '@outrider/testkit/seed';
import fc from 'fast-check';
import { createLog } from './create-log.ts';
import { secretsIn } from './redact.ts';
import { inRequest, setTraceId } from './request-context.ts';

function onStage(options: { readonly secrets?: readonly string[]; readonly level?: 'info' | 'debug' | 'error' } = {}) {
  const lines: string[] = [];
  let nowMs = 0;
  const log = createLog({
    level: options.level ?? 'info',
    clock: { now: () => machineInstant(nowMs) },
    digestText,
    destination: { write: (line) => void lines.push(line) },
    ...(options.secrets === undefined ? {} : { secrets: options.secrets }),
  });
  return {
    log,
    lines,
    elapse: (ms: number) => {
      nowMs += ms;
    },
    // biome-ignore lint/suspicious/noExplicitAny: the tests below say what they expect of a line
    read: (): any[] => lines.map((line) => JSON.parse(line)),
  };
}

test('a line names time, level, stage, code and message, and the request and trace it belongs to', () => {
  const { log, read } = onStage();
  inRequest({ 'x-request-id': 'support-4711' }, () => {
    setTraceId('4bf92f3577b34da6a3ce929d0e0e4736');
    log.info({ stage: 'gateway', code: 'anything' }, 'A thing happened');
  });
  inRequest({ 'x-request-id': 'bad id\n' }, () => log.info({ stage: 'gateway', code: 'anything' }, 'Another'));
  log.info({ stage: 'server', code: 'anything' }, 'Outside');
  const [first, second, third] = read();
  assert.match(first.time, /^\d{4}-\d\d-\d\dT/);
  assert.deepEqual(
    [first.level, first.stage, first.code, first.msg],
    ['info', 'gateway', 'anything', 'A thing happened'],
  );
  assert.deepEqual([first.requestId, first.traceId], ['support-4711', '4bf92f3577b34da6a3ce929d0e0e4736']);
  assert.match(second.requestId, /^[0-9a-f]{8}-\d+$/);
  assert.deepEqual([third.requestId, third.traceId], [undefined, undefined]);
});

test('no secret is written, whatever carried it: a field, a message, a stack, a header, a URL', () => {
  const password = 'p@ss/"lantern"%';
  const token = randomSecret();
  const { log, lines } = onStage({ secrets: [password] });
  log.hide?.([digestText(token)]);
  const url = `postgres://outrider:${password}@db.example:5432/fleet`;
  log.error({ stage: 'server', code: 'a', err: new Error(`connect to ${url} failed`) }, `could not reach ${url}`);
  log.warn({ stage: 'server', code: 'b', databaseUrl: 'postgresql://u:other-password@db/fleet?sslpassword=hush' }, 'x');
  log.warn(
    { stage: 'server', code: 'c', authorization: `Bearer ${token}`, registrationToken: 'short' },
    `Bearer ${token}`,
  );
  log.warn(
    { stage: 'server', code: 'd', request: { headers: { cookie: 'a=b' }, body: { token: 'abc', x: 1 } } },
    token,
  );
  log.warn({ stage: 'server', code: 'e', privateKey: 'MC4CAQAwBQ' }, `the token is ${token}, and "${token}"`);
  log.warn({ stage: 'server', code: 'f', url: `http://h/path/${token}?q=${token}` }, `Refused was ${token}.`);
  const text = lines.join('');
  for (const secret of ['p@ss', 'lantern', 'other-password', 'hush', token, '"short"', 'a=b', '"abc"', 'MC4CAQ']) {
    assert.ok(!text.includes(secret), `${secret} in ${text}`);
  }
  assert.equal(lines.map((line) => JSON.parse(line)).length, 6);
  assert.match(text, /db\.example:5432\/fleet/);
});

test('any password in any URL, and any token known by its digest alone, stays out, and each line stays JSON', () => {
  const secret = fc.string({ unit: 'grapheme-ascii', minLength: 3, maxLength: 40 }).map((text) => `${text}#~`);
  const hex = fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: 64, maxLength: 64 });
  fc.assert(
    fc.property(secret, hex, (password, token) => {
      const { log, lines } = onStage({ secrets: [password] });
      log.hide?.([digestText(token)]);
      const url = `postgres://me:${encodeURIComponent(password)}@db/fleet`;
      log.error({ stage: 'server', code: 'a', err: new Error(`${password} ${url}`), deep: { url } }, `${token} ${url}`);
      const [line = ''] = lines;
      assert.ok(!line.includes(token));
      assert.ok(!JSON.stringify(JSON.parse(line)).includes(JSON.stringify(password).slice(1, -1)));
    }),
    propertyOptions(),
  );
});

test('the password of the database is known whatever else of its URL holds an @', () => {
  const { log, lines } = onStage({ secrets: secretsIn('postgres://me:lan%40tern@db/fleet?application_name=a@b') });
  log.error({ stage: 'server', code: 'a', url: 'db refuses lan%40tern' }, 'lan@tern is refused');
  assert.doesNotMatch(lines.join(''), /lan/);
  assert.deepEqual(secretsIn(undefined), []);
});

test('digests of images are no secrets and stay readable', () => {
  const { log, lines } = onStage();
  log.hide?.([digestText('a token')]);
  const digest = digestText('an image');
  log.info({ stage: 'delta', code: 'delta-made', toDigest: digest }, 'A delta was made');
  assert.ok(lines[0]?.includes(digest));
});

test('the same warning a thousand times is five lines and a count, and another rollout is another warning', () => {
  const { log, read, elapse } = onStage();
  for (let index = 0; index < 1_000; index++) {
    log.warn({ stage: 'gateway', code: 'contacts-waiting', waiting: index }, 'Contacts wait');
    log.error({ stage: 'decision', code: 'decision-failed', rolloutId: `r${index % 2}` }, 'A decision failed');
  }
  assert.equal(read().filter((one) => one.code === 'contacts-waiting').length, 5);
  assert.equal(read().filter((one) => one.rolloutId === 'r1').length, 5);
  elapse(60_000);
  log.info({ stage: 'server', code: 'stopping' }, 'The server stops');
  const summaries = read().filter((one) => one.leftOut !== undefined);
  assert.deepEqual(
    summaries.map(({ code, rolloutId, leftOut }) => [code, rolloutId, leftOut]),
    [
      ['contacts-waiting', undefined, 995],
      ['decision-failed', 'r0', 495],
      ['decision-failed', 'r1', 495],
    ],
  );
});

test('what was left out is told at the end at the latest', () => {
  const { log, read } = onStage();
  for (let index = 0; index < 7; index++)
    log.info({ stage: 'gateway', code: 'connection-ended' }, 'A connection ended');
  log.flush();
  assert.deepEqual([read().length, read().at(-1).leftOut], [6, 2]);
});

test('a change of the policy is written as often as it happens', () => {
  const { log, lines } = onStage();
  for (let index = 0; index < 50; index++)
    log.info({ stage: 'policy', code: 'rollout-event', revision: index }, 'Changed');
  assert.equal(lines.length, 50);
});

test('lines below the level are not written, and debug costs nothing unless it is asked for', () => {
  const quiet = onStage({ level: 'error' });
  quiet.log.warn({ stage: 'server', code: 'a' }, 'A');
  assert.deepEqual([quiet.lines.length, quiet.log.debug], [0, undefined]);
  const chatty = onStage({ level: 'debug' });
  chatty.log.debug?.({ stage: 'gateway', code: 'answered' }, 'Answered');
  assert.equal(chatty.lines.length, 1);
});
