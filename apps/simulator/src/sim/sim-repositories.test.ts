// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { steppedClock } from '@outrider/adapters/shared/clock';
import { digestText } from '@outrider/adapters/shared/digest';
import type { ReleaseCounter, RolloutId } from '@outrider/domain/kernel/ids';
import { ok } from '@outrider/domain/kernel/result';
import { after, DAY_MS, durationMs, HOUR_MS, hours } from '@outrider/domain/kernel/time';
import type { MetadataSource } from '@outrider/domain/trust/tuf/ports';
import { encodeCheckIn, parseCheckInAnswer } from '@outrider/protocol/gateway/check-in';
import { DEVICE_HEADER, requestText, SIGNATURE_HEADER } from '@outrider/protocol/gateway/request-signature';
import { metadataReader } from '@outrider/protocol/trust/tuf/read-metadata';
import { nearbyCache } from '../fleet/nearby-cache.ts';
import { rememberedTools } from '../fleet/remembered-tools.ts';
import { planOf, startRollout } from '../play/play-rollout.ts';
import { planFleet } from '../product/fleet-plan.ts';
import { COMPONENT, releaseIdOf } from '../product/signed-release.ts';
import { directControlPlane } from './direct-control-plane.ts';
import { eventLog } from './event-log.ts';
import { profileOf } from './faults/profile.ts';
import { caseOf } from './search/draw-case.ts';
import { simDevice } from './sim-device.ts';
import { GOOD_VERSION } from './sim-products.ts';
import { createSimWorld, START } from './sim-world.ts';

function world() {
  const simCase = caseOf({ seed: '7', deviceCount: 1, daysMax: 1, gatewayCount: 1, profile: profileOf('none') });
  return createSimWorld({ simCase, signatures: 'quick', log: eventLog({ sink: () => {} }), warn: () => {} });
}

test('the servers of a simulation take in nothing that no model role vouches for, and a device pins the roots', async () => {
  const sim = await world();
  const { first } = sim.products;
  const controlPlane = directControlPlane(sim.console);
  const release = await sim.house.sign(first.product, undefined, START);
  await assert.rejects(controlPlane.publish({ ...release, targets: '{}' }, [first.image]), /release-unvouched/);
  await controlPlane.publish(release, [first.image]);
  const [planned] = planFleet({ seed: '7', deviceType: 'camera', count: 1 });
  assert.ok(planned !== undefined);
  const { version, releaseCounter, image } = first.product;
  const anchors = await sim.register(sim.keys.signerOf('device/one'), {
    ...{ token: sim.registrationToken, ...planned },
    running: {
      version,
      releaseCounter: releaseCounter as never,
      components: [{ name: COMPONENT, digest: image.digest }],
    },
  });
  assert.match(anchors.roots?.director ?? '', /"_type":"root"/);
  await sim.console.close();
});

test('an offer carries the word of the director by whichever way a check-in is answered', async () => {
  const sim = await world();
  const { first, good } = sim.products;
  const controlPlane = directControlPlane(sim.console);
  await controlPlane.publish(await sim.house.sign(first.product, undefined, START), [first.image]);
  const signer = sim.keys.signerOf('device/one');
  const [planned] = planFleet({ seed: '7', deviceType: 'camera', count: 1 });
  assert.ok(planned !== undefined);
  const { version, releaseCounter, image } = first.product;
  const running = {
    ...{ version, releaseCounter: releaseCounter as never },
    components: [{ name: COMPONENT, digest: image.digest }],
  };
  await sim.register(signer, { token: sim.registrationToken, ...planned, running });
  await controlPlane.publish(await sim.house.sign(good.product, first.product, START), [good.image]);
  const releaseId = releaseIdOf('camera', GOOD_VERSION);
  const plan = planOf({ rolloutId: 'to-good' as never, releaseId, deviceType: 'camera', salt: 'salt-of-a-test' });
  await startRollout(controlPlane, {
    ...plan,
    waves: [{ name: 'all', ringTags: [], exposurePermille: 1_000, bakeMs: hours(0) }],
  });
  await controlPlane.step(after(START, HOUR_MS));
  const { deviceId } = planned;
  const checkIn = (sequence: number) => {
    const request = {
      ...({ method: 'POST', path: '/v1/check-in' } as const),
      body: encodeCheckIn({ deviceId, sequence, running, state: 'idle' }),
    };
    const signature = signer.sign(requestText(request)).signature;
    const headers = { 'content-type': 'application/json', [DEVICE_HEADER]: deviceId, [SIGNATURE_HEADER]: signature };
    return { ...request, headers };
  };
  const slow = await sim.console.handleDevice(checkIn(1));
  const quick = await sim.console.handleDeviceAtOnce(checkIn(2));
  for (const answer of [slow, quick]) {
    const read = parseCheckInAnswer(String(answer?.body));
    assert.ok(read.ok && read.value.kind === 'offer', String(answer?.body));
    assert.match(read.value.director ?? '', /"x-outrider-device":"camera-000000"/);
  }
  await sim.console.close();
});

for (const kind of ['none', 'security', 'migration'] as const) {
  test(`a rollback with ${kind === 'none' ? 'no' : `a ${kind}`} floor above its bytes is ${kind === 'none' ? 'offered and taken' : 'never offered'}`, async () => {
    const sim = await world();
    const { first, good } = sim.products;
    const controlPlane = directControlPlane(sim.console);
    await controlPlane.publish(await sim.house.sign(first.product, undefined, START), [first.image]);
    const [planned] = planFleet({ seed: '7', deviceType: 'camera', count: 1 });
    assert.ok(planned !== undefined);
    const { agent } = await simDevice(0, planned, sim);
    let now = START;
    async function pass(steps: number): Promise<void> {
      for (let step = 0; step < steps; step++) {
        now = after(now, HOUR_MS);
        sim.clock.stepTo(now);
        await sim.gateways.each((server) => server.step(now));
        await agent.checkInNow();
        await agent.wake(now);
      }
    }
    await agent.wake(now);
    const floors = kind === 'none' ? undefined : { [kind]: good.product.releaseCounter as ReleaseCounter };
    const release = await sim.house.sign(good.product, first.product, now, floors);
    await controlPlane.publish(release, [good.image]);
    const rolloutId = 'to-good' as RolloutId;
    const plan = planOf({
      rolloutId,
      releaseId: releaseIdOf('camera', GOOD_VERSION),
      deviceType: 'camera',
      salt: 'salt-of-a-test',
    });
    await startRollout(controlPlane, {
      ...plan,
      waves: [{ name: 'all', ringTags: [], exposurePermille: 1_000, bakeMs: hours(0) }],
    });
    for (let day = 0; day < 10 && agent.status()?.activeVersion !== GOOD_VERSION; day++) await pass(24);
    assert.equal(agent.status()?.activeVersion, GOOD_VERSION);
    await pass(4);
    await controlPlane.changeRollout(rolloutId, 'halt', 'a bad feeling');
    await controlPlane.changeRollout(rolloutId, 'roll-back', 'a bad feeling');
    await pass(24);
    const { activeVersion, reason } = agent.status() ?? {};
    if (kind === 'none') assert.equal(activeVersion, '1.0.0');
    else assert.deepEqual([activeVersion, reason], [GOOD_VERSION, 'way-back-barred']);
    await sim.console.close();
  });
}

test('a house signs roots and delegations again before they lapse, and a model that lapsed holds up no other', async () => {
  const sim = await world();
  const { first } = sim.products;
  const controlPlane = directControlPlane(sim.console);
  await controlPlane.publish(await sim.house.sign(first.product, undefined, START), [first.image]);
  const late = after(START, durationMs(200 * DAY_MS));
  await sim.house.settle(late);
  await sim.console.step(late);
  const other = { ...first.product, deviceType: 'truck' };
  await controlPlane.publish(await sim.house.sign(other, undefined, late), [first.image]);
  const root = await sim.documents.fetchMetadata('image/2.root.json', 1_000_000);
  assert.ok(root.ok && root.value !== undefined);
  const read = metadataReader.root(root.value);
  assert.ok(read.ok && read.value.signed.expiresAt > after(late, durationMs(300 * DAY_MS)));
  await sim.console.close();
});

test('the cache near the devices keeps what never changes, and asks for all else once in a step', async () => {
  const asked: string[] = [];
  const clock = steppedClock(START);
  const source: MetadataSource = {
    async fetchMetadata(name) {
      asked.push(name);
      return ok(name === 'image/9.root.json' ? undefined : name);
    },
  };
  const cache = nearbyCache(source, clock);
  const all = ['image/timestamp.json', 'image/1.root.json', 'image/9.root.json'];
  const ask = () => Promise.all([...all, ...all].map((name) => cache.fetchMetadata(name, 100)));
  await ask();
  await ask();
  assert.deepEqual(asked.splice(0).sort(), [...all].sort());
  clock.stepTo(after(START, durationMs(1)));
  await ask();
  assert.deepEqual(asked.sort(), ['image/9.root.json', 'image/timestamp.json']);
});

test('what one device has verified is not verified again, and what is bad is not remembered', () => {
  let verified = 0;
  const tools = rememberedTools({
    verifier: { verify: (_key, message) => ++verified > 0 && message === 'good' },
    digest: (_algorithm, text) => digestText(text),
    read: metadataReader,
  });
  const key = { keyType: 'ed25519', scheme: 'ed25519', publicKey: 'aa' };
  assert.deepEqual(
    [1, 2].map(() => tools.verifier.verify(key, 'good', 'bb')),
    [true, true],
  );
  assert.equal(verified, 1);
  assert.equal(tools.verifier.verify({ ...key, publicKey: 'cc' }, 'bad', 'bb'), false);
  assert.equal(tools.verifier.verify(key, 'bad', 'bb'), false);
  assert.equal(verified, 3);
  assert.equal(tools.read.root('{').ok, false);
});
