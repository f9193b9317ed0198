// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { digestText } from '@outrider/adapters/shared/digest';
import { createSigner } from '@outrider/adapters/shared/ed25519';
import { metadataDigest, metadataSigner } from '@outrider/adapters/shared/metadata-keys';
import { newestRoot, signMetadata } from '@outrider/adapters/shared/metadata-repository';
import type { CheckInAnswer } from '@outrider/domain/gateway/check-in';
import type { DeviceId, ReleaseCounter } from '@outrider/domain/kernel/ids';
import { DAY_MS, type FleetInstant, fleetInstant, HOUR_MS } from '@outrider/domain/kernel/time';
import type { Floors } from '@outrider/domain/release/floors';
import { HAND_OVER_TYPE } from '@outrider/domain/trust/hand-over';
import { personDigest } from '@outrider/domain/trust/person';
import type { Signer } from '@outrider/domain/trust/ports';
import type { TrustAnchors } from '@outrider/domain/trust/role';
import { nextApprovers } from '@outrider/domain/trust/tuf/approvers';
import type { NamedKey } from '@outrider/domain/trust/tuf/ceremony';
import type { RootMetadata, TargetFile, TimestampMetadata } from '@outrider/domain/trust/tuf/metadata';
import { nextFleetTimestamp, nextSnapshot, nextTimestamp, referenceTo } from '@outrider/domain/trust/tuf/publication';
import { parseJournal } from '@outrider/protocol/device/journal';
import { charterSignedBy } from '@outrider/protocol/policy/sign-charter';
import { encodeEnvelope } from '@outrider/protocol/trust/envelope';
import { encodeHandOver } from '@outrider/protocol/trust/hand-over';
import { metadataReader } from '@outrider/protocol/trust/tuf/read-metadata';
import { deviceLab, LAB_DEVICE_TYPE, LAB_HARDWARE_ID, type LabRelease } from '@outrider/testkit/device-lab';
import { charterFor } from '@outrider/testkit/lab-charter';
import { labNetwork } from '@outrider/testkit/lab-network';
import { type LabRepositories, labRepositories } from '@outrider/testkit/lab-repositories';
import { memoryBoot } from '@outrider/testkit/memory-boot';
import { memoryDisk, memoryStorage } from '@outrider/testkit/memory-storage';
import { type AgentPorts, composeAgent } from './compose.ts';

const lab = await deviceLab([{ main: randomBytes(3_000) }, { main: randomBytes(4_000) }]);
const [first, second] = lab.releases as readonly [LabRelease, LabRelease];
const deviceId = 'camera-7' as DeviceId;
const start = fleetInstant(20_000 * DAY_MS);

test('a device installs what director and image repository both vouch for, by their keys alone', async () => {
  const device = await bench();
  await device.agent.wake(start);
  assert.equal(device.agent.status()?.activeVersion, '1.1.0');
});

test('a rollback at night installs the twin that was signed with the release, and no offline key is asked', async () => {
  const device = await bench();
  await device.agent.wake(start);
  device.network.offered = { release: second, isRollback: true };
  const night = fleetInstant(start + 12 * HOUR_MS);
  await device.repositories.renew(night);
  device.serverNow = night;
  await device.agent.wake(night);
  assert.equal(device.agent.status()?.activeVersion, '1.0.0');
  assert.equal((await device.boot.state()).contents.a?.releaseCounter, second.manifest.rollbackTwin?.releaseCounter);
});

/** What a thief of one key, or of the way between, tries; each with the words of the refusal. */
const ATTACKS: readonly (readonly [
  string,
  RegExp,
  (around: { readonly repositories: LabRepositories; readonly device: Awaited<ReturnType<typeof bench>> }) => unknown,
])[] = [
  [
    'arbitrary software: a director that names what the image repository does not',
    /target-unknown/,
    ({ repositories }) => replaceTargets(repositories, new Map()),
  ],
  [
    'a control plane without the director: an offer that it has not signed',
    /metadata-missing/,
    ({ device }) => alter(device, unsigned),
  ],
  [
    'an offer for another device',
    /target-differs/,
    ({ device, repositories }) => say(device, repositories, { deviceId: 'camera-8' as DeviceId }),
  ],
  [
    'a director that claims another length',
    /target-differs/,
    ({ device, repositories }) =>
      say(device, repositories, { change: (file) => ({ ...file, length: file.length + 1 }) }),
  ],
  [
    'a director that claims another digest',
    /target-differs/,
    ({ device, repositories }) =>
      say(device, repositories, { change: (file) => ({ ...file, hashes: new Map([['sha256', '0'.repeat(64)]]) }) }),
  ],
  [
    'a director that claims another counter',
    /target-differs/,
    ({ device, repositories }) =>
      say(device, repositories, {
        change: (file) => ({
          ...file,
          custom: { releaseCounter: 9 as ReleaseCounter, hardwareIds: [LAB_HARDWARE_ID] },
        }),
      }),
  ],
  [
    'wrong software installation: a director that claims another hardware',
    /target-differs/,
    ({ device, repositories }) =>
      say(device, repositories, {
        change: (file) => ({
          ...file,
          custom: { releaseCounter: second.manifest.releaseCounter, hardwareIds: ['rev-z'] },
        }),
      }),
  ],
  [
    'a director by a key that no root names',
    /metadata-unsigned/,
    ({ device }) => alter(device, async (answer) => ({ ...answer, director: await resigned(answer) }) as CheckInAnswer),
  ],
  [
    'freeze: the image repository is held back until it has expired',
    /metadata-expired/,
    ({ device }) => setClock(device, fleetInstant(start + 8 * DAY_MS)),
  ],
  [
    'mixed bundles: an image repository older than the one the director has seen',
    /metadata-rolled-back/,
    ({ repositories }) => holdImageBack(repositories),
  ],
  [
    'a threshold of two groups, met by the build system alone',
    /metadata-unsigned/,
    ({ repositories }) => replaceTargets(repositories, undefined),
  ],
];

for (const [attack, words, prepare] of ATTACKS) {
  test(`${attack} is refused`, async () => {
    const device = await bench();
    await prepare({ repositories: device.repositories, device });
    await device.agent.wake(device.now);
    assert.equal(device.agent.status()?.activeVersion, '1.0.0');
    assert.match(device.refusal(), words);
  });
}

test('indefinite freeze by a director replay: an older word for the same device is refused', async () => {
  const device = await bench();
  device.network.permits = { kind: 'not-yet', code: 'cap-full', askAfterMs: HOUR_MS };
  const replayed: CheckInAnswer[] = [];
  alter(device, (answer) => {
    replayed.push(answer);
    return answer;
  });
  await device.agent.wake(start);
  const hour = (count: number) => fleetInstant(start + count * HOUR_MS);
  await device.repositories.renew(hour(2));
  device.serverNow = hour(2);
  await device.agent.wake(hour(2));
  alter(device, () => replayed[0] as CheckInAnswer);
  await device.repositories.renew(hour(5));
  await device.agent.wake(hour(5));
  assert.match(device.refusal(), /metadata-rolled-back: The director's word/);
});

test('the empty answer is no answer while the director is held back: a device notices that it is frozen', async () => {
  const device = await bench();
  device.network.offered = undefined;
  await device.agent.wake(start);
  assert.equal(device.refusal(), '');
  await device.agent.wake(fleetInstant(start + 2 * DAY_MS));
  assert.match(device.refusal(), /metadata-expired: timestamp/);
});

test('a pause cannot be undone by a word to the fleet from before it', async () => {
  const device = await bench();
  const before = device.repositories.files.get('director/timestamp.json') ?? '';
  await device.repositories.renew(start, 7);
  await device.agent.wake(start);
  assert.equal(device.refusal(), '');
  device.repositories.files.set('director/timestamp.json', before);
  await device.agent.wake(fleetInstant(start + 13 * HOUR_MS));
  assert.match(device.refusal(), /metadata-rolled-back: timestamp/);
  await nextFleet(device.repositories, start, 3);
  await device.agent.wake(fleetInstant(start + 30 * HOUR_MS));
  assert.match(device.refusal(), /metadata-rolled-back: policy epoch has version 3, trusted before was 7/);
});

test('a clock at 1970 takes what is signed, and afterwards nothing that the device has known to be older', async () => {
  const device = await bench();
  device.now = fleetInstant(1);
  await device.agent.wake(fleetInstant(1));
  assert.equal(device.agent.status()?.activeVersion, '1.1.0');
  const stored = device.disk.metadata.get('director/timestamp.json') ?? '';
  const read = metadataReader.timestamp(stored);
  assert(read.ok && read.value.signed.fleet?.signedAt === start);
  // What was signed a day before, and expires before the time that the device has proof of, is refused, though its clock says 1970.
  await nextFleet(device.repositories, fleetInstant(start - DAY_MS), 1);
  await device.agent.wake(fleetInstant(DAY_MS));
  assert.match(device.refusal(), /metadata-expired/);
});

test('a clock in the future refuses what has expired by it, installs nothing, and asks again', async () => {
  const device = await bench();
  device.now = fleetInstant(start + 3_650 * DAY_MS);
  await device.agent.wake(device.now);
  assert.equal(device.agent.status()?.activeVersion, '1.0.0');
  assert.match(device.refusal(), /metadata-expired: root/);
});

for (const kind of ['security', 'migration'] as const) {
  test(`the way back below a ${kind} floor is refused by name, once the release that brought it is confirmed`, async () => {
    const device = await bench({ [kind]: second.manifest.releaseCounter });
    await device.agent.wake(start);
    assert.equal(device.agent.status()?.activeVersion, '1.1.0');
    device.network.offered = { release: second, isRollback: true };
    const night = fleetInstant(start + 12 * HOUR_MS);
    await device.repositories.renew(night);
    device.serverNow = night;
    await device.agent.wake(night);
    assert.match(device.refusal(), new RegExp(`counter ${first.manifest.releaseCounter}, the ${kind} floor is 3`));
    assert.equal(device.agent.status()?.activeVersion, '1.1.0');
    const told = [...device.network.reports.values()].map(({ detail }) => detail);
    assert(
      told.some((detail) => detail.startsWith(`below-${kind}-floor`)) || device.agent.status()?.reportsQueued === 1,
    );
  });
}

test('a floor that a release brings bars no way back from its own trial', async () => {
  const device = await bench({ security: second.manifest.releaseCounter }, false);
  await device.agent.wake(start);
  assert.equal(device.agent.status()?.activeVersion, '1.0.0');
  const journal = parseJournal(device.disk.journal ?? '');
  assert(journal.ok);
  assert.equal(journal.value.floors, undefined);
  assert.deepEqual(journal.value.revertedCounters, [second.manifest.releaseCounter]);
});

test('a release that lies below the floor it was signed with is refused', async () => {
  const device = await bench({ security: 9 as ReleaseCounter });
  await device.agent.wake(start);
  assert.equal(device.agent.status()?.activeVersion, '1.0.0');
  assert.match(device.refusal(), /counter 3, the security floor is 9/);
});

test('a device of before is handed over to the roots by the keys that it pinned, and keys alone are asked no more', async () => {
  const device = await pinningKeys();
  await serveHandOver(device, lab.releaseSigners);
  await device.agent.wake(start);
  assert.equal(device.agent.status()?.activeVersion, '1.1.0');
  assert.equal(device.stored[0]?.roots?.image, device.repositories.roots.image);
  // Both pinned groups still sign releases, and a thief of the way between plays one that only they have signed.
  device.network.offered = { release: second, isRollback: true };
  device.network.alterOffer = unsigned;
  device.repositories.files.delete('hand-over.json');
  const later = fleetInstant(start + 12 * HOUR_MS);
  await device.repositories.renew(later);
  await device.agent.wake(later);
  assert.match(device.refusal(), /metadata-missing: The offer has no word of the director/);
  assert.equal(device.agent.status()?.activeVersion, '1.1.0');
  assert.equal(device.stored.length, 1);
});

const [build, releaseEngineering] = lab.releaseSigners as readonly [Signer, Signer];
for (const [attack, signers, change] of [
  ['one stolen key of the two', [build, build], {}],
  ['every key of the server', [lab.permitSigner, createSigner()], {}],
  ['a hand-over that has expired', [build, releaseEngineering], { expiresAt: start }],
  ['a hand-over for another purpose', [build, releaseEngineering], { type: 'application/vnd.outrider.release+json' }],
] as const) {
  test(`${attack} hands no device over to other roots: it stays with the keys that it pinned`, async () => {
    const device = await pinningKeys();
    await serveHandOver(device, signers, change);
    await device.agent.wake(start);
    assert.equal(device.stored.length, 0);
    assert.equal(device.agent.status()?.activeVersion, '1.1.0', 'and it takes what those have signed, as before');
  });
}

test('approvers that the root names outrank those of the registration: who was taken out approves nothing any more', async () => {
  const device = await bench(undefined, true, { storeAnchors: async () => undefined });
  device.network.permits = { kind: 'not-yet', code: 'cap-full', askAfterMs: HOUR_MS };
  const [safety, operations] = lab.approverSigners as readonly [Signer, Signer];
  const successor = createSigner();
  const document = charterFor(second, { issuedAt: start, expiresAt: fleetInstant(start + 90 * DAY_MS) });
  const offered = (signers: readonly Signer[]) =>
    alter(device, (answer) =>
      answer.kind === 'offer'
        ? { ...answer, rolloutId: document.plan.rolloutId, charter: charterSignedBy(document, signers, { digestText }) }
        : answer,
    );
  const wakeAfter = async (hours: number) => {
    const at = fleetInstant(start + hours * HOUR_MS);
    await device.repositories.renew(at);
    device.serverNow = at;
    device.clearRefusal();
    await device.agent.wake(at);
    return device.refusal();
  };
  // Pinned are none: this device asked for no charter until the people of the root named approvers.
  await nameApprovers(device.repositories, { add: [named(safety, 'safety'), named(operations, 'operations')] });
  alter(device, (answer) => answer);
  assert.match(await wakeAfter(0), /The offer brings no charter/);
  offered([safety]);
  assert.match(await wakeAfter(13), /Validly signed by safety, needed are 2 groups/);
  const gone = { remove: [operations.publicKey.keyId], add: [named(successor, 'operations')] };
  await nameApprovers(device.repositories, gone);
  offered([safety, operations]);
  assert.match(await wakeAfter(26), /Validly signed by safety, needed are 2 groups/);
  offered([safety, successor]);
  assert.equal(await wakeAfter(39), '');
});

test('a root in which one person has keys in two groups of approvers lets nothing through', async () => {
  const device = await bench();
  const [safety, operations] = lab.approverSigners as readonly [Signer, Signer];
  const person = personDigest('grace');
  await nameApprovers(
    device.repositories,
    { add: [named(safety, 'safety'), named(operations, 'operations')] },
    new Map([safety, operations].map(({ publicKey }) => [publicKey.keyId, person])),
  );
  alter(device, (answer) =>
    answer.kind === 'offer' ? { ...answer, charter: lab.charter(charterFor(second, {}), []) } : answer,
  );
  await device.agent.wake(start);
  assert.match(device.refusal(), /A person has keys in two groups/);
});

function named(signer: Signer, group: string): NamedKey {
  const { keyId, key } = metadataSigner(signer);
  return { keyId, key, group };
}

/** The next root of the director by the people of the root; `people` as a thief would write them, past the ceremony. */
async function nameApprovers(
  { files, keys }: LabRepositories,
  change: { readonly remove?: readonly string[]; readonly add: readonly NamedKey[] },
  people?: ReadonlyMap<string, string>,
): Promise<void> {
  const former = await newestRoot(
    { loadMetadata: async (name) => files.get(name), storeMetadata: async () => {} },
    'director',
  );
  assert(former !== undefined);
  const next = nextApprovers(former.document.signed, {
    change: { remove: [], people: new Map(), ...change },
    now: start,
  });
  assert(next.ok, JSON.stringify(next));
  const root = people === undefined ? next.value : withPeople(next.value, people);
  files.set(`director/${root.version}.root.json`, await signMetadata(root, [keys.root]));
}

function withPeople(root: RootMetadata, people: ReadonlyMap<string, string>): RootMetadata {
  assert(root.approvers !== undefined);
  return { ...root, approvers: { ...root.approvers, people } };
}

/** Registered before there were repositories. */
async function pinningKeys() {
  const stored: TrustAnchors[] = [];
  const device = await bench(undefined, true, {
    anchors: lab.anchors,
    storeAnchors: async (anchors) => void stored.push(anchors),
  });
  return Object.assign(device, { stored });
}

async function serveHandOver(
  { repositories }: Bench,
  signers: readonly Signer[],
  { expiresAt = fleetInstant(start + DAY_MS), type = HAND_OVER_TYPE as string } = {},
): Promise<void> {
  const payload = encodeHandOver({ schema: 1, roots: repositories.roots, expiresAt });
  const envelope = lab.sign({ payloadType: type, payload }, signers);
  repositories.files.set('hand-over.json', encodeEnvelope(envelope));
}

function setClock(device: { now: FleetInstant }, now: FleetInstant): void {
  device.now = now;
}

async function bench(floors?: Floors, isHealthy = true, pinned: Partial<AgentPorts> = {}) {
  const repositories = await labRepositories(lab, start, floors);
  const network = labNetwork(lab);
  network.offered = { release: second, isRollback: false };
  const disk = memoryDisk(first.images);
  const boot = memoryBoot(first.content);
  let refusal = '';
  const device = {
    repositories,
    network,
    disk,
    boot,
    now: start as FleetInstant,
    serverNow: start as FleetInstant,
    refusal: () => refusal,
    clearRefusal() {
      refusal = '';
    },
    agent: composeAgent({
      identity: { deviceId, deviceType: LAB_DEVICE_TYPE, hardwareId: LAB_HARDWARE_ID },
      anchors: { ...lab.anchors, roots: repositories.roots, releaseRole: { threshold: 1, groups: [] } },
      verifier: lab.verifier,
      ...pinned,
      network: { ...network, checkIn: (one) => network.checkIn(one), fetchMetadata: repositories.fetchMetadata },
      storage: memoryStorage(disk),
      boot,
      health: { check: async () => ({ isHealthy, detail: '' }) },
      readiness: { mayDownload: () => true, readyAt: (now) => now },
      watch(event) {
        if (event.kind === 'offer-refused' || event.kind === 'unanswered') refusal = event.error.detail;
      },
    }),
  };
  network.alterOffer = (answer) => repositories.direct(answer, { deviceId, now: device.serverNow });
  return device;
}

type Bench = Awaited<ReturnType<typeof bench>>;

/** Changes an offer that the director has signed. */
function alter(device: Bench, change: (answer: CheckInAnswer) => CheckInAnswer | Promise<CheckInAnswer>): void {
  device.network.alterOffer = async (answer) =>
    change(await device.repositories.direct(answer, { deviceId, now: device.serverNow }));
}

function say(
  device: Bench,
  repositories: LabRepositories,
  said: { readonly deviceId?: DeviceId; readonly change?: (file: TargetFile) => TargetFile },
): void {
  device.network.alterOffer = (answer) => repositories.direct(answer, { deviceId, now: device.serverNow, ...said });
}

function unsigned(answer: CheckInAnswer): CheckInAnswer {
  if (answer.kind === 'refusal') return answer;
  const { director: _, ...offer } = answer;
  return offer;
}

/** The director's word, signed by a stranger. */
async function resigned(answer: CheckInAnswer): Promise<string> {
  const read = metadataReader.targets(answer.kind === 'offer' ? (answer.director ?? '') : '');
  assert(read.ok);
  return signMetadata(read.value.signed, [metadataSigner(createSigner())]);
}

/** Signed anew by both groups with these files, or, undefined, as it is by the build system alone; all below it follows. */
async function replaceTargets(repositories: LabRepositories, files: ReadonlyMap<string, TargetFile> | undefined) {
  const { build, releng, snapshot, timestamp } = repositories.keys;
  const former = metadataReader.targets(repositories.files.get(`image/1.${LAB_DEVICE_TYPE}.json`) ?? '');
  assert(former.ok);
  const targets = { ...former.value.signed, version: 2, targets: files ?? former.value.signed.targets };
  const text = await signMetadata(targets, files === undefined ? [build] : [build, releng]);
  const changed = new Map([[`${LAB_DEVICE_TYPE}.json`, referenceTo(text, 2, metadataDigest)]]);
  const stamp = metadataReader.timestamp(repositories.files.get('image/timestamp.json') ?? '');
  assert(stamp.ok);
  const { version } = stamp.value.signed.snapshot;
  const known = metadataReader.snapshot(repositories.files.get(`image/${version}.snapshot.json`) ?? '');
  assert(known.ok);
  const next = nextSnapshot(known.value.signed, { changed, now: start });
  const nextText = await signMetadata(next, [snapshot]);
  const reference = referenceTo(nextText, next.version, metadataDigest);
  const { files: served } = repositories;
  served.set(`image/2.${LAB_DEVICE_TYPE}.json`, text);
  served.set(`image/${next.version}.snapshot.json`, nextText);
  const named = nextTimestamp(stamp.value.signed, { snapshot: reference, now: start });
  served.set('image/timestamp.json', await signMetadata(named, [timestamp]));
}

/** The image repository as it was before, with a timestamp of today. */
async function holdImageBack(repositories: LabRepositories): Promise<void> {
  const held = repositories.files.get('image/timestamp.json') ?? '';
  await repositories.renew(start);
  repositories.files.set('image/timestamp.json', held);
}

/** The next word to the fleet, at any instant, with any epoch: a thief of the director's key. */
async function nextFleet(repositories: LabRepositories, now: FleetInstant, policyEpoch: number): Promise<void> {
  const read = metadataReader.timestamp(repositories.files.get('director/timestamp.json') ?? '');
  assert(read.ok);
  const image = metadataReader.timestamp(repositories.files.get('image/timestamp.json') ?? '');
  assert(image.ok);
  const { snapshot } = image.value.signed;
  const former: TimestampMetadata = { ...read.value.signed, version: read.value.signed.version + 5, snapshot };
  const next = nextFleetTimestamp(former, { snapshot: former.snapshot, policyEpoch, now });
  repositories.files.set('director/timestamp.json', await signMetadata(next, [repositories.keys.director]));
}
