// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, globSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { tpmProgram } from '@outrider/adapters/device/tpm-program';
import { digestText } from '@outrider/adapters/shared/digest';
import { QUOTE_TOOLS } from '@outrider/adapters/shared/quote-tools';
import { verifyQuote } from '@outrider/domain/gateway/judge-quote';
import type { EnrolledTpm, TpmQuote } from '@outrider/domain/gateway/tpm-quote';
import type { Sha256 } from '@outrider/domain/kernel/ids';
import { fleetInstant } from '@outrider/domain/kernel/time';
import { rehearse, SOON } from '@outrider/server/rehearsal';
import { claimingDevice, sendReport, withManifest } from '@outrider/server/rehearsed-claims';
import { memoryStore } from '@outrider/testkit/memory-store';
import { memoryBlobs } from '@outrider/testkit/memory-store/blobs';
import { checkoutRoot } from '../scripts/gates.ts';
import { fromDebian } from './postgresql/debian-packages.ts';
import { bareEnvironment } from './way/programs.ts';
import { shipARelease } from './way/ship-a-release.ts';

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'outrider-tpm-'));
const children: ChildProcess[] = [];
after(async () => {
  for (const child of children) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  rmSync(folder, { recursive: true, force: true });
});

/** Debian's software TPM, and the tools that a device asks it by: taken apart in a folder, nothing is installed. */
const root = join(folder, 'root');
for (const wanted of [
  { name: 'swtpm', version: '0.7.1-1.3', series: '0.7.1-1' },
  { name: 'swtpm-libs', version: '0.7.1-1.3', series: '0.7.1-1' },
  { name: 'tpm2-tools', version: '5.4-1', series: '5.4' },
]) {
  for (const file of (await fromDebian(wanted)).files) await run('dpkg-deb', ['--extract', file, root]);
}
const LIBRARIES = ['usr/lib/*-linux-gnu', 'lib/*-linux-gnu', 'usr/lib/*-linux-gnu/swtpm'];
const libraryPath = globSync(LIBRARIES, { cwd: root })
  .map((one) => join(root, one))
  .join(':');
/** The device finds the program by its setting; what the program needs around it is this test's affair. */
const program = join(folder, 'tpm2');
writeFileSync(program, `#!/bin/sh\nLD_LIBRARY_PATH='${libraryPath}' exec '${join(root, 'usr/bin/tpm2')}' "$@"\n`);
chmodSync(program, 0o755);

/** A minute on a machine with much else to do. */
const STARTS_WITHIN = 300;

const ELLIPTIC = { key: '0x81010002', type: 'ecc256:ecdsa-sha256:null' };
const RSA = { key: '0x81010003', type: 'rsa2048:rsassa-sha256:null' };
const MANIFEST = digestText('a version manifest');
let tcti = '';
// Not before the tests: what throws there leaves its children running.
before(async () => {
  tcti = await startTpm('first');
  for (const one of [ELLIPTIC, RSA]) await makeKey(tcti, one);
});

describe('a software TPM', () => {
  for (const { key, type } of [ELLIPTIC, RSA]) {
    test(`vouches for a version manifest by its key of ${type}, again and again`, async () => {
      const first = await quote(MANIFEST, { key });
      const enrolled = enrolledBy(first);
      assert.deepEqual(
        enrolled.pcrs.map(({ index }) => index),
        [0, 2, 7],
      );
      const next = digestText('the next version manifest');
      assert.equal(faultOf(await quote(next, { key }), { manifestSha256: next, enrolled }), undefined);
    });
  }

  test('is not believed about another manifest, by another key, with cut bytes or other values', async () => {
    const good = await quote(MANIFEST);
    const enrolled = enrolledBy(good);
    assert.equal(faultOf(good, { manifestSha256: digestText('another'), enrolled }), 'quote-nonce-wrong');
    assert.equal(faultOf(await quote(MANIFEST, { key: RSA.key }), { enrolled }), 'quote-key-differs');
    const elsewhere = await startTpm('second');
    await makeKey(elsewhere, ELLIPTIC);
    const other = await quote(MANIFEST, { tcti: elsewhere });
    assert.equal(faultOf(other, { enrolled }), 'quote-key-differs');
    const { publicKey } = good;
    assert.equal(faultOf({ ...other, publicKey }, { enrolled }), 'quote-signature-invalid', 'under the enrolled name');
    assert.equal(faultOf({ ...good, attest: good.attest.slice(0, -2) }, { enrolled }), 'quote-signature-invalid');
    assert.equal(faultOf({ ...good, signature: good.signature.slice(4) }, { enrolled }), 'quote-signature-invalid');
    assert.equal(
      faultOf({ ...good, pcrs: good.pcrs.toReversed().with(0, MANIFEST) }, { enrolled }),
      'quote-values-wrong',
    );
  });

  test('shows a register that was extended, and other registers than were enrolled', async () => {
    const enrolled = enrolledBy(await quote(MANIFEST));
    assert.equal(faultOf(await quote(MANIFEST, { pcrs: [0, 7] }), { enrolled }), 'quote-pcr-changed');
    await tpm2(tcti, 'pcrextend', `7:sha256=${MANIFEST}`);
    const changed = await quote(MANIFEST);
    assert.equal(faultOf(changed, { enrolled }), 'quote-pcr-changed');
    assert.equal(faultOf(changed), undefined, 'where it is forgotten what was, it enrols anew');
  });

  test('that is not there, or has no such key, is told in a sentence', async () => {
    const missing = await tpmProgram({ ...optionsOf(), program: join(folder, 'nowhere') }).quote(MANIFEST);
    assert.match(missing.ok ? '' : missing.error.detail, /nowhere readpublic could not be started/);
    const keyless = await tpmProgram(optionsOf({ key: '0x81010077' })).quote(MANIFEST);
    assert.match(keyless.ok ? '' : keyless.error.detail, /tpm2 readpublic ended with exit code 1: /);
  });
});

test('a server believes a device whose TPM vouches for it, and none whose registers have changed', async () => {
  const rehearsal = rehearse({ store: memoryStore(), blobs: memoryBlobs(), schedule: SOON });
  const { device, claim, server } = await claimingDevice(rehearsal, { claimNeeds: 'quote' });
  const at = await startTpm('of the device');
  await makeKey(at, ELLIPTIC);
  async function tell(sequence?: number) {
    const { report, manifest } = claim(sequence);
    const said = withManifest(report, manifest);
    const vouched = await quote(digestText(said.manifest?.payload ?? ''), { tcti: at });
    return { sequence: report.sequence, answer: await sendReport(device, { ...said, quote: vouched }) };
  }
  const { sequence, answer } = await tell();
  assert.deepEqual(answer, { result: 'counted' });
  await tpm2(at, 'pcrextend', `2:sha256=${MANIFEST}`);
  assert.deepEqual((await tell(sequence + 1)).answer, { result: 'unmatched', disbelieved: 'quote-pcr-changed' });
  const { deviceId } = device;
  assert.ok((await server.identities.forgetTpm({ author: 'ada', deviceId, reason: 'new firmware' })).ok);
  assert.deepEqual((await tell(sequence + 2)).answer, { result: 'counted' });
});

test('the programs ship a release to a device whose TPM vouches for what it runs, and a person sees it', async () => {
  const at = await startTpm('in a device');
  await makeKey(at, ELLIPTIC);
  const home = join(folder, 'programs');
  mkdirSync(home, { mode: 0o700 });
  const checkout = checkoutRoot();
  const environment = { ...bareEnvironment(process.env.PATH ?? ''), OUTRIDER_ROOT: checkout };
  const main = (app: string): readonly string[] => [process.execPath, join(checkout, 'apps', app, 'src', 'main.ts')];
  const shown: string[] = [];
  await shipARelease(
    { folder: home, environment, wrapper: [] },
    {
      outrider: main('cli'),
      server: [...main('cli'), 'up', '--data', 'data', '--port', '0'],
      agent: [...main('agent'), '--tpm-program', program, '--tpm-tcti', at],
      isSeen: (text) => shown.push(text) > 0 && /^TPM +enrolled \S+, registers 0, 2, 7$/m.test(text),
    },
  );
  assert.match(shown.at(-1) ?? '', /^proved +version 1\.1\.0, counter \d+, slot b$/m);
});

interface Asked {
  readonly key?: string;
  readonly pcrs?: readonly number[];
  readonly tcti?: string;
}

function optionsOf(asked: Asked = {}): Parameters<typeof tpmProgram>[0] {
  const options = { program, key: ELLIPTIC.key, pcrs: [7, 0, 2], tcti, folder: join(folder, 'quotes'), ...asked };
  return { ...options, environment: { PATH: process.env.PATH ?? '' } };
}

async function quote(manifestSha256: Sha256, asked: Asked = {}): Promise<TpmQuote> {
  const quoted = await tpmProgram(optionsOf(asked)).quote(manifestSha256);
  assert.ok(quoted.ok, quoted.ok ? '' : quoted.error.detail);
  return quoted.value;
}

function enrolledBy(first: TpmQuote): EnrolledTpm {
  const verified = verifyQuote(first, { manifestSha256: MANIFEST, tools: QUOTE_TOOLS });
  assert.ok(verified.ok, verified.ok ? '' : verified.error.code);
  return { publicKey: first.publicKey, pcrs: verified.value, enrolledAt: fleetInstant(1) };
}

function faultOf(one: TpmQuote, world: { readonly manifestSha256?: Sha256; readonly enrolled?: EnrolledTpm } = {}) {
  const judged = verifyQuote(one, { manifestSha256: MANIFEST, tools: QUOTE_TOOLS, ...world });
  return judged.ok ? undefined : judged.error.code;
}

/** Starts one with a state of its own; answers how it is reached. */
async function startTpm(name: string): Promise<string> {
  const state = join(folder, name);
  mkdirSync(state);
  const socket = join(state, 'socket');
  const parameters = [
    ...['socket', '--tpm2', '--tpmstate', `dir=${state}`, '--flags', 'not-need-init,startup-clear'],
    // Where the libraries of tpm2-tools look for the control channel of a socket.
    ...['--server', `type=unixio,path=${socket}`, '--ctrl', `type=unixio,path=${socket}.ctrl`],
  ];
  const child = spawn(join(root, 'usr/bin/swtpm'), parameters, {
    env: { LD_LIBRARY_PATH: libraryPath },
    stdio: 'ignore',
  });
  children.push(child);
  const reached = `swtpm:path=${socket}`;
  for (let tries = 0; tries < STARTS_WITHIN; tries++) {
    assert.equal(child.exitCode, null, 'a TPM that goes on running');
    const isUp = await tpm2(reached, 'getrandom', '1').then(
      () => true,
      () => false,
    );
    if (isUp) return reached;
    await delay(200);
  }
  throw new Error('The software TPM did not come up');
}

/** A restricted key: it signs what the TPM itself has made, and nothing else. */
async function makeKey(at: string, { key, type }: typeof ELLIPTIC): Promise<void> {
  const file = (name: string) => join(folder, name);
  const uses = 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|restricted|sign|noda';
  await tpm2(at, 'createprimary', '-Q', '-C', 'e', '-g', 'sha256', '-G', 'ecc', '-c', file('primary'));
  await tpm2(at, 'create', '-Q', '-C', file('primary'), '-G', type, '-a', uses, '-u', file('pub'), '-r', file('priv'));
  await tpm2(at, 'flushcontext', '-t');
  await tpm2(at, 'load', '-Q', '-C', file('primary'), '-u', file('pub'), '-r', file('priv'), '-c', file('key'));
  await tpm2(at, 'flushcontext', '-t');
  await tpm2(at, 'evictcontrol', '-Q', '-C', 'o', '-c', file('key'), key);
  await tpm2(at, 'flushcontext', '-t');
}

async function tpm2(at: string, ...parameters: readonly string[]): Promise<void> {
  await run(program, parameters, { env: { TPM2TOOLS_TCTI: at }, timeout: 60_000 });
}
