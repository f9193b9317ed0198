// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { keptConnections } from '@outrider/adapters/device/http-client';
import { httpNetwork } from '@outrider/adapters/device/http-network';
import { digestText } from '@outrider/adapters/shared/digest';
import { createSigner } from '@outrider/adapters/shared/ed25519';
import { blockListBytes } from '@outrider/delta/block-list';
import type { ChooserState } from '@outrider/domain/device/boot-chooser';
import type { Boot, HealthVerdict, Network, Tpm } from '@outrider/domain/device/ports';
import { verifyManifest } from '@outrider/domain/gateway/judge-claim';
import type { DeviceId, Sha256 } from '@outrider/domain/kernel/ids';
import { err, ok } from '@outrider/domain/kernel/result';
import { DAY_MS, fleetInstant, HOUR_MS, hours, MINUTE_MS } from '@outrider/domain/kernel/time';
import type { Signer } from '@outrider/domain/trust/ports';
import { parseVersionManifest } from '@outrider/protocol/gateway/version-manifest';
import { deviceLab, LAB_DEVICE_TYPE, LAB_HARDWARE_ID, type LabRelease } from '@outrider/testkit/device-lab';
import { hashingStorage } from '@outrider/testkit/hashing-storage';
import { LAB_ROLLOUT_ID, labNetwork } from '@outrider/testkit/lab-network';
import { memoryBoot } from '@outrider/testkit/memory-boot';
import { type MemoryDisk, memoryDisk, memoryStorage, PowerCut } from '@outrider/testkit/memory-storage';
import { composeAgent } from './compose.ts';

const old = randomBytes(9_000);
const fresh = Buffer.concat([old.subarray(0, 4_000), randomBytes(3_000), old.subarray(4_000)]);
const lab = await deviceLab([{ main: old }, { main: fresh }, { main: randomBytes(20_000) }]);
const [first, second, third] = lab.releases as readonly [LabRelease, LabRelease, LabRelease];
const start = fleetInstant(1_000 * DAY_MS);
const DEVICE_ID = 'camera-7' as DeviceId;

test('a device fetches the delta, asks for the permit, boots the new image, confirms it and says so', async () => {
  const { agent, network, boot } = device();
  network.offered = { release: second, isRollback: false };
  const outcome = await agent.wake(start);
  assert.deepEqual(agent.status(), {
    state: 'verified',
    reason: '',
    activeVersion: '1.1.0',
    slot: 'b',
    reportsQueued: 0,
  });
  assert(network.downloadedBytes < 5_000, `${network.downloadedBytes} bytes`);
  const [report] = network.reports.values();
  assert.equal(report?.event, 'verified');
  assert.deepEqual(report?.running, second.content);
  assert.equal((await boot.state()).confirmed, 'b');
  assert.equal(outcome.sent, outcome.handled);
  assert.equal(outcome.nextWakeAt, start + 15 * MINUTE_MS);
  // It says so once more at the next check-in, then it is idle.
  await agent.wake(outcome.nextWakeAt);
  assert.equal(network.checkIns.at(-1)?.state, 'verified');
  assert.equal(agent.status()?.state, 'idle');
});

test('what it says it installed comes with a version manifest: signed by its key, as it stood when it was confirmed', async () => {
  const signer = createSigner();
  const { agent, network, boot, agentOn } = device({ signer });
  network.offered = { release: second, isRollback: false };
  const cutOff: Network = {
    ...network,
    sendReport: async () => err({ code: 'network-unreachable', detail: 'no network' }),
  };
  await agentOn(cutOff).wake(start);
  assert.equal(agent.status(), undefined);
  // Two starts later, long after, the network is back.
  for (let count = 0; count < 2; count++) await boot.reboot();
  const survivor = agentOn(network);
  await survivor.wake(fleetInstant(start + DAY_MS));
  const report = [...network.reports.values()].find((one) => one.event === 'verified');
  assert.ok(report !== undefined);
  const component = second.manifest.components[0];
  assert.ok(component !== undefined && report.permitId !== undefined);
  const verified = verifyManifest(report, {
    ...{ publicKey: signer.publicKey, verifier: lab.verifier, parse: parseVersionManifest, release: second.manifest },
  });
  assert.deepEqual(
    verified,
    ok({
      ...{ schema: 1, deviceId: DEVICE_ID, sequence: report.sequence, rolloutId: LAB_ROLLOUT_ID },
      ...{ releaseId: second.manifest.releaseId, permitId: report.permitId, epoch: 1, slot: 'b', version: '1.1.0' },
      ...{ releaseCounter: 3, bootCount: 2, confirmedAt: start },
      images: [{ name: 'main', digest: component.image.digest, bytes: component.image.bytes }],
    }),
  );
  assert.ok(!('claim' in report), 'what stood in the journal stays there');
});

test('a device with a TPM sends its quote about that very manifest, and without an answer of it says why', async () => {
  const signer = createSigner();
  const asked: Sha256[] = [];
  const answers = [
    ok({ attest: 'ff', signature: 'AAAA', publicKey: 'AAAA', pcrs: [] }),
    err({ detail: 'tpm2 quote ended with exit code 1' }),
  ] as const;
  for (const answer of answers) {
    const tpm: Tpm = {
      async quote(qualifyingData) {
        asked.push(qualifyingData);
        return answer;
      },
    };
    const { agent, network } = device({ signer, tpm });
    network.offered = { release: second, isRollback: false };
    await agent.wake(start);
    const [report] = network.reports.values();
    assert.equal(asked.at(-1), digestText(report?.manifest?.payload ?? ''));
    assert.deepEqual(report?.quote, answer.ok ? answer.value : undefined);
    assert.equal(report?.detail, answer.ok ? '' : 'The TPM gave no quote: tpm2 quote ended with exit code 1');
  }
});

test('an unhealthy image is tried three times, then the old slot runs and the report carries its log', async () => {
  const { agent, network, boot } = device({ health: { isHealthy: false, detail: 'lens driver: no answer' } });
  network.offered = { release: second, isRollback: false };
  await agent.wake(start);
  assert.equal(agent.status()?.state, 'reverted');
  assert.equal(agent.status()?.activeVersion, '1.0.0');
  assert.equal((await boot.state()).bootCount, 1 + 3 + 1);
  const [report, ...others] = network.reports.values();
  assert.equal(others.length, 0);
  assert.equal(report?.event, 'reverted');
  assert.match(report?.detail ?? '', /lens driver: no answer/);
  assert.equal(report?.running.version, '1.0.0');
  // The same release is refused from now on, by the device itself.
  await agent.wake(fleetInstant(start + DAY_MS));
  assert.equal(agent.status()?.reason, 'release-reverted-here');
  assert.equal(network.permitRequests.length, 1);
});

test('an image that never lets the agent start is given up after its tries, and not armed again', async () => {
  const { agent, again, network, boot } = device({ isCutAfterArm: true });
  network.offered = { release: second, isRollback: false };
  await assert.rejects(agent.wake(start), PowerCut);
  // Three trial boots in which no agent ran, then the old slot.
  for (let count = 0; count < 4; count++) await boot.reboot();
  assert.equal((await boot.state()).running, 'a');
  const survivor = again();
  await survivor.wake(fleetInstant(start + MINUTE_MS));
  assert.equal(survivor.status()?.state, 'reverted');
  assert.deepEqual(
    [...network.reports.values()].map(({ event }) => event),
    ['reverted'],
  );
});

test('a release that ran for days and fell back is reported as reverted: success un-happens', async () => {
  const { agent, network, disk, boot } = device();
  network.offered = { release: second, isRollback: false };
  await agent.wake(start);
  // The chooser gave the confirmed slot up, as a bootloader does with one it cannot read.
  const fallen = device({ disk, chooser: { ...boot.saved(), running: 'a', confirmed: 'a' } });
  await fallen.agent.wake(fleetInstant(start + 3 * DAY_MS));
  assert.equal(fallen.agent.status()?.activeVersion, '1.0.0');
  const [report] = fallen.network.reports.values();
  assert.equal(report?.event, 'reverted');
  assert.equal(report?.permitId, [...network.reports.values()][0]?.permitId);
});

test('a rollback that finds the former images in the other slot moves no image byte', async () => {
  const { agent, network } = device();
  network.offered = { release: second, isRollback: false };
  await agent.wake(start);
  const before = network.downloadedBytes;
  network.offered = { release: second, isRollback: true };
  await agent.wake(fleetInstant(start + DAY_MS));
  assert.equal(agent.status()?.activeVersion, '1.0.0');
  assert.equal(agent.status()?.slot, 'a');
  assert.equal(network.downloadedBytes, before);
  const report = [...network.reports.values()].at(-1);
  assert.equal(report?.event, 'verified');
  assert.equal(report?.running.releaseCounter, second.manifest.rollbackTwin?.releaseCounter);
});

test('a rollback whose former images are damaged fetches the way back', async () => {
  const { agent, network, disk } = device();
  network.offered = { release: second, isRollback: false };
  await agent.wake(start);
  const damaged = Buffer.from(old);
  damaged[10] = (damaged[10] ?? 0) ^ 1;
  disk.slots.a.set('main', damaged);
  const before = network.downloadedBytes;
  network.offered = { release: second, isRollback: true };
  await agent.wake(fleetInstant(start + DAY_MS));
  assert.equal(agent.status()?.activeVersion, '1.0.0');
  assert.equal(agent.status()?.state, 'verified');
  assert(network.downloadedBytes > before);
  assert.deepEqual(disk.slots.a.get('main'), old);
});

test('a control device waits as long as the server says and installs nothing', async () => {
  const { agent, network } = device();
  network.offered = { release: second, isRollback: false };
  network.permits = { kind: 'not-yet', code: 'control-arm', askAfterMs: hours(0.5) };
  const outcome = await agent.wake(start);
  assert.equal(agent.status()?.state, 'deferred');
  assert.equal(agent.status()?.reason, 'control-arm');
  assert.equal(agent.status()?.activeVersion, '1.0.0');
  assert.equal(outcome.nextWakeAt, start + 0.5 * HOUR_MS);
  // Its bytes are here: when it may, it installs without fetching again.
  const before = network.downloadedBytes;
  network.permits = 'grant';
  await agent.wake(outcome.nextWakeAt);
  assert.equal(agent.status()?.activeVersion, '1.1.0');
  assert.equal(network.downloadedBytes, before);
});

test('a device that is not ready downloads ahead and asks for the permit when it is', async () => {
  const readyAt = fleetInstant(start + 8 * HOUR_MS);
  const { agent, network } = device({ readyAt });
  network.offered = { release: second, isRollback: false };
  let outcome = await agent.wake(start);
  assert.equal(agent.status()?.state, 'deferred');
  assert(network.downloadedBytes > 0);
  while (outcome.nextWakeAt < readyAt) {
    assert.equal(network.permitRequests.length, 0);
    outcome = await agent.wake(outcome.nextWakeAt);
  }
  await agent.wake(outcome.nextWakeAt);
  assert.equal(agent.status()?.state, 'verified');
});

test('a cut download goes on where it stopped, and no byte is fetched twice', async () => {
  const { agent, network } = device();
  network.offered = { release: third, isRollback: false };
  let now = start;
  let wakes = 0;
  while (agent.status()?.state !== 'verified') {
    network.downloadBytesLeft = 3_000;
    now = (await agent.wake(now)).nextWakeAt;
    assert(wakes++ < 30);
  }
  const [component] = third.manifest.components;
  assert(component !== undefined);
  assert.equal(network.downloadedBytes, component.image.bytes + blockListBytes(component.image));
});

test('without a server a device backs off up to six hours, and a queued report waits', async () => {
  const { agent, network } = device();
  network.isDown = true;
  let now = start;
  const gaps: number[] = [];
  for (let count = 0; count < 20; count++) {
    const { nextWakeAt } = await agent.wake(now);
    gaps.push(nextWakeAt - now);
    now = nextWakeAt;
  }
  assert(Math.max(...gaps) <= 6 * HOUR_MS);
  assert(Math.max(...gaps.slice(10)) > HOUR_MS);
  assert(Math.min(...gaps) >= 15_000);
  await agent.noteFault({
    event: 'crash',
    rolloutId: LAB_ROLLOUT_ID,
    releaseId: second.manifest.releaseId,
    detail: 'x',
  });
  network.isDown = false;
  await agent.wake(now);
  assert.equal([...network.reports.values()][0]?.event, 'crash');
});

test('a device that a busy gateway or one that stops sent away comes when it was told, and not sooner', async () => {
  const said = [
    { code: 'gateway-busy', retryAfterS: 300 },
    { code: 'shutting-down', retryAfterS: 5 },
    { code: 'gateway-busy', retryAfterS: 602 },
  ];
  const asked: string[] = [];
  const busy = createServer((request, response) => {
    const turn = said[asked.push(String(request.url)) - 1] ?? { code: 'gateway-busy', retryAfterS: 1_000_000 };
    response.writeHead(503, { 'retry-after': String(turn.retryAfterS), 'content-type': 'application/problem+json' });
    response.end(JSON.stringify({ code: turn.code }));
  });
  await new Promise<void>((resolve) => busy.listen(0, '127.0.0.1', resolve));
  const serverUrl = new URL(`http://127.0.0.1:${(busy.address() as AddressInfo).port}`);
  const client = { serverUrl, deviceId: DEVICE_ID, signer: createSigner(), connections: keptConnections(serverUrl) };
  const { agentOn } = device();
  const agent = agentOn(httpNetwork(client));
  try {
    let now = start;
    for (const { retryAfterS } of [...said, { retryAfterS: 3_600 }]) {
      const { nextWakeAt } = await agent.wake(now);
      assert.ok(
        nextWakeAt >= now + retryAfterS * 1_000,
        `${nextWakeAt - now} ms after ${retryAfterS} s were asked for`,
      );
      assert.ok(
        nextWakeAt <= now + retryAfterS * 1_000 + 16 * MINUTE_MS,
        'the jitter of the fourth fault in a row at most',
      );
      // Woken for something else in between, it leaves the server alone.
      const between = await agent.wake(fleetInstant(now + 1_000));
      assert.equal(between.sent, 0);
      now = nextWakeAt;
    }
    assert.deepEqual(
      asked,
      Array.from({ length: 4 }, () => '/v1/check-in'),
    );
  } finally {
    client.connections.destroy();
    busy.closeAllConnections();
    busy.close();
  }
});

test('somebody at the device makes it ask at once, whatever poll or back-off it waits for', async () => {
  const { agent, network } = device();
  network.isDown = true;
  await agent.wake(start);
  network.isDown = false;
  network.offered = { release: second, isRollback: false };
  const soon = fleetInstant(start + 1_000);
  await agent.wake(soon);
  assert.equal(agent.status()?.activeVersion, '1.0.0');
  await agent.checkInNow();
  await agent.wake(soon);
  assert.equal(agent.status()?.activeVersion, second.manifest.version);
});

test('a device that is called checks in within ten seconds, once a minute at most, and not before what it waits for after a fault', async () => {
  const { agent, network } = device();
  await agent.wake(start);
  assert.equal(network.checkIns.length, 1);
  const now = fleetInstant(start + 30 * MINUTE_MS);
  await agent.wake(now);
  await agent.heedCall(now);
  const { nextWakeAt } = await agent.wake(now);
  assert.ok(nextWakeAt > now && nextWakeAt <= now + 10_000, `${nextWakeAt - now} ms`);
  await agent.wake(nextWakeAt);
  const called = network.checkIns.length;
  // A server that calls without end is heard once a minute.
  for (let second = 11; second < 60; second++) {
    await agent.heedCall(fleetInstant(now + 11_000));
    await agent.wake(fleetInstant(now + second * 1_000));
  }
  assert.equal(network.checkIns.length, called);
  network.isDown = true;
  const later = fleetInstant(now + 2 * HOUR_MS);
  await agent.heedCall(later);
  const cut = await agent.wake(fleetInstant(later + 10_000));
  network.isDown = false;
  await agent.heedCall(fleetInstant(later + 11_000));
  await agent.wake(fleetInstant(later + 11_000));
  assert.equal(network.checkIns.length, called, 'the back-off holds');
  await agent.wake(fleetInstant(Math.max(cut.nextWakeAt, later + 200_000)));
  assert.equal(network.checkIns.length, called + 1);
});

test('every message of a device has a sequence number of its own, growing over restarts', async () => {
  const { agent, network, again } = device();
  network.offered = { release: second, isRollback: false };
  await agent.wake(start);
  await again().wake(fleetInstant(start + DAY_MS));
  const sequences = [...network.checkIns, ...network.permitRequests].map(({ sequence }) => sequence);
  sequences.push(...network.reports.keys());
  assert.equal(new Set(sequences).size, sequences.length);
  assert(Math.min(...network.checkIns.slice(1).map(({ sequence }) => sequence)) > 1);
});

test('a lost journal does not silence a device: its next messages are newer than all before', async () => {
  const { agent, network, disk, again } = device();
  await agent.wake(start);
  const before = network.checkIns.at(-1)?.sequence ?? 0;
  disk.journal = '{"schema":99}';
  await again().wake(fleetInstant(start + DAY_MS));
  assert((network.checkIns.at(-1)?.sequence ?? 0) > before + 1_000_000);
});

test('a simulated device that only hashes goes the same way', async () => {
  const storage = hashingStorage(first.content.components);
  const { agent, network } = device({ storage });
  network.offered = { release: second, isRollback: false };
  await agent.wake(start);
  assert.equal(agent.status()?.state, 'verified');
  network.offered = { release: second, isRollback: true };
  const before = network.downloadedBytes;
  await agent.wake(fleetInstant(start + DAY_MS));
  assert.equal(agent.status()?.activeVersion, '1.0.0');
  assert.equal(network.downloadedBytes, before);
});

function device(
  options: {
    readonly health?: HealthVerdict;
    readonly readyAt?: number;
    readonly storage?: ReturnType<typeof hashingStorage>;
    readonly disk?: MemoryDisk;
    readonly chooser?: ChooserState;
    /** The power goes right after the first arm. */
    readonly isCutAfterArm?: boolean;
    readonly signer?: Signer;
    readonly tpm?: Tpm;
  } = {},
) {
  const network = labNetwork(lab);
  const disk = options.disk ?? memoryDisk(first.images);
  const boot = memoryBoot(options.chooser ?? first.content);
  const cutBoot: Boot = {
    ...boot,
    async arm(...order) {
      await boot.arm(...order);
      throw new PowerCut('The power is gone');
    },
  };
  const storage = options.storage ?? memoryStorage(disk);
  const health = async (): Promise<HealthVerdict> => options.health ?? { isHealthy: true, detail: 'ok' };
  const agentOn = (way: Network) =>
    composeAgent({
      identity: { deviceId: DEVICE_ID, deviceType: LAB_DEVICE_TYPE, hardwareId: LAB_HARDWARE_ID },
      anchors: lab.anchors,
      verifier: lab.verifier,
      ...(options.signer && { signer: options.signer }),
      ...(options.tpm && { tpm: options.tpm }),
      network: way,
      storage,
      boot: options.isCutAfterArm ? cutBoot : boot,
      health: { check: health },
      readiness: {
        mayDownload: () => true,
        readyAt: (now) => fleetInstant(Math.max(now, options.readyAt ?? 0)),
      },
    });
  const again = () => agentOn(network);
  return { agent: again(), again, agentOn, network, disk, boot };
}
