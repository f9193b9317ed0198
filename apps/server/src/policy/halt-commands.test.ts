// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { replayDecision } from '@outrider/domain/decision/replay';
import type { DeviceId, SegmentId, Sha256 } from '@outrider/domain/kernel/ids';
import { DAY_MS, fleetInstant, MINUTE_MS } from '@outrider/domain/kernel/time';
import { APPROVAL_TYPE } from '@outrider/domain/policy/approval';
import { RESUME_TYPE, type ResumeApproval } from '@outrider/domain/policy/resume-approval';
import type { RolloutPlan } from '@outrider/domain/policy/rollout';
import { type Envelope, preAuthenticationEncoding } from '@outrider/domain/trust/envelope';
import type { Signer } from '@outrider/domain/trust/ports';
import { parsePermitDocument } from '@outrider/protocol/gateway/permit';
import { encodeResumeApproval } from '@outrider/protocol/policy/resume-approval';
import { memoryStore } from '@outrider/testkit/memory-store';
import { memoryBlobs } from '@outrider/testkit/memory-store/blobs';
import { composeServer, type Server } from '../compose.ts';
import { manifestOf, planOf, rehearse, SOON, signed, signerOf, startRollout } from '../rehearsal.ts';
import { type RehearsedDevice, rehearsedDevice, sendTo } from '../rehearsed-device.ts';

const SAFETY = signerOf('safety');
const SAFETY_TOO = signerOf('safety-deputy');
const OPERATIONS = signerOf('operations');

interface Stage {
  readonly server: Server;
  readonly plan: RolloutPlan;
  readonly devices: readonly RehearsedDevice[];
  step(delayMs?: number): Promise<void>;
}

/** A security fix in its ring, and approvers of two groups, of which one has two keys and one alone would do. */
async function onStage(deviceCount: number): Promise<Stage> {
  const rehearsal = rehearse({ store: memoryStore(), blobs: memoryBlobs(), schedule: SOON });
  const groups = [
    { name: 'safety', keys: [SAFETY.publicKey, SAFETY_TOO.publicKey] },
    { name: 'operations', keys: [OPERATIONS.publicKey] },
  ];
  const server = composeServer({ ...rehearsal.ports, loadApproverRole: async () => ({ threshold: 1, groups }) });
  const former = await manifestOf(server, '1.0.0');
  const newer = await manifestOf(server, '1.1.0', former);
  for (const manifest of [former, newer]) assert.ok((await server.releases.publish(signed(manifest))).ok);
  const devices = Array.from({ length: deviceCount }, (_, index) =>
    rehearsedDevice({
      ...{ deviceId: `camera-${index}`, hardwareId: 'rev-a', tags: ['dogfood'], factory: former },
      isHealthy: () => true,
      send: sendTo(server),
    }),
  );
  for (const device of devices) await device.register();
  const plan = planOf(newer, { onHalt: 'stay', onSegmentHalt: 'halt-rollout' });
  await startRollout(server, plan, [SAFETY, OPERATIONS]);
  return {
    ...{ server, plan, devices },
    async step(delayMs = 10 * MINUTE_MS) {
      assert.ok((await server.step(fleetInstant(server.queries.status().fleetTime + delayMs))).ok);
      // What was just decided is read before the next device asks.
      await server.queries.listRollouts();
    },
  };
}

/** Devices from one place on ask for permits; the first `forged` of them say that they fell back. Answers who did. */
async function install(stage: Stage, from: number, forged: number): Promise<readonly DeviceId[]> {
  const said: DeviceId[] = [];
  for (const device of stage.devices.slice(from)) {
    const offer = await device.checkIn();
    if (offer.kind !== 'offer') continue;
    const answer = await device.askPermit(offer);
    if (answer.kind !== 'permit') continue;
    const permit = parsePermitDocument(answer.permit.payload);
    assert.ok(permit.ok);
    await device.report(said.length < forged ? 'reverted' : 'verified', permit.value);
    if (said.length < forged) said.push(permit.value.deviceId);
  }
  return said;
}

async function viewOf({ server, plan }: Stage) {
  const view = await server.queries.showRollout(plan.rolloutId);
  assert.ok(view.ok);
  return view.value;
}

async function draftOf({ server, plan }: Stage) {
  const draft = await server.policy.draftResume(plan.rolloutId);
  assert.ok(draft.ok, JSON.stringify(draft));
  return draft.value;
}

async function resumeOf(stage: Stage, signers: readonly Signer[], change: Partial<ResumeApproval> = {}) {
  const { rolloutId, releaseId, epoch, revision, evidenceSha256, expiresAtMax, haltedSegments } = await draftOf(stage);
  const payload = encodeResumeApproval({
    ...{ schema: 1, action: 'resume', rolloutId, releaseId, epoch, revision, evidenceSha256 },
    ...{
      reason: 'The keys came from one workshop',
      counts: 'continue',
      segments: haltedSegments,
      expiresAt: expiresAtMax,
    },
    ...change,
  });
  return { rolloutId, approval: envelopeOf(RESUME_TYPE, payload, signers), author: 'ada' };
}

function envelopeOf(payloadType: string, payload: string, signers: readonly Signer[]): Envelope {
  const message = preAuthenticationEncoding(payloadType, payload);
  return { payloadType, payload, signatures: signers.map((one) => one.sign(message)) };
}

async function codeOf(stage: Stage, signers: readonly Signer[], change: Partial<ResumeApproval> = {}) {
  const resumed = await stage.server.policy.resumeHalted(await resumeOf(stage, signers, change));
  return resumed.ok ? 'resumed' : resumed.error.code;
}

async function assertReplays({ server, plan }: Stage): Promise<void> {
  const stored = await server.queries.listDecisions(plan.rolloutId, { limit: 1_000 });
  assert.ok(stored.length > 0);
  assert.deepEqual(
    stored.flatMap((one) => replayDecision(plan, one)),
    [],
  );
  const recount = await server.recounts.ofRollout(plan.rolloutId);
  assert.ok(recount.ok);
  assert.deepEqual([recount.value.differences, recount.value.isEqual], [[], true]);
}

test('four stolen keys halt a security fix; excluded by name, counted without them, it goes on when two people sign', async () => {
  const stage = await onStage(24);
  const { policy, reporters } = stage.server;
  const { rolloutId } = stage.plan;
  const forged = await install(stage, 0, 4);
  await stage.step();
  const halted = await viewOf(stage);
  assert.equal(halted.rollout.state, 'halted');
  assert.equal((await draftOf(stage)).stillHalts !== undefined, true);
  assert.equal(await codeOf(stage, [SAFETY, OPERATIONS]), 'evidence-still-halts');

  const who = await reporters.of(rolloutId, 'revert');
  assert.ok(who.ok);
  assert.deepEqual(who.value.items.map((one) => one.deviceId).sort(), [...forged].sort());
  assert.ok(who.value.clusters.some((one) => one.by === 'registered on' && one.reporters === 4));

  const before = await resumeOf(stage, [SAFETY, OPERATIONS]);
  const request = { rolloutId, deviceIds: forged, reason: 'Keys of one workshop', author: 'ada' } as const;
  const excluded = await policy.changeBelief({ ...request, kind: 'evidence-excluded' });
  assert.ok(excluded.ok && excluded.value.rollout?.state === 'halted', 'nothing goes on by itself');
  const early = await policy.draftResume(rolloutId);
  assert.equal(!early.ok && early.error.code, 'evidence-unsettled');
  await stage.step();
  const { evidence, decision, rollout } = await viewOf(stage);
  const revert = evidence?.base.find((one) => one.metric === 'revert');
  assert.deepEqual([revert?.open, revert?.events, revert?.confirmed], [6, 0, 6]);
  assert.deepEqual(
    evidence?.leftOut?.enrolments.map((one) => one.treated),
    [4],
  );
  assert.deepEqual([rollout.state, rollout.excludedDevices], ['halted', [...forged].sort()]);
  const figures = decision?.figures.filter((one) => one.lnE >= one.threshold);
  assert.deepEqual(figures, [], 'what the rule says without them is stored beside the halt');
  await assertReplays(stage);

  const stale = await policy.resumeHalted(before);
  assert.equal(!stale.ok && stale.error.code, 'resume-invalid', 'it was signed before the exclusion');
  assert.equal((await draftOf(stage)).stillHalts, undefined);
  assert.equal(await codeOf(stage, [SAFETY, OPERATIONS]), 'resumed');
  await stage.step();
  assert.ok((await install(stage, 10, 0)).length === 0);
  await stage.step();
  const running = await viewOf(stage);
  assert.equal(running.rollout.state, 'running');
  assert.ok((running.exposure?.granted ?? 0) > 10, 'the fix goes on to further devices');
  await assertReplays(stage);
});

test('a halted rollout takes two people, about exactly what they looked at, for one day', async () => {
  const stage = await onStage(24);
  const { rolloutId } = stage.plan;
  const halt = { rolloutId, event: 'halt', reason: 'A call from the workshop', author: 'ada' } as const;
  await install(stage, 0, 0);
  await stage.step();
  assert.ok((await stage.server.policy.changeRollout(halt)).ok);
  const alone = await stage.server.policy.changeRollout({ ...halt, event: 'resume' });
  assert.equal(!alone.ok && alone.error.code, 'resume-unsigned');
  assert.equal(await codeOf(stage, [SAFETY]), 'threshold-not-met', 'though the role would be content with one');
  assert.equal(await codeOf(stage, [SAFETY, SAFETY]), 'threshold-not-met');
  assert.equal(await codeOf(stage, [SAFETY, SAFETY_TOO]), 'threshold-not-met', 'two keys in the same hands');
  assert.equal(await codeOf(stage, [SAFETY, signerOf('a stranger')]), 'threshold-not-met');
  const both = [SAFETY, OPERATIONS];
  const { now, expiresAtMax, epoch, revision } = await draftOf(stage);
  assert.equal(await codeOf(stage, both, { evidenceSha256: '0'.repeat(64) as Sha256 }), 'resume-invalid');
  assert.equal(await codeOf(stage, both, { revision: (revision - 1) as typeof revision }), 'resume-invalid');
  assert.equal(await codeOf(stage, both, { epoch: (epoch - 1) as typeof epoch }), 'resume-invalid');
  assert.equal(await codeOf(stage, both, { expiresAt: now }), 'resume-invalid');
  assert.equal(await codeOf(stage, both, { expiresAt: fleetInstant(expiresAtMax + 1) }), 'resume-invalid');
  const asApproval = await resumeOf(stage, []);
  const other = { ...asApproval, approval: envelopeOf(APPROVAL_TYPE, asApproval.approval.payload, both) };
  const mistyped = await stage.server.policy.resumeHalted(other);
  assert.equal(!mistyped.ok && mistyped.error.code, 'payload-type-unexpected');

  const late = await resumeOf(stage, both);
  await stage.step(DAY_MS);
  const expired = await stage.server.policy.resumeHalted(late);
  assert.equal(!expired.ok && expired.error.code, 'resume-invalid');
  const fresh = await resumeOf(stage, both);
  assert.ok((await stage.server.policy.resumeHalted(fresh)).ok);
  const again = await stage.server.policy.resumeHalted(fresh);
  assert.equal(!again.ok && again.error.code, 'rollout-not-halted');
});

test('counts that begin again are a test of their own: the first step anew, at half the error, and it halts as the first did', async () => {
  const stage = await onStage(30);
  await install(stage, 0, 4);
  await stage.step();
  assert.equal((await viewOf(stage)).rollout.state, 'halted');
  const shut = { counts: 'restart', segments: [] } as const;
  assert.equal(await codeOf(stage, [SAFETY, OPERATIONS], shut), 'evidence-still-halts', 'its only segment is halted');
  assert.equal(await codeOf(stage, [SAFETY, OPERATIONS], { counts: 'restart' }), 'resumed');
  await stage.step();
  const anew = await viewOf(stage);
  assert.equal(anew.rollout.state, 'running');
  assert.deepEqual([anew.exposure?.granted, anew.exposure?.cap], [10, 20], 'ten devices, as at the start');
  const decisions = await stage.server.queries.listDecisions(stage.plan.rolloutId, { limit: 100 });
  const [was, is] = [decisions.find((one) => one.decision.overall.kind === 'halt'), decisions.at(-1)].map((one) =>
    one?.decision.figures.find(({ metric, segment }) => metric === 'revert' && segment === ('rev-a' as SegmentId)),
  );
  assert.ok(was !== undefined && is !== undefined);
  assert.ok(Math.abs(is.threshold - was.threshold - Math.LN2) < 1e-12, 'half the error');
  assert.ok(is.lnE < was.lnE, 'what was counted before counts no more');
  await assertReplays(stage);

  await install(stage, 10, 4);
  await stage.step();
  assert.equal((await viewOf(stage)).rollout.state, 'halted', 'a bad release is halted again');
  await assertReplays(stage);
});

test('reports of a stranger cannot be excluded, and none while the rollout runs', async () => {
  const stage = await onStage(12);
  const { rolloutId } = stage.plan;
  await install(stage, 0, 0);
  const request = { kind: 'evidence-excluded', rolloutId, reason: 'Forged', author: 'ada' } as const;
  const ids = (id: string) => ({ ...request, deviceIds: [id as DeviceId] });
  const stranger = await stage.server.policy.changeBelief(ids('camera-99'));
  assert.equal(!stranger.ok && stranger.error.code, 'device-not-found');
  const running = await stage.server.policy.changeBelief(ids('camera-0'));
  const isEnrolled = running.ok ? 'ok' : running.error.code;
  assert.equal(isEnrolled, 'rollout-not-halted');
});

test('a safety flag of an operator pauses at once; a note, and one driver, do not; a second driver does', async () => {
  const stage = await onStage(24);
  const { policy } = stage.server;
  const { rolloutId } = stage.plan;
  await install(stage, 0, 0);
  await stage.step();
  const stateAfter = async (severity: 'note' | 'safety', deviceId?: string) => {
    const device = deviceId === undefined ? {} : { deviceId: deviceId as DeviceId };
    const flagged = await policy.flag({ rolloutId, severity, reason: 'A brake warning', author: 'ada', ...device });
    return flagged.ok ? flagged.value.rollout?.state : flagged.error.code;
  };
  const resume = { rolloutId, event: 'resume', reason: 'The workshop was wrong', author: 'ada' } as const;
  assert.equal(await stateAfter('note'), 'running');
  assert.equal(await stateAfter('safety'), 'paused');
  assert.ok((await policy.changeRollout(resume)).ok, 'a pause takes one person with a reason');
  assert.equal(await stateAfter('safety', 'camera-0'), 'running', 'one driver may be a thief with one key');
  assert.equal(await stateAfter('safety', 'camera-0'), 'flag-repeated');
  assert.equal(await stateAfter('safety', 'camera-99'), 'device-not-found');
  assert.equal(await stateAfter('note', 'camera-1'), 'paused');
  assert.ok((await policy.changeRollout(resume)).ok);
  assert.equal(await stateAfter('safety', 'camera-2'), 'running', 'those of before were seen by whoever resumed');
  await install(stage, 10, 0);
  await stage.step();
  const { rollout, decision } = await viewOf(stage);
  assert.equal(rollout.flags?.length, 5);
  const stored = await stage.server.queries.listDecisions(rolloutId, { limit: 100 });
  assert.deepEqual(stored.at(-1)?.input.flags, { operators: 2, drivers: 1 });
  assert.notEqual(decision?.overall.kind, 'halt');
  await assertReplays(stage);
});

test('a region is halted while the others go on; a rollout without devices there is told so', async () => {
  const stage = await onStage(24);
  const { policy } = stage.server;
  const { rolloutId } = stage.plan;
  const now = stage.server.queries.status().fleetTime;
  for (const device of stage.devices.slice(0, 10)) await device.wake(now);
  const region = 'north';
  const request = { rolloutId, region, isRollingBack: false, reason: 'The authority asks', author: 'ada' } as const;
  const nowhere = await policy.haltRegion({ ...request, region: 'atlantis' });
  assert.equal(!nowhere.ok && nowhere.error.code, 'audience-empty');
  assert.ok((await policy.haltRegion(request)).ok);
  const again = await policy.haltRegion(request);
  assert.equal(!again.ok && again.error.code, 'region-already-halted');
  await stage.step();
  const answer = await stage.devices.at(-1)?.checkIn();
  assert.equal(answer?.kind === 'refusal' && answer.code, 'segment-halted');
  assert.ok((await policy.haltRegion({ ...request, isRollingBack: true })).ok);
  await stage.step();
  const back = await stage.devices[0]?.checkIn();
  assert.equal(
    back?.kind === 'offer' && back.isRollback,
    true,
    'whoever has the release there is offered the way back',
  );
  await assertReplays(stage);
});
