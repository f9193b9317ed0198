// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openFileBoot, provisionBoot } from '@outrider/adapters/device/file-boot';
import { openFileStorage, provisionImage } from '@outrider/adapters/device/file-storage';
import { digestText } from '@outrider/adapters/shared/digest';
import type { ChooserState } from '@outrider/domain/device/boot-chooser';
import type { Boot, Storage } from '@outrider/domain/device/ports';
import type { DeviceId } from '@outrider/domain/kernel/ids';
import { prng } from '@outrider/domain/kernel/prng';
import { DAY_MS, type FleetInstant, fleetInstant, HOUR_MS } from '@outrider/domain/kernel/time';
import type { SignedCharter } from '@outrider/domain/policy/charter';
import { parseJournal } from '@outrider/protocol/device/journal';
import { deviceLab, LAB_DEVICE_TYPE, LAB_HARDWARE_ID, type LabRelease } from '@outrider/testkit/device-lab';
import { charterFor } from '@outrider/testkit/lab-charter';
import { LAB_ROLLOUT_ID, type LabNetwork, labNetwork } from '@outrider/testkit/lab-network';
import { labRepositories } from '@outrider/testkit/lab-repositories';
import { memoryBoot } from '@outrider/testkit/memory-boot';
import { memoryDisk, memoryStorage, PowerCut } from '@outrider/testkit/memory-storage';
import { composeAgent } from './compose.ts';

const deviceId = 'camera-7' as DeviceId;
const old = { main: noise('main', 1_500), radio: noise('radio', 700) };
const fresh = { main: Buffer.concat([old.main, noise('more', 800)]), radio: noise('other radio', 900) };
const lab = await deviceLab([old, fresh]);
const [first, second] = lab.releases as readonly [LabRelease, LabRelease];
const start = fleetInstant(1_000 * DAY_MS);
/** What one interruption may cost beside the payload: the chunk that was on its way. */
const CHUNK_BYTES = 700;
const STARTS_MAX = 12;
/** Both repositories, as they are served at each start: the device trusts nothing that they do not vouch for. */
const repositories = await labRepositories(lab, start, { security: second.manifest.releaseCounter });
const anchors = { ...lab.anchors, roots: repositories.roots, approverRole: lab.approverRole };
/** What approvers signed for it: the device takes nothing outside that, and keeps what it made of it over each cut. */
const charter = charterOf(second);
const served = [new Map(repositories.files)];
for (let count = 1; count < STARTS_MAX; count++) {
  await repositories.renew(fleetInstant(start + count * HOUR_MS));
  served.push(new Map(repositories.files));
}

test('a device whose power is cut at any effect ends on the new release, and says so once', async () => {
  const uncut = await playInMemory([]);
  const count = uncut.effects;
  assert(count > 25, `${count} effects`);
  for (let cut = 0; cut < count; cut++) check(await playInMemory([cut]), uncut, 1);
});

test('a device whose power is cut at any effect, and again at any effect of the recovery, ends there too', async () => {
  const uncut = await playInMemory([]);
  for (let cut = 0; cut < uncut.effects; cut++) {
    const { effects } = await playInMemory([cut]);
    for (let again = cut; again < effects; again++) check(await playInMemory([cut, again]), uncut, 2);
  }
});

test('a device with files, whose power is cut before or after any call, ends on the new release', async () => {
  const uncut = await playOnFiles([]);
  assert(uncut.effects > 40, `${uncut.effects} calls and chunks`);
  for (let cut = 0; cut < uncut.effects; cut++) check(await playOnFiles([cut]), uncut, 1);
});

interface Played {
  readonly effects: number;
  readonly network: LabNetwork;
  readonly isConfirmedWhole: boolean;
  readonly version: string | undefined;
}

function check(played: Played, uncut: Played, cuts: number): void {
  const { network, version, isConfirmedWhole } = played;
  assert.equal(version, '1.1.0');
  assert(isConfirmedWhole);
  assert.deepEqual(
    [...network.reports.values()].map(({ event }) => event),
    ['verified'],
  );
  const allowed = uncut.network.downloadedBytes + cuts * CHUNK_BYTES;
  assert(network.downloadedBytes <= allowed, `${network.downloadedBytes} bytes, allowed are ${allowed}`);
}

function charterOf(release: LabRelease): SignedCharter {
  const template = charterFor(release);
  const waves = template.waves.map((wave) => ({ ...wave, notBefore: start }));
  const times = { issuedAt: start, expiresAt: fleetInstant(start + 90 * DAY_MS) };
  return lab.charter({ ...template, ...times, waves, plan: { ...template.plan, rolloutId: LAB_ROLLOUT_ID } }, []);
}

/** Offers the release under its charter, and gives permits that name it and the request they answer. */
function charteredNetwork(): LabNetwork {
  const network = labNetwork(lab);
  network.offered = { release: second, isRollback: false };
  network.alterPermit = (document) => ({
    ...document,
    grantedAt: start,
    sequence: network.permitRequests.at(-1)?.sequence ?? 0,
    charter: { sha256: digestText(charter.document.payload), waveIndex: 0 },
  });
  return network;
}

/** Cuts the power at these effects, counted over all boots; wakes the device until it rests with nothing to do. */
async function playInMemory(cuts: readonly number[]): Promise<Played> {
  const network = charteredNetwork();
  const disk = memoryDisk(first.images);
  let saved: ChooserState | undefined;
  const gate = gateAt(cuts);
  const version = await untilDone(network, async (now) => {
    const boot = memoryBoot(saved ?? first.content);
    saved = boot.saved();
    const confirmed = saved.contents[saved.confirmed];
    const held = await memoryStorage(disk).verifySlot(saved.confirmed);
    assert.deepEqual(held, confirmed?.components, 'the confirmed slot is whole at every start');
    assert((confirmed?.releaseCounter ?? 0) >= floorIn(disk.journal), 'no floor is above the confirmed slot');
    const storage = memoryStorage(disk, gate.pass);
    const gated: Boot = {
      state: boot.state,
      async arm(...order) {
        gate.pass();
        await boot.arm(...order);
        saved = boot.saved();
      },
      async confirm() {
        gate.pass();
        await boot.confirm();
        saved = boot.saved();
      },
      async reboot() {
        gate.pass();
        await boot.reboot();
        saved = boot.saved();
      },
    };
    await agentOn(network, storage, gated).wake(now);
    return boot;
  });
  assert.equal(floorIn(disk.journal), second.manifest.releaseCounter);
  const held = await memoryStorage(disk).verifySlot('b');
  return { effects: gate.count(), network, version, isConfirmedWhole: isSame(held) };
}

async function playOnFiles(cuts: readonly number[]): Promise<Played> {
  const folder = await mkdtemp(join(tmpdir(), 'outrider-power-'));
  await cp(await factoryFolder(), folder, { recursive: true });
  const network = charteredNetwork();
  const gate = gateAt(cuts);
  const version = await untilDone(network, async (now) => {
    const boot = await openFileBoot(folder);
    assert(boot.ok);
    const state = await boot.value.state();
    const storage = await openFileStorage(folder);
    const held = await storage.verifySlot(state.confirmed);
    assert.deepEqual(held, state.contents[state.confirmed]?.components, 'the confirmed slot is whole at every start');
    await agentOn(network, gatedStorage(storage, gate.pass), gatedBoot(boot.value, gate.pass)).wake(now);
    return boot.value;
  });
  const end = await openFileStorage(folder);
  const held = await end.verifySlot('b');
  assert.equal(floorIn(await end.loadJournal()), second.manifest.releaseCounter);
  await rm(folder, { recursive: true });
  return { effects: gate.count(), network, version, isConfirmedWhole: isSame(held) };
}

/** Starts the device again after each cut; each start is an hour after the last. */
async function untilDone(network: LabNetwork, live: (now: FleetInstant) => Promise<Boot>): Promise<string | undefined> {
  for (let count = 0; count < STARTS_MAX; count++) {
    const now = fleetInstant(start + count * HOUR_MS);
    for (const [name, text] of served[count] ?? []) repositories.files.set(name, text);
    network.alterOffer = async (answer) => {
      const directed = await repositories.direct(answer, { deviceId, now });
      return directed.kind === 'offer' ? { ...directed, charter } : directed;
    };
    try {
      const boot = await live(now);
      const state = await boot.state();
      if (network.reports.size > 0) return state.contents[state.confirmed]?.version;
    } catch (cause) {
      if (!(cause instanceof PowerCut)) throw cause;
    }
  }
  return undefined;
}

function agentOn(network: LabNetwork, storage: Storage, boot: Boot) {
  return composeAgent({
    identity: { deviceId, deviceType: LAB_DEVICE_TYPE, hardwareId: LAB_HARDWARE_ID },
    anchors,
    verifier: lab.verifier,
    network: { ...network, fetchMetadata: repositories.fetchMetadata },
    storage,
    boot,
    health: { check: async () => ({ isHealthy: true, detail: '' }) },
    readiness: { mayDownload: () => true, readyAt: (now) => now },
  });
}

/** Before and after each call, and at each chunk of a download: what is durable by then is what the adapter says. */
function gatedStorage(storage: Storage, pass: () => void): Storage {
  async function around<T>(call: () => Promise<T>): Promise<T> {
    pass();
    const result = await call();
    pass();
    return result;
  }
  async function* each(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      pass();
      yield chunk;
    }
  }
  return {
    ...storage,
    storeMetadata: (name, text) => around(() => storage.storeMetadata(name, text)),
    storeJournal: (text) => around(() => storage.storeJournal(text)),
    stage: (digest, chunks, bytesMax) => around(() => storage.stage(digest, each(chunks), bytesMax)),
    verifyStaged: (digest) => around(() => storage.verifyStaged(digest)),
    install: (order) => around(() => storage.install(order)),
    discardStaged: () => around(() => storage.discardStaged()),
  };
}

function gatedBoot(boot: Boot, pass: () => void): Boot {
  async function around(call: () => Promise<void>): Promise<void> {
    pass();
    await call();
    pass();
  }
  return {
    state: boot.state,
    arm: (...order) => around(() => boot.arm(...order)),
    confirm: () => around(() => boot.confirm()),
    reboot: () => around(() => boot.reboot()),
  };
}

function gateAt(cuts: readonly number[]) {
  let passed = 0;
  return {
    pass() {
      if (cuts.includes(passed++)) throw new PowerCut('The power is gone');
    },
    count: () => passed,
  };
}

let factory: string | undefined;
after(() => factory && rm(factory, { recursive: true }));

/** A device as it left the factory, to be copied. */
async function factoryFolder(): Promise<string> {
  if (factory !== undefined) return factory;
  factory = await mkdtemp(join(tmpdir(), 'outrider-factory-'));
  for (const [name, image] of Object.entries(old)) await provisionImage(factory, name, once(image));
  await provisionBoot(factory, first.content);
  return factory;
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

function floorIn(journal: string | undefined): number {
  const parsed = journal === undefined ? undefined : parseJournal(journal);
  return parsed?.ok ? (parsed.value.floors?.security ?? 0) : 0;
}

function isSame(held: readonly { readonly name: string; readonly digest: string }[]): boolean {
  return JSON.stringify(held) === JSON.stringify(second.content.components);
}

/** The same bytes in every run. */
function noise(seed: string, length: number): Buffer {
  const source = prng(seed);
  return Buffer.from(Array.from({ length }, () => Math.floor(source.next() * 256)));
}
