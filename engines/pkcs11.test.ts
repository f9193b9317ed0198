// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { checkoutRoot } from '../scripts/gates.ts';
import { fromDebian } from './postgresql/debian-packages.ts';

const OUTRIDER_PROGRAM = join(checkoutRoot(), 'apps/cli/src/main.ts');
const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'outrider-pkcs11-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** Debian's software token, and OpenSC to make keys on it: both taken apart in a folder, nothing is installed. */
const root = join(folder, 'root');
for (const wanted of [
  { name: 'softhsm2', version: '2.6.1-2.1', series: '2.6' },
  { name: 'opensc', version: '0.23.0-0.3+deb12u2', series: '0.23' },
  { name: 'opensc-pkcs11', version: '0.23.0-0.3+deb12u2', series: '0.23' },
]) {
  for (const file of (await fromDebian(wanted)).files) await run('dpkg-deb', ['--extract', file, root]);
}
const libraries = globSync(['usr/lib/*-linux-gnu', 'lib/*-linux-gnu'], { cwd: root }).map((one) => join(root, one));
const [MODULE = ''] = globSync('usr/lib/*/softhsm/libsofthsm2.so', { cwd: root }).map((one) => join(root, one));
mkdirSync(join(folder, 'tokens'));
const configuration = join(folder, 'softhsm2.conf');
writeFileSync(configuration, `directories.tokendir = ${join(folder, 'tokens')}\nobjectstore.backend = file\n`);
const environment = {
  ...process.env,
  // Below npm the command would take its folders from where that was started.
  INIT_CWD: folder,
  LD_LIBRARY_PATH: libraries.join(':'),
  SOFTHSM2_CONF: configuration,
};
const PIN = '4711-0815-4711';

await program(
  'usr/bin/softhsm2-util',
  '--init-token',
  '--free',
  '--label',
  'outrider',
  '--so-pin',
  '12345678',
  '--pin',
  PIN,
  '--module',
  MODULE,
);
for (const [id, type] of [
  ['01', 'EC:edwards25519'],
  ['02', 'EC:edwards25519'],
  ['03', 'EC:prime256v1'],
  ['04', 'EC:secp384r1'],
] as const) {
  await program(
    'usr/bin/pkcs11-tool',
    ...['--module', MODULE, '--token-label', 'outrider', '--login', '--pin', PIN],
    ...['--keypairgen', '--key-type', type, '--id', id, '--label', `key-${id}`],
  );
}

test('keys on a token found the repositories, rotate a role and sign a hand-over, like key files', async () => {
  for (const [group, id] of [
    ['ann', '01'],
    ['build', '02'],
  ] as const) {
    const made = await reference(group, ['--module', MODULE, '--token', 'outrider', '--id', id]);
    assert.equal(made.code, 0, made.said);
  }
  const init = `trust init --root ann.key.json --key build.public.json --threshold 1 --model camera --data data`;
  assert.deepEqual(await outrider(init).then(({ code, said }) => [code, code === 0 ? '' : said]), [0, '']);
  const rotated = await outrider('trust rotate --role timestamp --signer ann.key.json --data data');
  assert.equal(rotated.code, 0, rotated.said);
  const over = await outrider('trust hand-over over.json --signer build.key.json --publish --data data');
  assert.equal(over.code, 0, over.said);
  assert.match(readFileSync(join(folder, 'data/repository/hand-over.json'), 'utf8'), /hand-over\+json/);
});

const REFUSALS: readonly (readonly [string, RegExp, (text: string) => string, string?])[] = [
  ['a wrong PIN', /The PIN does not open the token outrider; give the right one/, (text) => text, 'not the PIN at all'],
  [
    'a token that is not plugged in',
    /No token elsewhere is plugged in/,
    (text) => text.replace('"outrider"', '"elsewhere"'),
  ],
  [
    'a library that is not there',
    /The PKCS#11 library \/nowhere\.so cannot be used/,
    (text) => text.replace(MODULE, '/nowhere.so'),
  ],
  ['a key that is not there', /The token outrider holds no key 77/, (text) => text.replace('"01"', '"77"')],
  [
    'another key than the reference says',
    /The token outrider signed with another key/,
    (text) => text.replace('"01"', '"02"'),
  ],
  [
    'a key of another kind',
    /The token outrider did not sign: C_Sign(Init)? answered 0x/,
    (text) => text.replace('"01"', '"03"'),
  ],
];

for (const [what, sentence, change, pin] of REFUSALS) {
  test(`${what} is told in one sentence, and nothing is signed`, async () => {
    const text = readFileSync(join(folder, 'ann.key.json'), 'utf8');
    writeFileSync(join(folder, 'changed.key.json'), change(text));
    const before = readFileSync(join(folder, 'data/repository/image/timestamp.json'), 'utf8');
    const { code, said } = await outrider('trust renew --role root --signer changed.key.json --data data', pin);
    assert.notEqual(code, 0);
    assert.match(said, sentence);
    assert.equal(readFileSync(join(folder, 'data/repository/image/timestamp.json'), 'utf8'), before);
  });
}

test('a public key of another curve makes no reference', async () => {
  const { said } = await reference('pat', ['--module', MODULE, '--token', 'outrider', '--id', '04']);
  assert.match(said, /The key 04 on the token outrider is neither Ed25519 nor P-256/);
});

test('a person of the root signs with a key of ECDSA P-256 on a token, and nobody releases or approves with one', async () => {
  const made = await reference('eve', ['--module', MODULE, '--token', 'outrider', '--id', '03']);
  assert.equal(made.code, 0, made.said);
  const root =
    'trust rotate --role root --add eve.public.json --threshold 2 --signer ann.key.json --signer eve.key.json';
  const rotated = await outrider(`${root} --data data`);
  assert.equal(rotated.code, 0, rotated.said);
  const text = readFileSync(join(folder, 'data/repository/director/2.root.json'), 'utf8');
  assert.match(text, /"keytype":"ecdsa"/);
  const renewed = 'trust renew --role root --signer ann.key.json --signer eve.key.json --data data';
  assert.equal((await outrider(renewed)).code, 0);
  const alone = await outrider('trust renew --role root --signer eve.key.json --data data');
  assert.match(alone.said, /root is validly signed by 1 different keys/);
  const back = `trust rotate --role root --remove ${JSON.parse(readFileSync(join(folder, 'eve.public.json'), 'utf8')).keyId}`;
  for (const words of [
    'trust delegate --model lorry --key eve.public.json --threshold 1 --signer ann.key.json --data data',
    'trust rotate --role approvers --add eve.public.json --signer ann.key.json --data data',
    'key role --key eve.public.json --threshold 1 --out role.json',
    'trust hand-over other.json --signer eve.key.json --data data',
  ]) {
    const { code, said } = await outrider(words);
    assert.notEqual(code, 0, words);
    assert.match(said, /keys of ECDSA P-256 are for people of the root/);
  }
  const gone = await outrider(`${back} --threshold 1 --signer ann.key.json --signer eve.key.json --data data`);
  assert.equal(gone.code, 0, gone.said);
});

/** A key management service, played by a program that alone reads the private key. */
test('a program signs for a key management service, and what goes wrong with it has a sentence', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  writeFileSync(join(folder, 'kms.pem'), privateKey.export({ format: 'pem', type: 'pkcs8' }));
  writeFileSync(join(folder, 'kms.pub.pem'), publicKey.export({ format: 'pem', type: 'spki' }));
  const sign =
    "process.stdout.write(crypto.sign(null, fs.readFileSync(0), fs.readFileSync('kms.pem')).toString('base64'))";
  script('kms', `"${process.execPath}" -e "${sign}"`);
  const made = await reference('kms', ['--program', 'kms', '--public-key', 'kms.pub.pem']);
  assert.equal(made.code, 0, made.said);
  const delegated = await outrider(
    'trust delegate --model truck --key kms.public.json --threshold 1 --signer ann.key.json --data data',
  );
  assert.equal(delegated.code, 0, delegated.said);
  const renewed = await outrider(
    'trust rotate --role root --add kms.public.json --signer ann.key.json --signer kms.key.json --data data',
  );
  assert.equal(renewed.code, 0, renewed.said);
  for (const [body, sentence] of [
    [
      'echo "no credentials" >&2; exit 3',
      /The program .*kms ended with exit code 3: no credentials; nothing was signed/,
    ],
    ['echo hello', /The program .*kms answered 6 bytes, an Ed25519 signature is 88 characters/],
    ['head -c 64 /dev/zero | base64 -w0', /The program .*kms signed with another key/],
    ['test -z "$OUTRIDER_PASSPHRASE" && echo "no passphrase here" >&2; exit 1', /no passphrase here/],
  ] as const) {
    script('kms', body);
    const { code, said } = await outrider(
      'trust renew --role root --signer ann.key.json --signer kms.key.json --out half.json --data data',
    );
    assert.notEqual(code, 0);
    assert.match(said, sentence);
    assert.equal(existsSync(join(folder, 'half.json')), false, 'no draft with half of its signatures');
  }
  rmSync(join(folder, 'kms'));
  const { said } = await outrider('trust renew --role root --signer kms.key.json --data data');
  assert.match(said, /The program .*kms could not be started/);
});

function script(name: string, body: string): void {
  writeFileSync(join(folder, name), `#!/bin/sh\ncd "${folder}"\n${body}\n`);
  chmodSync(join(folder, name), 0o755);
}

function reference(group: string, words: readonly string[]) {
  return outriderWith(['key', 'reference', '--group', group, '--out', `${group}.key.json`, ...words], PIN);
}

function outrider(words: string, pin = PIN) {
  return outriderWith(words.split(' '), pin);
}

async function outriderWith(
  words: readonly string[],
  pin: string,
): Promise<{ readonly code: number; readonly said: string }> {
  const env = { ...environment, OUTRIDER_PASSPHRASE: pin };
  return run(process.execPath, [OUTRIDER_PROGRAM, ...words], { cwd: folder, env }).then(
    ({ stdout, stderr }) => ({ code: 0, said: stderr + stdout }),
    ({ code, stderr, stdout }: { code: number; stderr: string; stdout: string }) => ({ code, said: stderr + stdout }),
  );
}

async function program(path: string, ...words: readonly string[]): Promise<string> {
  return (await run(join(root, path), [...words], { cwd: folder, env: environment })).stdout;
}
