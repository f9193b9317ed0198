// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as elapse } from 'node:timers/promises';
import { type DistantPublicKey, publicKeyOfPem, signFromAfar } from './distant-key.ts';
import { createSigner } from './ed25519.ts';

const folder = mkdtempSync(join(tmpdir(), 'outrider-program-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const key = createSigner();
const MESSAGE = 'what is to be signed';
const RIGHT = key.sign(MESSAGE).signature;
/** Of a program that must be cut off. */
const BRIEF_MS = 400;

test('a program that is slow and answers in time has signed', async () => {
  const signed = await ask(`cat > /dev/null; sleep 0.3; echo ${RIGHT}`, 60_000);
  assert.deepEqual(signed, { ok: true, value: { keyId: key.publicKey.keyId, signature: RIGHT } });
});

/** How a program of a key management service goes wrong: what it does, and the sentence that tells it. */
const WRONG: readonly (readonly [string, string, string, RegExp, number?])[] = [
  ['hangs', 'sleep 600', 'program-slow', /gave no answer within 0\.4 s; nothing was signed/, BRIEF_MS],
  ['hangs with its child', 'sleep 600 & wait', 'program-slow', /gave no answer within 0\.4 s/, BRIEF_MS],
  ['says half and hangs', `printf ${RIGHT.slice(0, 40)}; sleep 600`, 'program-slow', /gave no answer/, BRIEF_MS],
  ['is killed', 'kill -9 $$', 'program-failed', /was ended by SIGKILL; nothing was signed, run it by hand/],
  ['is killed after it answered', `echo ${RIGHT}; kill -9 $$`, 'program-failed', /was ended by SIGKILL/],
  ['fails and says why', 'echo "no such key" >&2; exit 7', 'program-failed', /exit code 7: no such key; nothing/],
  ['fails after it answered', `echo ${RIGHT}; exit 1`, 'program-failed', /ended with exit code 1; nothing was signed/],
  ['never reads', 'exec < /dev/null; exit 3', 'program-failed', /ended with exit code 3/],
  ['says nothing', 'cat > /dev/null', 'answer-malformed', /answered 0 bytes, an Ed25519 signature is 88 characters/],
  ['prints rubbish', 'head -c 200 /dev/urandom', 'answer-malformed', /answered 200 bytes/],
  ['prints without end', 'head -c 3000000 /dev/zero', 'answer-malformed', /answered \d+ bytes/],
  ['prints a signature and more', `echo ${RIGHT}; echo done`, 'answer-malformed', /answered \d+ bytes/],
  ['prints half a signature', `echo ${RIGHT.slice(0, 44)}`, 'answer-malformed', /answered 45 bytes/],
  [
    'signs something else',
    `echo ${key.sign('something else').signature}`,
    'signature-wrong',
    /signed with another key/,
  ],
];

for (const [what, body, code, sentence, timeoutMs] of WRONG) {
  test(`a program that ${what} has signed nothing, and one sentence says so`, async () => {
    const signed = await ask(body, timeoutMs);
    assert(!signed.ok);
    assert.equal(signed.error.code, code);
    assert.match(signed.error.detail, sentence);
    assert.match(signed.error.detail, /^The program [^\n]+$/, 'one sentence on one line');
  });
}

test('a program of a service that has keys of ECDSA P-256 answers DER, as they all do, and nothing else counts', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const own = publicKeyOfPem(publicKey.export({ format: 'pem', type: 'spki' }).toString());
  assert.equal(own?.scheme, 'ecdsa-sha2-nistp256');
  const answered = async (bytes: Buffer) => ask(`echo ${bytes.toString('base64')}`, 60_000, own);
  const bytes = Buffer.from(MESSAGE);
  for (let count = 0; count < 5; count++) assert.ok((await answered(sign('sha256', bytes, privateKey))).ok);
  const raw = await answered(sign('sha256', bytes, { key: privateKey, dsaEncoding: 'ieee-p1363' }));
  assert.match(raw.ok ? '' : raw.error.detail, /a signature of ECDSA P-256 is DER in base64 alone|another key/);
  const other = await answered(sign('sha256', Buffer.from('something else'), privateKey));
  assert.equal(!other.ok && other.error.code, 'signature-wrong');
  const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey;
  assert.equal(publicKeyOfPem(p384.export({ format: 'pem', type: 'spki' }).toString()), undefined);
});

test('what a program that hangs has started is ended with it', async () => {
  const trace = join(folder, 'child');
  // On a busy machine a shell may take longer to begin than it is given.
  for (let timeoutMs = BRIEF_MS; !existsSync(trace) && timeoutMs < 60_000; timeoutMs *= 2) {
    await ask(`sh -c 'echo $$ > ${trace}; exec sleep 600' & wait`, timeoutMs);
  }
  const pid = Number(readFileSync(trace, 'utf8'));
  for (let look = 0; look < 100 && isRunning(pid); look++) await elapse(50);
  assert.equal(isRunning(pid), false);
});

function isRunning(pid: number): boolean {
  try {
    // One that has ended and waits for nobody in particular to notice runs no more.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

function ask(body: string, timeoutMs = 60_000, by: DistantPublicKey = key.publicKey) {
  const program = join(folder, 'kms');
  writeFileSync(program, `#!/bin/sh\n${body}\n`);
  chmodSync(program, 0o755);
  const reference = { schema: 3, group: 'build', ...by, signedBy: { kind: 'program', program } } as const;
  return signFromAfar(reference, MESSAGE, { environment: { PATH: process.env.PATH }, pin: '', timeoutMs });
}
