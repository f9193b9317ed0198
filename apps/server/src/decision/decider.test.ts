// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StoreAwayError } from '@outrider/domain/decision/store-away';
import { fleetInstant, hours, MINUTE_MS } from '@outrider/domain/kernel/time';
import type { MetricGate, RolloutPlan } from '@outrider/domain/policy/rollout';
import type { ReleaseManifest } from '@outrider/domain/release/release';
import { parsePermitDocument } from '@outrider/protocol/gateway/permit';
import { memoryStore } from '@outrider/testkit/memory-store';
import { memoryBlobs } from '@outrider/testkit/memory-store/blobs';
import { composeServer } from '../compose.ts';
import {
  HARDWARE_IDS,
  manifestOf,
  planOf,
  type Rehearsal,
  rehearse,
  SOON,
  signed,
  startRollout,
} from '../rehearsal.ts';
import { type RehearsedDevice, rehearsedDevice, sendTo } from '../rehearsed-device.ts';

interface Stage extends Rehearsal {
  readonly newer: ReleaseManifest;
  readonly plan: RolloutPlan;
  readonly devices: readonly RehearsedDevice[];
}

/** A running rollout and a fleet that stands in its ring, so that each device may be treated at once. */
async function onStage(deviceCount: number, overrides: Partial<RolloutPlan> = {}): Promise<Stage> {
  const rehearsal = rehearse({ store: memoryStore(), blobs: memoryBlobs(), schedule: SOON });
  const { server } = rehearsal;
  const former = await manifestOf(server, '1.0.0');
  const newer = await manifestOf(server, '1.1.0', former);
  for (const manifest of [former, newer]) assert.ok((await server.releases.publish(signed(manifest))).ok);
  const devices = Array.from({ length: deviceCount }, (_, index) =>
    rehearsedDevice({
      deviceId: `camera-${index}`,
      hardwareId: HARDWARE_IDS[index % 2] ?? 'rev-a',
      tags: ['dogfood'],
      factory: former,
      isHealthy: () => true,
      send: sendTo(server),
    }),
  );
  for (const device of devices) await device.register();
  const plan = planOf(newer, overrides);
  await startRollout(server, plan);
  await rehearsal.step();
  return { ...rehearsal, newer, plan, devices };
}

async function reportAll(stage: Stage, event: 'reverted' | 'install-failed', count: number): Promise<void> {
  for (const device of stage.devices.slice(0, count)) {
    const offer = await device.checkIn();
    assert.ok(offer.kind === 'offer', JSON.stringify(offer));
    const answer = await device.askPermit(offer);
    assert.ok(answer.kind === 'permit', JSON.stringify(answer));
    const permit = parsePermitDocument(answer.permit.payload);
    assert.ok(permit.ok);
    await device.report(event, permit.value);
  }
}

async function viewOf({ server, plan }: Stage) {
  const view = await server.queries.showRollout(plan.rolloutId);
  assert.ok(view.ok);
  return view.value;
}

test('a halt does not wait for the ten minutes after which caps move', async () => {
  const stage = await onStage(10, { onHalt: 'stay' });
  await reportAll(stage, 'reverted', 4);
  const soon = await stage.server.step(fleetInstant(stage.now() + MINUTE_MS));
  assert.ok(soon.ok);
  const { rollout, decision } = await viewOf(stage);
  assert.equal(rollout.state, 'halted');
  assert.equal(decision?.overall.kind, 'halt');
  await stage.step();
  assert.equal((await viewOf(stage)).rollout.state, 'halted', 'the plan says that a person decides about the way back');
});

test('a halt during which the database went away comes a minute later, with its decision stored', async () => {
  for (const port of ['decisions', 'policyLog'] as const) {
    const stage = await onStage(10, { onHalt: 'stay' });
    await reportAll(stage, 'reverted', 4);
    const { store } = stage.ports;
    const failure = { isDue: true };
    const server = composeServer({ ...stage.ports, store: { ...store, [port]: failingOnce(store[port], failure) } });
    await assert.rejects(server.step(fleetInstant(stage.now() + MINUTE_MS)), StoreAwayError);
    assert.equal(failure.isDue, false, 'it failed while the halt was on its way');
    assert.ok((await server.step(fleetInstant(stage.now() + MINUTE_MS))).ok);
    const { rollout } = await viewOf({ ...stage, server });
    assert.equal(rollout.state, 'halted', port);
    const decisions = await stage.server.queries.listDecisions(stage.plan.rolloutId, { limit: 100 });
    assert.equal(decisions.at(-1)?.decision.overall.kind, 'halt');
  }
});

test('a server that died between a verdict and the halt halts as soon as it is back', async () => {
  const stage = await onStage(10, { onHalt: 'stay' });
  await reportAll(stage, 'reverted', 4);
  const { store } = stage.ports;
  const policyLog = failingOnce(store.policyLog, { isDue: true });
  const dying = composeServer({ ...stage.ports, store: { ...store, policyLog } });
  await assert.rejects(dying.step(fleetInstant(stage.now() + MINUTE_MS)), StoreAwayError);
  const second = composeServer(stage.ports);
  assert.ok((await second.step(fleetInstant(stage.now() + 1))).ok);
  assert.equal((await viewOf({ ...stage, server: second })).rollout.state, 'halted');
});

/** A port whose first write finds no database. */
function failingOnce<Port extends object>(port: Port, failure: { isDue: boolean }): Port {
  return new Proxy(port, {
    get(target, name) {
      const method: unknown = Reflect.get(target, name);
      if (!String(name).startsWith('append') || !failure.isDue) return method;
      return async () => {
        failure.isDue = false;
        throw new StoreAwayError('it was killed');
      };
    },
  });
}

test('a server that died between the halt and the rollback starts the rollback when it is back', async () => {
  const stage = await onStage(10);
  const { policy } = stage.server;
  const halt = { rolloutId: stage.plan.rolloutId, event: 'halt', reason: 'ln E over its threshold' } as const;
  assert.ok((await policy.changeRollout({ ...halt, author: 'decision' })).ok);
  const second = composeServer(stage.ports);
  await second.drain();
  const view = await second.queries.showRollout(stage.plan.rolloutId);
  assert.ok(view.ok);
  assert.equal(view.value.rollout.state, 'rolling-back');
});

test('a rollback that a person has paused is not taken up again by itself', async () => {
  const stage = await onStage(10);
  const { policy } = stage.server;
  const own = { rolloutId: stage.plan.rolloutId, reason: 'wait', author: 'ada' } as const;
  assert.ok((await policy.changeRollout({ ...own, event: 'roll-back' })).ok);
  const bare = await policy.changeRollout({ ...own, event: 'pause' });
  assert.equal(bare.ok ? undefined : bare.error.code, 'rollback-not-included');
  assert.ok((await policy.changeRollout({ ...own, event: 'pause', isIncludingRollback: true })).ok);
  await stage.step();
  assert.equal((await viewOf(stage)).rollout.state, 'halted');
});

test('failed installations pause, and counting them begins again when a person resumes', async () => {
  const stage = await onStage(10);
  await reportAll(stage, 'install-failed', 6);
  await stage.step();
  const paused = await viewOf(stage);
  assert.equal(paused.rollout.state, 'paused', paused.rollout.reason);
  const resume = {
    rolloutId: stage.plan.rolloutId,
    event: 'resume',
    reason: 'the store of the depot was full',
  } as const;
  assert.ok((await stage.server.policy.changeRollout({ ...resume, author: 'ada' })).ok);
  await stage.step();
  await stage.step();
  const { rollout, evidence } = await viewOf(stage);
  assert.equal(rollout.state, 'running', rollout.reason);
  assert.equal(
    evidence?.base.some((one) => one.metric === 'install' && one.events > 0),
    false,
  );
  const recount = await stage.server.recounts.ofRollout(stage.plan.rolloutId);
  assert.ok(recount.ok && recount.value.stored.installRestartedAt !== undefined);
  assert.deepEqual([recount.value.isEqual, recount.value.differences], [true, []], 'counted again from that signature');
});

test('a rule that fails holds with its error in sight, and never passes', async () => {
  const broken = { kind: 'base', metric: 'revert', weight: 1, baseRate: 0.4, windowMs: 3_600_000, onCross: 'halt' };
  const gates = { alpha: 0.01, profile: 'standard', metrics: [broken as MetricGate] } as const;
  const stage = await onStage(4, { gates });
  const { store } = stage.ports;
  const exposure = await store.exposures.loadExposure(stage.plan.rolloutId);
  const failing = composeServer({
    ...stage.ports,
    store: {
      ...store,
      // An exposure that no rule can have made: the domain asserts against it.
      exposures: { ...store.exposures, loadExposure: async () => ({ ...exposure, segments: null }) as never },
    },
  });
  const next = await failing.step(fleetInstant(stage.now() + 10 * MINUTE_MS));
  assert.ok(next.ok);
  assert.ok(stage.logged.some((one) => one.code === 'decision-failed'));
  const view = await viewOf(stage);
  assert.equal(view.rollout.state, 'running');
  assert.equal(view.exposure?.cap, exposure?.cap);
});

test('a decision is stored with its inputs when something was heard, and not for nothing', async () => {
  const stage = await onStage(10);
  const page = { limit: 100 };
  const before = await stage.server.queries.listDecisions(stage.plan.rolloutId, page);
  for (let steps = 0; steps < 5; steps++) await stage.step();
  assert.equal((await stage.server.queries.listDecisions(stage.plan.rolloutId, page)).length, before.length);
  await reportAll(stage, 'reverted', 1);
  await stage.step();
  const after = await stage.server.queries.listDecisions(stage.plan.rolloutId, page);
  assert.equal(after.length, before.length + 1);
  assert.equal(after.at(-1)?.input.evidence.base.find((one) => one.metric === 'revert')?.events, 1);
});

test('a completed rollout is decided about when something is heard of it, and not as time goes by', async () => {
  const waves = [{ name: 'everyone', ringTags: [], exposurePermille: 1_000, bakeMs: hours(0) }];
  const stage = await onStage(4, { waves });
  assert.equal((await viewOf(stage)).rollout.state, 'completed');
  const decided = () => stage.server.recorder.counters.read().decision?.complete ?? 0;
  await stage.step();
  const before = decided();
  for (let steps = 0; steps < 5; steps++) await stage.step();
  assert.equal(decided(), before);
  await reportAll(stage, 'reverted', 1);
  await stage.step();
  assert.ok(decided() > before);
});
