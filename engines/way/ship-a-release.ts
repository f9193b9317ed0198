// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { setTimeout as elapse } from 'node:timers/promises';
import { type Place, type Running, said, startIn } from './programs.ts';

/** How the three programs are called in a place. */
export interface Commands {
  readonly outrider: readonly string[];
  /** Starts a server on the folder `data`, with any free port. */
  readonly server: readonly string[];
  readonly agent: readonly string[];
  /** What else is to be seen while the server is up. */
  readonly look?: (url: string) => Promise<void>;
  /** True once the server says of the device, by `device show`, what is to be seen at the end. */
  readonly isSeen?: (shown: string) => boolean;
}

/**
 * Walks the way of a release as a person does who has installed Outrider: keys, a role, a server, a signed release, a device that
 * left the factory with it, the next release, a rollout, and the device runs it. Asserts each step. The server is stopped.
 */
export async function shipARelease(place: Place, commands: Commands): Promise<void> {
  const outrider = (...words: readonly string[]) => said(place, [...commands.outrider, ...words]);
  const onServer = (...words: readonly string[]) => outrider(...words, '--data', 'data');
  await said(place, ['sh', '-c', 'mkdir -m 700 data']);
  await makeKeys(outrider);
  const factoryImage = await makeRelease(place, outrider, { version: '1.0.0', wayBack: ['--first'] });
  await makeRelease(place, outrider, { version: '1.1.0', wayBack: ['--former', '1.0.0.json'] });

  const server = startIn(place, commands.server);
  let device: Running | undefined;
  try {
    const url = await untilReady(server);
    assert.match(await onServer('status'), /\S/);
    await commands.look?.(url);
    await onServer('release', 'publish', '1.0.0.json');
    const token = (await onServer('device', 'token')).trim();
    device = startIn(place, [
      ...[...commands.agent, '--server', url, '--data', 'device-1', '--device-id', 'device-1', '--token', token],
      ...['--device-type', 'camera', '--hardware-id', 'rev-a', '--tag', 'dogfood', '--check-in-now'],
      ...['--factory-image', factoryImage, '--factory-version', '1.0.0', '--factory-counter', '1'],
    ]);
    await until('the device registers', device, () => runs(onServer, '1.0.0'));
    assert.equal(await device.stop(), 0, device.said());

    await onServer('release', 'publish', '1.1.0.json');
    await onServer(
      'rollout',
      'create',
      '--release',
      'camera-1.1.0',
      '--device-type',
      'camera',
      '--everyone',
      '--id',
      'r1',
    );
    // The forecast is played on a thread, which is a file of its own.
    assert.match(await onServer('rollout', 'forecast', '--rollout', 'r1'), /\d/);
    await approve(onServer, outrider);
    await onServer('rollout', 'start', 'r1');
    device = startIn(place, [
      ...[...commands.agent, '--server', url, '--data', 'device-1', '--device-id', 'device-1'],
      ...['--device-type', 'camera', '--hardware-id', 'rev-a', '--tag', 'dogfood', '--check-in-now'],
    ]);
    await until('the device runs the new release', device, () => runs(onServer, '1.1.0'));
    assert.match(await onServer('rollout', 'show', 'r1'), /r1/);
    const { isSeen } = commands;
    if (isSeen !== undefined) {
      await until('what the device proves', device, async () => isSeen(await onServer('device', 'show', 'device-1')));
    }
    assert.equal(await device.stop(), 0, device.said());
  } finally {
    await device?.stop();
    assert.equal(await server.stop(), 0, server.said());
  }
}

type Outrider = (...words: readonly string[]) => Promise<string>;

const GROUPS = ['build', 'engineering'] as const;

const APPROVERS = ['safety', 'operations'] as const;

/** Two people sign the charter and each wave of it; the draft is approved by that. */
async function approve(onServer: Outrider, outrider: Outrider): Promise<void> {
  await onServer('charter', 'create', 'r1', '--out', 'charter.json');
  const keys = APPROVERS.flatMap((group) => ['--key', `${group}.key.json`]);
  assert.match(await outrider('charter', 'sign', 'charter.json', ...keys, '--wave', 'all'), /half/);
  assert.match(await outrider('charter', 'show', 'charter.json'), /groups to sign +2/);
  assert.match(await onServer('charter', 'submit', 'charter.json'), /approved/);
}

async function makeKeys(outrider: Outrider): Promise<void> {
  for (const group of [...GROUPS, ...APPROVERS, 'ann']) {
    await outrider('key', 'create', '--group', group, '--out', `${group}.key.json`);
  }
  const keys = GROUPS.flatMap((group) => ['--key', `${group}.public.json`]);
  const founding = ['--root', 'ann.key.json', '--model', 'camera', '--data', 'data'];
  const approvers = APPROVERS.flatMap((group) => ['--approver', `${group}.public.json`]);
  await outrider('trust', 'init', '--threshold', '2', ...keys, ...founding, ...approvers);
}

/** A program of one script, packed and signed twice; answers where its image is. */
async function makeRelease(
  place: Place,
  outrider: Outrider,
  { version, wayBack }: { readonly version: string; readonly wayBack: readonly string[] },
): Promise<string> {
  const script = `mkdir ${version} && printf '#!/bin/sh\\necho ${version}\\n' > ${version}/launcher && chmod 755 ${version}/launcher`;
  await said(place, ['sh', '-c', script]);
  const { digest } = JSON.parse(await outrider('release', 'pack', version, '--json'));
  const manifest = `${version}.json`;
  await outrider(
    ...['release', 'create', '--device-type', 'camera', '--version', version, '--out', manifest],
    ...['--component', `main:${digest}:rev-a,rev-b`, ...wayBack],
  );
  for (const group of GROUPS) await outrider('release', 'sign', manifest, '--key', `${group}.key.json`);
  return `artifacts/${digest}`;
}

/** The address the server says it listens at. */
export async function untilReady(server: Running): Promise<string> {
  const address = (): string | undefined => /ready at (http:\/\/\S+),/.exec(server.said())?.[1];
  await until('the server is ready', server, async () => address() !== undefined);
  const url = address();
  assert.ok(url !== undefined);
  return url;
}

/** Whether the server knows that the device runs this version. */
async function runs(onServer: Outrider, version: string): Promise<boolean> {
  return (await onServer('device', 'list')).includes(version);
}

/** A step that takes longer has failed: the longest, a first start with a new database, takes some seconds. */
const STEP_MS_MAX = 120_000;
const LOOK_MS = 100;

export async function until(what: string, running: Running, holds: () => Promise<boolean>): Promise<void> {
  for (let waitedMs = 0; waitedMs < STEP_MS_MAX; waitedMs += LOOK_MS) {
    if (await holds()) return;
    if (running.hasEnded()) assert.fail(`The program ended before ${what}:\n${running.said()}`);
    await elapse(LOOK_MS);
  }
  assert.fail(`Waited ${STEP_MS_MAX} ms, and not yet: ${what}\n${running.said()}`);
}
