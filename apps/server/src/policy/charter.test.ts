// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { digestText } from '@outrider/adapters/shared/digest';
import type { ServerStore } from '@outrider/domain/decision/server-store';
import { fleetInstant, HOUR_MS } from '@outrider/domain/kernel/time';
import { type CharterDocument, THRESHOLD_WHOLE } from '@outrider/domain/policy/charter';
import { placeOf } from '@outrider/domain/policy/charter-place';
import type { PolicyEntry } from '@outrider/domain/policy/log';
import type { RolloutPlan } from '@outrider/domain/policy/rollout';
import type { CivilMs } from '@outrider/domain/trust/credentials';
import { personDigest } from '@outrider/domain/trust/person';
import type { Signer } from '@outrider/domain/trust/ports';
import { parsePermitDocument } from '@outrider/protocol/gateway/permit';
import { charterSignedBy } from '@outrider/protocol/policy/sign-charter';
import { memoryStore } from '@outrider/testkit/memory-store';
import { memoryBlobs } from '@outrider/testkit/memory-store/blobs';
import { composeServer, type Server } from '../compose.ts';
import { HARDWARE_IDS, manifestOf, planOf, rehearse, SOON, signed, signerOf, startRollout } from '../rehearsal.ts';
import { type RehearsedDevice, rehearsedDevice, sendTo } from '../rehearsed-device.ts';

const SAFETY = signerOf('safety');
const OPERATIONS = signerOf('operations');
/** Ada plans all rollouts here, and has a key of an approver too. */
const PLANNER = signerOf('planning');
const APPROVERS = [SAFETY, OPERATIONS];

describe('a rollout where approvers are installed', () => {
  test('does not start before they have signed its charter, and starts after', async () => {
    const { server, plan, create, submit } = await onStage(4);
    await create();
    const { rolloutId } = plan;
    const approved = await server.policy.changeRollout({ rolloutId, event: 'approve', reason: 'x', author: 'ada' });
    assert.ok(approved.ok);
    const early = await server.policy.changeRollout({ rolloutId, event: 'start', reason: 'x', author: 'ada' });
    assert.equal(!early.ok && early.error.fields?.rule, 'charter-missing');
    assert.ok((await submit()).ok);
    const started = await server.policy.changeRollout({ rolloutId, event: 'start', reason: 'x', author: 'ada' });
    assert.ok(started.ok);
  });

  test('is approved by the charter itself, which must be signed by enough, about this plan and this release', async () => {
    const { server, plan, create, submit, draft } = await onStage(4);
    await create();
    const document = await draft();
    const rules: unknown[] = [];
    for (const [altered, signers] of [
      [document, [SAFETY]],
      [{ ...document, plan: { ...plan, permitLifeMs: (2 * HOUR_MS) as RolloutPlan['permitLifeMs'] } }, APPROVERS],
      [{ ...document, releaseSha256: digestText('another') }, APPROVERS],
      [{ ...document, waves: document.waves.slice(1) }, APPROVERS],
    ] as const) {
      const answer = await submit(altered, signers);
      rules.push(!answer.ok && answer.error.fields?.rule);
    }
    assert.deepEqual(rules, ['charter-unsigned', 'charter-plan-differs', 'charter-for-another', 'charter-malformed']);
    assert.ok((await submit()).ok);
    assert.equal(await stateOf(server, plan), 'approved');
  });

  test('is not approved with the key of whoever planned it, and the log says which person signed what', async () => {
    const { create, submit, store } = await onStage(4);
    await create();
    const own = await submit(undefined, [SAFETY, PLANNER]);
    assert.equal(!own.ok && own.error.code, 'approver-is-author');
    await store.people.notePerson({ personId: 'grace', name: 'Grace', atMs: 1 as CivilMs });
    assert.ok((await submit(undefined, [SAFETY, OPERATIONS, PLANNER])).ok);
    const noted = await store.audit.loadEntries({ after: 0, limit: 100, action: 'rollout-chartered' });
    assert.match(noted[0]?.text ?? '', /signed by grace for safety, a key of operations, /);
  });

  test('keeps its charter once it has started; what may be added is openings', async () => {
    const { server, plan, create, submit, draft } = await onStage(40);
    await create();
    const document = await draft();
    const shut = charterSignedBy(document, APPROVERS, { digestText, waves: [] });
    const { rolloutId } = plan;
    const send = (charter: typeof shut) =>
      server.policy.submitCharter({ rolloutId, charter, reason: 'as planned', author: 'ada' });
    assert.ok((await send(shut)).ok);
    assert.ok((await server.policy.changeRollout({ rolloutId, event: 'start', reason: 'x', author: 'ada' })).ok);
    const wider = { ...document, waves: document.waves.map((wave) => ({ ...wave, threshold: THRESHOLD_WHOLE })) };
    const other = await submit(wider);
    assert.equal(!other.ok && other.error.code, 'charter-in-force');
    const unsigned = charterSignedBy(document, [SAFETY], { digestText });
    const halfSigned = await send({ ...shut, openings: unsigned.openings });
    assert.equal(!halfSigned.ok && halfSigned.error.fields?.rule, 'charter-wave-unsigned');
    assert.ok((await send(charterSignedBy(document, APPROVERS, { digestText }))).ok);
    const shown = await server.policy.showCharter(rolloutId);
    assert.equal(shown.ok && shown.value.inForce?.openings.length, 4);
  });
});

describe('the gateway', () => {
  test('offers what the charter allows, and its permits name charter and wave', async () => {
    const { devices, server, plan } = await onStage(30, ['dogfood']);
    await startRollout(server, plan, APPROVERS);
    const offers = await Promise.all(devices.map((device) => device.checkIn()));
    assert.ok(offers.every((one) => one.kind === 'offer' && one.charter !== undefined));
    const [offer] = offers;
    assert.ok(offer?.kind === 'offer');
    const answer = await devices[0]?.askPermit(offer);
    const permit = answer?.kind === 'permit' ? parsePermitDocument(answer.permit.payload) : undefined;
    assert.ok(permit?.ok);
    assert.deepEqual(permit.value.charter, {
      sha256: digestText(offer.charter?.document.payload ?? ''),
      waveIndex: 0,
    });
  });

  test('refuses what lies outside it by name, counted, before its wave and beyond its thresholds', async () => {
    const { devices, server, plan, create, submit, draft, step } = await onStage(60);
    await create();
    const document = await draft();
    const [ring, ...others] = document.waves;
    assert.ok(ring !== undefined);
    const threshold = Math.floor(THRESHOLD_WHOLE / 4);
    const waves = [ring, ...others.map((wave) => ({ ...wave, threshold }))];
    assert.ok((await submit({ ...document, waves })).ok);
    await start(server, plan);
    const soon = await codesOf(devices);
    assert.ok(soon.has('outside-charter') && !soon.has('offer'), [...soon].join());
    assert.ok((server.recorder.counters.read().charter?.['charter-wave-early'] ?? 0) > 0);
    for (let hour = 0; hour < 3; hour++) await step(HOUR_MS);
    for (const device of devices) {
      const answer = await device.checkIn();
      if (answer.kind === 'offer') assert.ok(placeOf(plan.salt, device.deviceId) < threshold);
    }
    const explained = await server.queries.explainDevice(devices[0]?.deviceId ?? ('x' as never));
    assert.ok(explained.ok);
    const line = explained.value.rollouts[0]?.offer.find((one) => one.predicate === 'outside-charter');
    assert.match(line?.seen ?? '', /^charter/);
  });

  test('serves nothing when somebody changes the plan, the salt, a wave or the audience in the log by hand', async () => {
    const { server, plan, devices, store, restart } = await onStage(30, ['dogfood']);
    await startRollout(server, plan, APPROVERS);
    assert.deepEqual(await codesOf(devices), new Set(['offer']));
    const alterations: Readonly<Record<string, Partial<RolloutPlan>>> = {
      salt: { salt: 'salt-of-a-thief' },
      audience: { audience: { kind: 'not', of: { kind: 'tag', tag: 'never' } } },
      waves: { waves: plan.waves.map((wave) => ({ ...wave, exposurePermille: 1_000 })) },
      gates: { gates: { ...plan.gates, budgetDevices: 1_000_000 } },
      life: { permitLifeMs: (24 * HOUR_MS) as RolloutPlan['permitLifeMs'] },
    };
    for (const [name, change] of Object.entries(alterations)) {
      const altered = restart(alteredLog(store, (entry) => withPlan(entry, change)));
      await altered.drain();
      const codes = await codesOf(devices);
      assert.ok(!codes.has('offer'), `${name}: ${[...codes].join()}`);
      assert.ok((altered.recorder.counters.read().charter?.['charter-plan-differs'] ?? 0) > 0, name);
    }
  });
});

/** The log as it reads after a thief has been in the database. */
function alteredLog(store: ServerStore, alter: (entry: PolicyEntry) => PolicyEntry): ServerStore {
  const { policyLog } = store;
  return {
    ...store,
    policyLog: {
      appendEntry: (entry) => policyLog.appendEntry(entry),
      loadEntries: async (after) => (await policyLog.loadEntries(after)).map(alter),
    },
  };
}

function withPlan(entry: PolicyEntry, change: Partial<RolloutPlan>): PolicyEntry {
  if (entry.change.kind !== 'rollout-created') return entry;
  return { ...entry, change: { ...entry.change, plan: { ...entry.change.plan, ...change } } };
}

interface Stage {
  readonly server: Server;
  readonly store: ServerStore;
  readonly plan: RolloutPlan;
  readonly devices: readonly RehearsedDevice[];
  create(): Promise<void>;
  draft(): Promise<CharterDocument>;
  submit(document?: CharterDocument, signers?: readonly Signer[]): ReturnType<Server['policy']['submitCharter']>;
  step(delayMs: number): Promise<void>;
  /** Another gateway on this store, to which the devices talk from now on. */
  restart(store: ServerStore): Server;
}

async function onStage(deviceCount: number, tags: readonly string[] = []): Promise<Stage> {
  const store = memoryStore();
  const { ports } = rehearse({ store, blobs: memoryBlobs(), schedule: SOON });
  const groups = [
    { name: 'safety', keys: [{ ...SAFETY.publicKey, person: personDigest('grace') }] },
    { name: 'operations', keys: [OPERATIONS.publicKey] },
    { name: 'planning', keys: [{ ...PLANNER.publicKey, person: personDigest('ada') }] },
  ];
  const compose = (on: ServerStore) =>
    composeServer({ ...ports, store: on, loadApproverRole: async () => ({ threshold: 2, groups }) });
  const server = compose(store);
  let current = server;
  const former = await manifestOf(server, '1.0.0');
  const newer = await manifestOf(server, '1.1.0', former);
  for (const manifest of [former, newer]) assert.ok((await server.releases.publish(signed(manifest))).ok);
  const devices = Array.from({ length: deviceCount }, (_, index) =>
    rehearsedDevice({
      ...{ deviceId: `camera-${index}`, hardwareId: HARDWARE_IDS[index % 3] ?? 'rev-a', tags, factory: former },
      isHealthy: () => true,
      send: (request) => sendTo(current)(request),
    }),
  );
  for (const device of devices) await device.register();
  const plan = planOf(newer);
  const { rolloutId } = plan;
  async function draft(): Promise<CharterDocument> {
    const shown = await server.policy.showCharter(rolloutId);
    assert.ok(shown.ok && shown.value.draft !== undefined, JSON.stringify(shown));
    return shown.value.draft;
  }
  return {
    ...{ server, store, plan, devices, draft },
    async create() {
      assert.ok((await server.policy.createRollout({ plan, author: 'ada' })).ok);
    },
    async submit(document, signers = APPROVERS) {
      const charter = charterSignedBy(document ?? (await draft()), signers, { digestText });
      return server.policy.submitCharter({ rolloutId, charter, reason: 'as planned', author: 'ada' });
    },
    async step(delayMs) {
      assert.ok((await server.step(fleetInstant(server.queries.status().fleetTime + delayMs))).ok);
      await server.queries.listRollouts();
    },
    restart(on) {
      current = compose(on);
      return current;
    },
  };
}

async function start({ policy }: Server, { rolloutId }: RolloutPlan): Promise<void> {
  assert.ok((await policy.changeRollout({ rolloutId, event: 'start', reason: 'as planned', author: 'ada' })).ok);
}

async function stateOf({ queries }: Server, { rolloutId }: RolloutPlan): Promise<unknown> {
  const shown = await queries.showRollout(rolloutId);
  return shown.ok && shown.value.rollout.state;
}

/** What the devices are answered: `offer`, or the code of the refusal. */
async function codesOf(devices: readonly RehearsedDevice[]): Promise<ReadonlySet<string>> {
  const answers = await Promise.all(devices.map((device) => device.checkIn()));
  return new Set(answers.map((one) => (one.kind === 'offer' ? 'offer' : one.code)));
}
