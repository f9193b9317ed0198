// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { replayDecision } from '@outrider/domain/decision/replay';
import type { Epoch, ReleaseId, Revision } from '@outrider/domain/kernel/ids';
import { fleetInstant, MINUTE_MS } from '@outrider/domain/kernel/time';
import { APPROVAL_TYPE, type ApprovalDocument } from '@outrider/domain/policy/approval';
import type { RolloutPlan } from '@outrider/domain/policy/rollout';
import type { ReleaseManifest } from '@outrider/domain/release/release';
import { type Envelope, preAuthenticationEncoding } from '@outrider/domain/trust/envelope';
import type { Signer } from '@outrider/domain/trust/ports';
import { parsePermitDocument } from '@outrider/protocol/gateway/permit';
import { encodeApproval } from '@outrider/protocol/policy/approval';
import { memoryStore } from '@outrider/testkit/memory-store';
import { memoryBlobs } from '@outrider/testkit/memory-store/blobs';
import { composeServer, type Server } from '../compose.ts';
import { HARDWARE_IDS, manifestOf, planOf, rehearse, SOON, signed, signerOf, startRollout } from '../rehearsal.ts';
import { type RehearsedDevice, rehearsedDevice, sendTo } from '../rehearsed-device.ts';

const SAFETY = signerOf('safety');
const OPERATIONS = signerOf('operations');

interface Stage {
  readonly server: Server;
  readonly plan: RolloutPlan;
  readonly newer: ReleaseManifest;
  readonly devices: readonly RehearsedDevice[];
  step(): Promise<void>;
  next(): Promise<ReleaseManifest>;
}

/** A rollout in its ring, whose plan declares that four in ten fall back, and whose approvers are two groups. */
async function onStage(deviceCount: number): Promise<Stage> {
  const rehearsal = rehearse({ store: memoryStore(), blobs: memoryBlobs(), schedule: SOON });
  const groups = [
    { name: 'safety', keys: [SAFETY.publicKey] },
    { name: 'operations', keys: [OPERATIONS.publicKey] },
  ];
  const server = composeServer({ ...rehearsal.ports, loadApproverRole: async () => ({ threshold: 2, groups }) });
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
  const plan = lenient(planOf(newer));
  await startRollout(server, plan, [SAFETY, OPERATIONS]);
  return {
    ...{ server, plan, newer, devices },
    async step() {
      const next = fleetInstant(server.queries.status().fleetTime + 10 * MINUTE_MS);
      assert.ok((await server.step(next)).ok);
      // The caps that were just decided are read before the next device asks.
      await server.queries.listRollouts();
    },
    async next() {
      const later = await manifestOf(server, '1.2.0', newer);
      assert.ok((await server.releases.publish(signed(later))).ok);
      return later;
    },
  };
}

function lenient(plan: RolloutPlan): RolloutPlan {
  const metrics = plan.gates.metrics.map((gate) => (gate.kind === 'base' ? { ...gate, baseRate: 0.4 } : gate));
  return { ...plan, gates: { ...plan.gates, metrics } };
}

/** Devices ask for their permits and tell how it ended; answers how many were permitted. */
async function install(stage: Stage, from: number, reverted: number): Promise<number> {
  let permitted = 0;
  for (const device of stage.devices.slice(from)) {
    const offer = await device.checkIn();
    if (offer.kind !== 'offer') continue;
    const answer = await device.askPermit(offer);
    if (answer.kind !== 'permit') continue;
    const permit = parsePermitDocument(answer.permit.payload);
    assert.ok(permit.ok);
    await device.report(permitted < reverted ? 'reverted' : 'verified', permit.value);
    permitted += 1;
  }
  return permitted;
}

async function viewOf({ server, plan }: Stage) {
  const view = await server.queries.showRollout(plan.rolloutId);
  assert.ok(view.ok);
  return view.value;
}

async function approvalOf(stage: Stage, signers: readonly Signer[], change: Partial<ApprovalDocument> = {}) {
  const { rollout } = await viewOf(stage);
  const payload = encodeApproval({
    schema: 1,
    action: 'complete',
    rolloutId: rollout.plan.rolloutId,
    releaseId: rollout.plan.releaseId,
    epoch: rollout.epoch,
    reason: 'Seen by all who must',
    ...change,
  });
  const message = preAuthenticationEncoding(APPROVAL_TYPE, payload);
  const approval: Envelope = {
    payloadType: APPROVAL_TYPE,
    payload,
    signatures: signers.map((one) => one.sign(message)),
  };
  return { rolloutId: rollout.plan.rolloutId, approval, author: 'ada' };
}

test('a ceiling of a person admits no device beyond it, is said in the decision, and never takes back what was granted', async () => {
  const stage = await onStage(40);
  const { rolloutId } = stage.plan;
  assert.equal(await install(stage, 0, 0), 10);
  const limited = await stage.server.policy.limitRollout({
    rolloutId,
    devices: 12,
    reason: 'Few are in',
    author: 'ada',
  });
  assert.ok(limited.ok);
  await stage.step();
  assert.equal(await install(stage, 10, 0), 2);
  await stage.step();
  const held = await viewOf(stage);
  assert.match(held.decision?.overall.reason ?? '', /the operator allows 12 devices/);
  assert.equal(held.decision?.overall.kind, 'hold');
  assert.deepEqual([held.exposure?.granted, held.rollout.limitDevices], [12, 12]);
  assert.ok((await stage.server.policy.limitRollout({ rolloutId, devices: 3, reason: 'Fewer', author: 'ada' })).ok);
  await stage.step();
  assert.equal((await viewOf(stage)).exposure?.granted, 12);
  assert.ok((await stage.server.policy.limitRollout({ rolloutId, reason: 'All are back', author: 'ada' })).ok);
  await stage.step();
  assert.ok((await install(stage, 12, 0)) > 0);
  const again = await stage.server.policy.limitRollout({ rolloutId, reason: 'Once more', author: 'ada' });
  assert.equal(!again.ok && again.error.code, 'limit-absent');
});

test('approvers complete a rollout only by enough signatures over this rollout in this epoch', async () => {
  const stage = await onStage(40);
  const { policy } = stage.server;
  await install(stage, 0, 0);
  await stage.step();
  const codeOf = async (signers: readonly Signer[], change: Partial<ApprovalDocument> = {}) => {
    const completed = await policy.completeRollout(await approvalOf(stage, signers, change));
    return completed.ok ? 'completed' : completed.error.code;
  };
  assert.equal(await codeOf([SAFETY]), 'threshold-not-met');
  assert.equal(await codeOf([SAFETY, SAFETY]), 'threshold-not-met');
  assert.equal(await codeOf([SAFETY, signerOf('a stranger')]), 'threshold-not-met');
  assert.equal(await codeOf([SAFETY, OPERATIONS], { epoch: 7 as Epoch }), 'approval-invalid');
  assert.equal(await codeOf([SAFETY, OPERATIONS], { releaseId: 'camera-9' as ReleaseId }), 'approval-invalid');
  const { rolloutId } = stage.plan;
  assert.ok((await policy.limitRollout({ rolloutId, devices: 12, reason: 'Few are in', author: 'ada' })).ok);
  assert.equal(await codeOf([SAFETY, OPERATIONS]), 'limit-in-force');
  assert.ok((await policy.limitRollout({ rolloutId, reason: 'All are back', author: 'ada' })).ok);
  assert.equal(await codeOf([SAFETY, OPERATIONS]), 'completed');

  const { rollout, exposure } = await viewOf(stage);
  assert.deepEqual([rollout.state, rollout.reason], ['completed', 'Seen by all who must']);
  assert.deepEqual([exposure?.isComplete, exposure?.pi], [true, 1]);
  assert.equal(await install(stage, 10, 0), 30);
  await stage.step();
  const { decision, shown } = await viewOf(stage);
  assert.equal(decision?.overall.kind, 'complete');
  assert.deepEqual(decision?.shown, shown);
  const revert = shown?.find((one) => one.metric === 'revert' && one.segment === undefined);
  assert.deepEqual([revert?.closed, revert?.events, revert?.unheard, revert?.verdict], [40, 0, 0, 'not-shown']);
  const stored = await stage.server.queries.listDecisions(rolloutId, { limit: 1_000 });
  assert.deepEqual(
    stored.flatMap((one) => replayDecision(stage.plan, one)),
    [],
  );
  const entries = await stage.server.queries.listPolicyEntries(0 as Revision);
  const complete = entries.find(({ change }) => change.kind === 'rollout-event' && change.event === 'complete');
  assert.ok(complete?.change.kind === 'rollout-event');
  assert.equal(complete.change.approval?.signatures.length, 2, 'the log keeps what was signed');
});

test('an approval from before a pause is worth nothing after it', async () => {
  const stage = await onStage(12);
  const { policy } = stage.server;
  const before = await approvalOf(stage, [SAFETY, OPERATIONS]);
  for (const event of ['pause', 'resume'] as const) {
    assert.ok((await policy.changeRollout({ rolloutId: before.rolloutId, event, reason: 'a look', author: 'ada' })).ok);
  }
  const completed = await policy.completeRollout(before);
  assert.equal(!completed.ok && completed.error.code, 'approval-invalid');
  assert.match(completed.ok ? '' : completed.error.detail, /epoch 1, the rollout is in epoch 2/);
});

test('a plan that the last good release contradicts is refused, until a person overrules the finding with a reason', async () => {
  const stage = await onStage(40);
  await install(stage, 0, 6);
  await stage.step();
  assert.ok((await stage.server.policy.completeRollout(await approvalOf(stage, [SAFETY, OPERATIONS]))).ok);
  const { policy, queries } = stage.server;
  const plan = planOf(await stage.next());
  const refused = await policy.createRollout({ plan, author: 'ada' });
  assert.equal(!refused.ok && refused.error.code, 'plan-contradicted');
  assert.match(refused.ok ? '' : refused.error.detail, /gates\.metrics\.revert\.baseRate.*6 of 10/);

  const because = 'The modem that made them fall back is no longer built in';
  const misnamed = [{ finding: 'base-rate-lax', because }];
  const unfounded = await policy.createRollout({ plan, overrules: misnamed, author: 'ada' });
  assert.equal(!unfounded.ok && unfounded.error.code, 'overrule-unfounded');
  const overrules = [{ finding: 'base-rate-contradicted', because }];
  assert.ok((await policy.createRollout({ plan, overrules, author: 'ada' })).ok);
  const view = await queries.showRollout(plan.rolloutId);
  assert.ok(view.ok);
  const [overruled] = view.value.rollout.overruled ?? [];
  assert.deepEqual(
    [overruled?.finding, overruled?.field, overruled?.because, overruled?.by],
    ['base-rate-contradicted', 'gates.metrics.revert.baseRate', because, 'ada'],
  );
  const approve = { rolloutId: plan.rolloutId, event: 'approve', reason: 'as planned', author: 'bob' } as const;
  assert.ok((await policy.changeRollout(approve)).ok, 'overruled once, by name, is overruled for its approval too');
});

test('a plan that was fine when it was created is asked again when it is approved', async () => {
  const stage = await onStage(40);
  const { policy } = stage.server;
  const plan = planOf(await stage.next());
  assert.ok((await policy.createRollout({ plan, author: 'ada' })).ok, 'the fleet has no history yet');
  await install(stage, 0, 6);
  await stage.step();
  assert.ok((await policy.completeRollout(await approvalOf(stage, [SAFETY, OPERATIONS]))).ok);
  const approve = { rolloutId: plan.rolloutId, event: 'approve', reason: 'as planned', author: 'bob' } as const;
  const refused = await policy.changeRollout(approve);
  assert.equal(!refused.ok && refused.error.code, 'plan-contradicted');
  const overrules = [
    { finding: 'base-rate-contradicted', field: 'gates.metrics.revert.baseRate', because: 'A bad batch' },
  ];
  assert.ok((await policy.changeRollout({ ...approve, overrules })).ok);
});

test('the next plan is proposed base rates that hold, the stated ones while the fleet has no history', async () => {
  const stage = await onStage(40);
  const [revert] = await stage.server.queries.proposeBaseRates('camera');
  assert.deepEqual([revert?.baseRate, revert?.source], [0.001, 'stated']);
  await install(stage, 0, 6);
  await stage.step();
  const { baseDrift } = await viewOf(stage);
  assert.equal(baseDrift?.find((one) => one.metric === 'revert')?.observed, 0.6);
  assert.equal(baseDrift?.find((one) => one.metric === 'revert')?.level, 'near');
  assert.ok((await stage.server.policy.completeRollout(await approvalOf(stage, [SAFETY, OPERATIONS]))).ok);
  const [later] = await stage.server.queries.proposeBaseRates('camera');
  assert.deepEqual([later?.baseRate, later?.source, later?.releases], [0.4, 'history', [stage.newer.releaseId]]);
});
