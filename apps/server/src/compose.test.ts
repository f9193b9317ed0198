// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ServerStore } from '@outrider/domain/decision/server-store';
import { StoreAwayError } from '@outrider/domain/decision/store-away';
import type { PermitDocument } from '@outrider/domain/gateway/permit';
import { present } from '@outrider/domain/kernel/assert';
import { DAY_MS, HOUR_MS } from '@outrider/domain/kernel/time';
import type { ReleaseManifest } from '@outrider/domain/release/release';
import { encodePermitRequest, parsePermitAnswer, parsePermitDocument } from '@outrider/protocol/gateway/permit';
import { memoryStore } from '@outrider/testkit/memory-store';
import { memoryBlobs } from '@outrider/testkit/memory-store/blobs';
import {
  BUILD,
  HARDWARE_IDS,
  manifestOf,
  planOf,
  type Rehearsal,
  rehearse,
  SOON,
  signed,
  startRollout,
} from './rehearsal.ts';
import { type RehearsedDevice, rehearsedDevice } from './rehearsed-device.ts';

interface Stage extends Rehearsal {
  readonly former: ReleaseManifest;
  readonly newer: ReleaseManifest;
  readonly devices: readonly RehearsedDevice[];
}

/** A server with releases 1.0.0 and 1.1.0, and a registered fleet that runs the former. */
async function onStage(
  deviceCount: number,
  options: {
    readonly store?: ServerStore;
    readonly isHealthy?: (version: string, hardwareId: string) => boolean;
    readonly tags?: readonly string[];
  } = {},
): Promise<Stage> {
  const { store = memoryStore(), isHealthy = () => true, tags = [] } = options;
  const rehearsal = rehearse({ store, blobs: memoryBlobs(), schedule: SOON });
  const { server } = rehearsal;
  const former = await manifestOf(server, '1.0.0');
  assert.ok((await server.releases.publish(signed(former))).ok);
  const devices = Array.from({ length: deviceCount }, (_, index) => {
    const hardwareId = HARDWARE_IDS[index % 8 === 0 ? 2 : index % 2] ?? 'rev-a';
    return rehearsedDevice({
      deviceId: `camera-${index}`,
      hardwareId,
      factory: former,
      tags,
      isHealthy: (version) => isHealthy(version, hardwareId),
      async send(request) {
        const { status, body } = await server.handleDevice(request);
        assert.equal(typeof body, 'string');
        return { status, body: String(body) };
      },
    });
  });
  for (const answer of await Promise.all(devices.map((device) => device.register()))) assert.equal(answer.status, 201);
  const newer = await manifestOf(server, '1.1.0', former);
  const published = await server.releases.publish(signed(newer));
  assert.ok(published.ok, JSON.stringify(published));
  return { ...rehearsal, former, newer, devices };
}

/** Plays ten-minute steps until it is done, or the days are over. */
async function play(stage: Stage, daysMax: number, isDone: () => Promise<boolean>): Promise<number> {
  const began = stage.now();
  while (stage.now() - began < daysMax * DAY_MS) {
    await stage.step();
    const now = stage.now();
    for (const device of stage.devices) if (device.wakesAt() <= now) await device.wake(now);
    if (await isDone()) break;
  }
  return (stage.now() - began) / HOUR_MS;
}

async function stateOf({ server }: Stage, manifest: ReleaseManifest): Promise<string> {
  const view = await server.queries.showRollout(planOf(manifest).rolloutId);
  assert.ok(view.ok);
  return view.value.rollout.state;
}

test('a good release reaches the whole fleet by itself, in waves that evidence opens', async () => {
  const stage = await onStage(120);
  await startRollout(stage.server, planOf(stage.newer));
  const isEverywhere = () => stage.devices.every((device) => device.running().version === '1.1.0');
  const hours = await play(
    stage,
    25,
    async () => isEverywhere() && (await stateOf(stage, stage.newer)) === 'completed',
  );
  assert.ok(isEverywhere(), `${stage.devices.filter((one) => one.running().version !== '1.1.0').length} are left`);
  assert.ok(hours > 24, `it took ${hours} hours`);
  assert.equal(await stateOf(stage, stage.newer), 'completed');
  assert.deepEqual(
    stage.logged.filter((one) => one.code === 'decision-failed'),
    [],
  );
});

test('a release that fails on one hardware revision is halted, and the exposed are taken back by its twin', async () => {
  const stage = await onStage(240, {
    isHealthy: (version, hardwareId) => version !== '1.1.0' || hardwareId !== 'rev-c',
  });
  const plan = planOf(stage.newer);
  await startRollout(stage.server, plan);
  await play(stage, 20, async () => (await stateOf(stage, stage.newer)) === 'rolled-back');

  assert.equal(await stateOf(stage, stage.newer), 'rolled-back');
  const harmed = stage.devices.filter((device) => device.wasHarmed()).length;
  assert.ok(harmed >= 1 && harmed <= 15, `${harmed} were harmed`);
  for (const device of stage.devices) assert.equal(device.running().version, '1.0.0');
  const view = await stage.server.queries.showRollout(plan.rolloutId);
  assert.ok(view.ok);
  assert.deepEqual(view.value.rollout.haltedSegments, ['rev-c']);
  const entries = await stage.server.queries.listPolicyEntries(0 as never);
  const byRule = entries
    .filter((entry) => entry.author === 'decision')
    .map(({ change }) => ('event' in change ? change.event : change.kind));
  assert.deepEqual(byRule, ['segment-halted', 'halt', 'roll-back', 'rolled-back']);
});

test('once a pause has returned there is no permit any more, and the receipt names those who hold one', async () => {
  const stage = await onStage(40, { tags: ['dogfood'] });
  const plan = planOf(stage.newer);
  await startRollout(stage.server, plan);
  await stage.step();
  const [holder, other] = stage.devices;
  assert.ok(holder !== undefined && other !== undefined);
  const permit = await permitFor(holder);
  const pause = { rolloutId: plan.rolloutId, event: 'pause', reason: 'a bad smell', author: 'ada' } as const;
  const offer = await other.checkIn();
  assert.ok(offer.kind === 'offer');
  const [receipt, late] = await Promise.all([
    stage.server.policy.changeRollout(pause),
    stage.server.policy.changeRollout(pause).then(() => other.askPermit(offer)),
  ]);
  assert.ok(receipt.ok);
  assert.deepEqual(
    receipt.value.openPermits?.map((one) => one.permitId),
    [permit.permitId],
  );
  assert.equal(late.kind === 'not-yet' ? late.code : 'permit', 'rollout-not-running');
  const refused = await other.checkIn();
  assert.equal(refused.kind === 'refusal' ? refused.code : 'offer', 'rollout-not-running');

  const resumed = await stage.server.policy.changeRollout({ ...pause, event: 'resume' });
  assert.ok(resumed.ok);
  await permitFor(other);
});

test('a report that is sent twice counts once', async () => {
  const stage = await onStage(20, { tags: ['dogfood'] });
  const plan = planOf(stage.newer);
  await startRollout(stage.server, plan);
  await stage.step();
  const [device] = stage.devices;
  assert.ok(device !== undefined);
  const permit = await permitFor(device);
  assert.equal(await device.report('verified', permit), 'counted');
  assert.equal(await device.report('verified', permit, device.lastSequence()), 'duplicate');
  await stage.step();
  const view = await stage.server.queries.showRollout(plan.rolloutId);
  assert.ok(view.ok);
  const reverts = view.value.evidence?.base.filter((one) => one.metric === 'revert');
  assert.deepEqual(
    reverts?.map((one) => [one.open, one.confirmed]),
    [[1, 1]],
  );
});

test('a device asks again after a lost answer and gets the same permit, not a second place under the cap', async () => {
  const stage = await onStage(20, { tags: ['dogfood'] });
  const plan = planOf(stage.newer);
  await startRollout(stage.server, plan);
  await stage.step();
  const [device] = stage.devices;
  assert.ok(device !== undefined);
  const first = await permitFor(device);
  const again = await permitFor(device);
  assert.equal(again.permitId, first.permitId);
  const view = await stage.server.queries.showRollout(plan.rolloutId);
  assert.ok(view.ok);
  assert.equal(view.value.exposure?.granted, 1);
});

test('a recorded permit request that is played again enrols nobody', async () => {
  const stage = await onStage(20, { tags: ['dogfood'] });
  const plan = planOf(stage.newer);
  const [device] = stage.devices;
  assert.ok(device !== undefined);
  const { deviceId } = device;
  const { rolloutId, releaseId } = plan;
  const recorded = device.signedRequest(
    '/v1/permit',
    encodePermitRequest({ deviceId, sequence: 1, rolloutId, releaseId, isRollback: false }),
  );
  await device.checkIn();
  await device.checkIn();
  await startRollout(stage.server, plan);
  await stage.step();
  const played = await stage.server.handleDevice(recorded);
  const answer = parsePermitAnswer(String(played.body));
  assert.equal(answer.ok && answer.value.kind === 'not-yet' && answer.value.code, 'no-offer');
  const view = await stage.server.queries.showRollout(rolloutId);
  assert.ok(view.ok);
  assert.equal(view.value.exposure?.granted, 0);
});

test('while the database is away check-ins are answered, permits wait, and reports are kept by the device', async () => {
  let isAway = false;
  const stage = await onStage(10, { tags: ['dogfood'], store: withOutages(memoryStore(), () => isAway) });
  await startRollout(stage.server, planOf(stage.newer));
  await stage.step();
  const [device] = stage.devices;
  assert.ok(device !== undefined);
  const permit = await permitFor(device);
  isAway = true;
  const offer = await device.checkIn();
  assert.ok(offer.kind === 'offer', 'the policy was read less than three seconds ago');
  const answer = await device.askPermit(offer);
  assert.equal(answer.kind === 'not-yet' ? answer.code : 'permit', 'store-away');
  await assert.rejects(device.report('verified', permit), /got 503 .*store-away/);
  const receipt = stage.server.policy.pauseScope({ scope: 'global', reason: 'stop', author: 'ada' });
  await assert.rejects(receipt, StoreAwayError);
  isAway = false;
  assert.equal(await device.report('verified', permit), 'counted');
});

test('a change made from an older revision is refused, and says which one holds', async () => {
  const { server, newer } = await onStage(1);
  const created = await server.policy.createRollout({ plan: planOf(newer), author: 'ada' });
  assert.ok(created.ok);
  const approve = { rolloutId: planOf(newer).rolloutId, event: 'approve', reason: 'seen', author: 'ada' } as const;
  const stale = await server.policy.changeRollout({ ...approve, expectedRevision: 0 as never });
  assert.equal(stale.ok ? undefined : stale.error.code, 'revision-stale');
  const both = await Promise.all([server.policy.changeRollout(approve), server.policy.changeRollout(approve)]);
  assert.ok(
    both.every((one) => one.ok),
    'without an expected revision a lost race is run again',
  );
});

test('a release that one group alone has signed is not published', async () => {
  const { server, newer } = await onStage(1);
  const next = await manifestOf(server, '1.2.0', newer);
  const published = await server.releases.publish(signed(next, [BUILD]));
  assert.ok(!published.ok);
  assert.equal(published.error.code, 'threshold-not-met');
  assert.match(published.error.detail, /Validly signed by build, needed are 2/);
});

test('a release whose image has not been uploaded is not published', async () => {
  const { server, newer } = await onStage(1);
  const next = await manifestOf(server, '1.2.0', newer);
  const [component] = next.components;
  assert.ok(component !== undefined);
  const digest = '0'.repeat(64) as typeof component.image.digest;
  const missing = { ...next, components: [{ ...component, image: { ...component.image, digest } }] };
  const published = await server.releases.publish(signed(missing));
  assert.equal(published.ok ? undefined : published.error.code, 'image-missing');
});

test('publishing makes the deltas from what the field runs, and the way back', async () => {
  const { server, former, newer } = await onStage(3);
  const shown = await server.queries.showRelease(newer.releaseId);
  assert.ok(shown.ok);
  const [from, to] = [former, newer].map((one) => one.components[0]?.image.digest);
  const pairs = shown.value.deltas.map((delta) => [delta.fromDigest, delta.toDigest]);
  assert.deepEqual(
    pairs.sort(),
    [
      [from, to],
      [to, from],
    ].sort(),
  );
  assert.ok(shown.value.deltas.every((delta) => delta.bytes < 1_000));
});

test('a message that is not signed by its device is refused by name', async () => {
  const { server, devices } = await onStage(2);
  const [one, other] = devices;
  assert.ok(one !== undefined && other !== undefined);
  const request = one.signedRequest('/v1/check-in', '{"deviceId":"camera-0"}');
  const cases: readonly (readonly [Parameters<typeof server.handleDevice>[0], number, string])[] = [
    [{ ...request, body: `${request.body} ` }, 401, 'signature-invalid'],
    [{ ...request, headers: { ...request.headers, 'outrider-device': 'camera-1' } }, 401, 'signature-invalid'],
    [{ ...request, headers: { ...request.headers, 'outrider-device': 'camera-9' } }, 401, 'device-unknown'],
    [{ ...request, headers: { ...request.headers, 'outrider-signature': 'short' } }, 400, 'body-malformed'],
    [{ ...request, headers: { ...request.headers, 'content-type': 'text/plain' } }, 415, 'media-type-unsupported'],
    [{ ...request, method: 'GET' }, 405, 'method-not-allowed'],
    [{ ...request, path: '/v1/nothing' }, 404, 'route-unknown'],
    [request, 400, 'body-malformed'],
  ];
  for (const [altered, status, code] of cases) {
    const answer = await server.handleDevice(altered);
    assert.equal(answer.status, status, String(answer.body));
    assert.match(String(answer.body), new RegExp(`"code":"${code}"`));
  }
});

test('a device that was cut off fetches the rest of an image, and a cache may keep it for good', async () => {
  const { server, devices, newer } = await onStage(1);
  const image = newer.components[0]?.image;
  assert.ok(image !== undefined);
  const path = `/blobs/${image.digest}`;
  const get = (headers: Readonly<Record<string, string>>) =>
    server.handleDevice(present(devices[0], 'a device').signedGet(path, headers));
  const part = await get({ range: 'bytes=3000-' });
  assert.equal(part.status, 206);
  assert.equal(part.headers['content-range'], `bytes 3000-3099/3100`);
  assert.equal(part.headers['content-length'], '100');
  assert.equal(part.headers['cache-control'], 'public, max-age=31536000, immutable');
  const behind = await get({ range: 'bytes=3100-' });
  assert.equal(behind.status, 416);
  assert.equal(behind.headers['content-range'], 'bytes */3100');
  const held = await get({ 'if-none-match': `"${image.digest}"` });
  assert.equal(held.status, 304);
  const head = await server.handleDevice({ method: 'HEAD', path, headers: {}, body: '' });
  assert.deepEqual([head.status, head.headers['content-length'], head.body], [200, '3100', '']);
});

test('bytes of an image go to registered devices only', async () => {
  const { server, devices, newer } = await onStage(1);
  const path = `/blobs/${present(newer.components[0], 'a component').image.digest}`;
  const asked = present(devices[0], 'a device').signedGet(path);
  const unsigned = await server.handleDevice({ ...asked, headers: {} });
  assert.equal(unsigned.status, 400);
  const borrowed = await server.handleDevice({ ...asked, path: `${path}?again` });
  assert.equal(borrowed.status, 401);
  assert.match(String(borrowed.body), /"code":"signature-invalid"/);
  const stranger = await server.handleDevice({ ...asked, headers: { ...asked.headers, 'outrider-device': 'nobody' } });
  assert.equal(stranger.status, 401);
});

async function permitFor(device: RehearsedDevice): Promise<PermitDocument> {
  const offer = await device.checkIn();
  assert.ok(offer.kind === 'offer', JSON.stringify(offer));
  const answer = await device.askPermit(offer);
  assert.ok(answer.kind === 'permit', JSON.stringify(answer));
  const document = parsePermitDocument(answer.permit.payload);
  assert.ok(document.ok);
  return document.value;
}

/** The same store, which throws as a database that cannot be reached while it is away. */
function withOutages(store: ServerStore, isAway: () => boolean): ServerStore {
  function guarded<T extends object>(port: T): T {
    return new Proxy(port, {
      get(target, name, receiver) {
        const method: unknown = Reflect.get(target, name, receiver);
        if (typeof method !== 'function') return method;
        return (...parameters: unknown[]) =>
          isAway() ? Promise.reject(new StoreAwayError('cable pulled')) : method.apply(target, parameters);
      },
    });
  }
  return {
    ...store,
    registry: guarded(store.registry),
    ledger: guarded(store.ledger),
    reports: guarded(store.reports),
    policyLog: guarded(store.policyLog),
    exposures: guarded(store.exposures),
  };
}
