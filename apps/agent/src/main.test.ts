// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { packImage } from '@outrider/adapters/shared/image';
import { DAY_MS, HOUR_MS } from '@outrider/domain/kernel/time';
import { deviceLab, LAB_DEVICE_TYPE, LAB_HARDWARE_ID, type LabRelease } from '@outrider/testkit/device-lab';
import { labNetwork } from '@outrider/testkit/lab-network';
import { labServer } from '@outrider/testkit/lab-server';
import { EXIT_CODES } from './exit-codes.ts';

const PROGRAM = fileURLToPath(new URL('main.ts', import.meta.url));
const root = await mkdtemp(join(tmpdir(), 'outrider-agent-'));
const good = '#!/bin/sh\nexit 0\n';
const bad = '#!/bin/sh\necho "no lens on $OUTRIDER_HARDWARE_ID"\nexit 1\n';
const images = await Promise.all([good, `${good}# newer\n`, bad].map(imageOf));
const lab = await deviceLab(images.map((main) => ({ main })));
const [first, second, third] = lab.releases as readonly [LabRelease, LabRelease, LabRelease];
const network = labNetwork(lab);
const server = await labServer(lab, network);
after(async () => {
  server.close();
  await rm(root, { recursive: true });
});
const factoryImage = join(root, 'factory.img');
await writeFile(factoryImage, first.images.main ?? '');
const start = 1_000 * DAY_MS;

test('the program registers, updates, reverts a bad image and goes on after kill -9', async () => {
  network.offered = { release: second, isRollback: false };
  const agent = startAgent();
  const updated = await agent.wake(start);
  assert.equal(updated.activeVersion, '1.1.0');
  assert.equal(updated.state, 'verified');
  assert.equal(updated.sent, updated.handled);

  assert.match(JSON.stringify(await agent.say('{"now":"noon"}')), /line-malformed/);

  network.offered = { release: third, isRollback: false };
  const reverted = await agent.wake(start + DAY_MS);
  assert.equal(reverted.activeVersion, '1.1.0');
  assert.equal(reverted.state, 'reverted');
  const report = [...network.reports.values()].at(-1);
  assert.equal(report?.event, 'reverted');
  assert.match(report?.detail ?? '', /no lens on rev-a/);

  agent.child.kill('SIGKILL');
  await once(agent.child, 'exit');
  const again = startAgent();
  const back = await again.wake(start + DAY_MS + HOUR_MS);
  assert.equal(back.activeVersion, '1.1.0');
  assert.equal(back.slot, 'b');
  again.child.stdin?.end();
  const [code] = await once(again.child, 'exit');
  assert.equal(code, EXIT_CODES.stopped);
});

test('what the software of the device notes as a crash is reported, and told with the next question for a permit', async () => {
  network.offered = { release: second, isRollback: false };
  const data = join(root, 'crashing');
  const agent = startAgent({ '--data': data });
  await agent.wake(start);
  await writeFile(join(data, 'faults', 'crash-1'), 'segmentation fault in main');
  await agent.wake(start + HOUR_MS);
  const report = [...network.reports.values()].find((one) => one.event === 'crash');
  assert.equal(report?.detail, 'segmentation fault in main');
  assert.ok(report?.permitId !== undefined, 'it runs what it was permitted');
  network.offered = { release: third, isRollback: false };
  await agent.wake(start + 2 * DAY_MS);
  const asked = network.permitRequests.at(-1);
  assert.deepEqual(asked?.crashes, { knownForMs: 2 * DAY_MS, agesMs: [2 * DAY_MS - HOUR_MS] });
  agent.child.kill('SIGKILL');
  await once(agent.child, 'exit');
});

test('what a driver says is signed by the device and sent at its next wake, about what it runs', async () => {
  network.offered = { release: second, isRollback: false };
  const data = join(root, 'flagging');
  const agent = startAgent({ '--data': data });
  await agent.wake(start);
  const flagged = await endOf(['flag', '--data', data, '--because', ' The brake warning comes and goes ']);
  assert.equal(flagged.code, 0, flagged.said);
  await agent.wake(start + HOUR_MS);
  const report = [...network.reports.values()].find((one) => one.event === 'driver-flag');
  assert.equal(report?.detail, 'The brake warning comes and goes');
  assert.equal(report?.running.version, '1.1.0');
  const nothing = await endOf(['flag', '--data', data]);
  assert.equal(nothing.code, EXIT_CODES.usage);
  assert.match(nothing.said, /--because is missing, allowed are 1 to 2048/);
  const nowhere = await endOf(['flag', '--data', join(root, 'nowhere'), '--because', 'Smoke']);
  assert.equal(nowhere.code, EXIT_CODES['data-folder'], nowhere.said);
  agent.child.kill('SIGKILL');
  await once(agent.child, 'exit');
});

test('a second agent on the same data folder is refused by name, and a killed one holds nothing', async () => {
  network.offered = undefined;
  const device = { '--data': join(root, 'shared') };
  const holding = startAgent(device);
  await holding.wake(start);
  const chooser = await readFile(join(root, 'shared', 'boot.json'), 'utf8');
  const refused = await endOf(flags(device));
  assert.equal(refused.code, EXIT_CODES['data-folder']);
  assert.match(refused.said, new RegExp(`is in use: process ${holding.child.pid} works there`));
  assert.equal(await readFile(join(root, 'shared', 'boot.json'), 'utf8'), chooser, 'it took no try of the other one');
  holding.child.kill('SIGKILL');
  await once(holding.child, 'exit');
  const next = startAgent(device);
  assert.equal((await next.wake(start + HOUR_MS)).activeVersion, '1.0.0');
  next.child.kill('SIGKILL');
  await once(next.child, 'exit');
});

test('a data folder that can no longer be written ends the agent by name, without a stack trace', async () => {
  const folder = join(root, 'failing');
  const agent = startAgent({ '--data': folder });
  await agent.wake(start);
  await rm(folder, { recursive: true });
  let said = '';
  agent.child.stderr?.on('data', (part) => {
    said += part;
  });
  agent.child.stdin?.write(`${JSON.stringify({ now: start + DAY_MS })}\n`);
  const [code] = await once(agent.child, 'close');
  assert.equal(code, EXIT_CODES['data-folder'], said);
  assert.match(said, /outrider agent: The data folder .* cannot be used: ENOENT/);
  assert.doesNotMatch(said, /\n {4}at /);
});

test('each wrong start ends in one sentence and its own exit code', async () => {
  const cases: readonly (readonly [keyof typeof EXIT_CODES, readonly string[], RegExp])[] = [
    ['usage', ['--colour', 'red'], /--colour/],
    ['usage', [], /--server is missing/],
    ['usage', flags({ '--device-id': 'a b' }), /--device-id is a b, allowed is 1 to 128/],
    ['usage', flags({ '--factory-version': 'one' }), /--factory-version is one, allowed is SemVer/],
    ['usage', flags({ '--data': join(root, 'tokenless'), '--token': '' }), /no --token was given/],
    ['data-folder', flags({ '--data': factoryImage }), /cannot be used/],
    ['unreachable', flags({ '--data': join(root, 'alone'), '--server': 'http://127.0.0.1:9' }), /network-unreachable/],
  ];
  for (const [end, args, sentence] of cases) {
    const { said, code } = await endOf(args);
    assert.match(said, sentence);
    assert.equal(said.trim().split('\n').length, 1, said);
    assert.equal(code, EXIT_CODES[end], said);
  }
});

interface Answer {
  readonly state: string;
  readonly activeVersion: string;
  readonly slot: string;
  readonly sent: number;
  readonly handled: number;
}

async function endOf(args: readonly string[]): Promise<{ readonly said: string; readonly code: number }> {
  const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (part) => {
    said += part;
  });
  const [code] = await once(child, 'close');
  return { said, code };
}

function startAgent(change: Readonly<Record<string, string>> = {}) {
  const child: ChildProcess = spawn(process.execPath, [PROGRAM, '--conducted', ...flags(change)], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  assert(child.stdout !== null);
  const lines = createInterface({ input: child.stdout });
  async function say(line: string): Promise<unknown> {
    const answer = once(lines, 'line');
    child.stdin?.write(`${line}\n`);
    const [text] = await answer;
    return JSON.parse(text);
  }
  // What the program promises to answer.
  const wake = async (now: number) => (await say(JSON.stringify({ now }))) as Answer;
  return { child, say, wake };
}

function flags(change: Readonly<Record<string, string>>): readonly string[] {
  const all = {
    '--server': server.url,
    '--data': join(root, 'device'),
    '--device-id': 'camera-7',
    '--device-type': LAB_DEVICE_TYPE,
    '--hardware-id': LAB_HARDWARE_ID,
    '--token': 't'.repeat(32),
    '--factory-image': factoryImage,
    '--factory-version': '1.0.0',
    '--factory-counter': '1',
    ...change,
  };
  return Object.entries(all).flatMap(([name, value]) => (value === '' ? [] : [name, value]));
}

async function imageOf(launcher: string): Promise<Uint8Array> {
  const tree = await mkdtemp(join(root, 'tree-'));
  await mkdir(tree, { recursive: true });
  await writeFile(join(tree, 'launcher'), launcher, { mode: 0o755 });
  const packed = await packImage(tree);
  assert(packed.ok);
  const parts: Uint8Array[] = [];
  for await (const part of packed.value) parts.push(part);
  return Buffer.concat(parts);
}
