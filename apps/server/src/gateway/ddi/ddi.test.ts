// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { armUnitOf } from '@outrider/domain/policy/place';
import type { RolloutPlan } from '@outrider/domain/policy/rollout';
import type { ReleaseManifest } from '@outrider/domain/release/release';
import { memoryStore } from '@outrider/testkit/memory-store';
import { memoryBlobs } from '@outrider/testkit/memory-store/blobs';
import { manifestOf, planOf, type Rehearsal, rehearse, SOON, signed, startRollout } from '../../rehearsal.ts';
import { type DdiClient, ddiClient, speakingAs, withFiles } from './rehearsed-client.ts';

interface Stage extends Rehearsal {
  readonly plan: RolloutPlan;
  readonly newer: ReleaseManifest;
  event(event: 'pause' | 'resume' | 'halt' | 'roll-back' | 'cancel'): Promise<void>;
  outcomes(): ReturnType<Rehearsal['server']['queries']['listLedger']>;
}

async function onStage(overrides: Partial<RolloutPlan> = {}, isFiled = true): Promise<Stage> {
  const blobs = memoryBlobs();
  const rehearsal = rehearse({ store: memoryStore(), blobs, schedule: SOON });
  const { server } = rehearsal;
  const former = await manifestOf(server, '1.0.0');
  const bare = await manifestOf(server, '1.1.0', former);
  const newer = isFiled ? await withFiles(bare, blobs) : bare;
  for (const manifest of [former, newer]) {
    const published = await server.releases.publish(signed(manifest));
    assert.ok(published.ok, JSON.stringify(published));
  }
  const plan = planOf(newer, overrides);
  return {
    ...rehearsal,
    ...{ plan, newer },
    async event(event) {
      const { rolloutId } = plan;
      const reason = 'as a test wants it';
      const moved = await server.policy.changeRollout({
        rolloutId,
        event,
        reason,
        author: 'ada',
        isIncludingRollback: true,
      });
      assert.ok(moved.ok, JSON.stringify(moved));
    },
    outcomes: () => server.queries.listLedger(plan.rolloutId, { afterPosition: 0, limit: 99 }),
  };
}

/** A started rollout and a device in its ring that is shown the deployment. */
async function shownOne(overrides: Partial<RolloutPlan> = {}) {
  const stage = await onStage(overrides);
  const client = await ddiClient(stage.server, 'camera-1');
  await startRollout(stage.server, stage.plan);
  await stage.step();
  const shown = await client.shown();
  assert.match(String(shown), /^deploymentBase\/\d+$/);
  return { stage, client, shown: String(shown), actionId: Number(String(shown).split('/')[1]) };
}

describe('a device that speaks DDI', () => {
  test('that has nothing to do is told how long to sleep, and asked who it is until it has told', async () => {
    const { server } = await onStage();
    const client = await ddiClient(server, 'camera-1');
    const { json, status } = await client.get('');
    assert.equal(status, 200);
    assert.match(String(json.config?.polling?.sleep), /^\d\d:\d\d:\d\d$/);
    const root = 'http://ota.example:8440/DEFAULT/controller/v1/camera-1';
    assert.deepEqual(json._links, { configData: { href: `${root}/configData` } });
    const told = { mode: 'merge', data: { region: 'north', hwRevision: 3, hardwareId: 'rev-z' } };
    const answer = await client.post('/configData', told, { method: 'PUT' });
    assert.deepEqual([answer.status, answer.text], [200, '{}']);
    assert.deepEqual((await client.get('')).json._links, {});
    const device = await server.queries.showDevice(client.deviceId);
    assert.ok(device.ok);
    const { region, carrier, hardwareId } = device.value.record.attributes;
    assert.deepEqual([region, carrier, hardwareId], ['north', 'unknown', 'rev-a'], 'only what people left open');
    const kept = await server.ddi.registrations.show(client.deviceId);
    assert.deepEqual(kept.ok && kept.value.told?.data, { region: 'north', hwRevision: '3', hardwareId: 'rev-z' });
  });

  test('is shown a deployment whose number fits 31 bits, takes its file in parts, and counts as verified once it says so', async () => {
    const { stage, client, shown, actionId } = await shownOne();
    assert.ok(actionId >= 1 && actionId <= 2_147_483_647);
    const { json } = await client.get(`/${shown}`);
    assert.equal(json.id, String(actionId));
    const { update, download, chunks } = json.deployment ?? {};
    assert.deepEqual([update, download], ['forced', 'forced']);
    const chunk = chunks?.[0];
    assert.deepEqual([chunk?.part, chunk?.version], ['main', '1.1.0']);
    const artifact = chunk?.artifacts?.[0];
    const [component] = stage.newer.components;
    assert.ok(component?.file !== undefined);
    const { name, ...digests } = component.file;
    assert.deepEqual(artifact?.hashes, { ...digests, sha256: component.image.digest });
    assert.deepEqual([artifact?.filename, artifact?.size], [name, Number(component.image.bytes)]);
    const href = String(artifact?._links?.['download-http']?.href);
    const path = href.slice('http://ota.example:8440/DEFAULT/controller/v1/camera-1'.length);
    const part = await client.get(path, { headers: { range: 'bytes=10-19' } });
    assert.deepEqual([part.status, part.headers['content-range']], [206, `bytes 10-19/${component.image.bytes}`]);
    const head = await client.get(path, { method: 'HEAD' });
    assert.deepEqual([head.status, head.headers['content-length']], [200, String(component.image.bytes)]);
    assert.equal((await client.get(`${path}.MD5SUM`)).text, `${digests.md5}  ${name}`);

    const before = await stage.outcomes();
    assert.deepEqual([before.length, before[0]?.row.arm, before[0]?.verifiedAt], [1, 'treated', undefined]);
    for (const execution of ['proceeding', 'download', 'downloaded', 'closed']) {
      const finished = execution === 'closed' ? 'success' : 'none';
      const answer = await client.feedback(shown, execution, finished, ['Installing', 'ok']);
      assert.equal(answer.status, 200, `${execution}: ${answer.text}`);
    }
    const [row] = await stage.outcomes();
    assert.ok(row?.verifiedAt !== undefined);
    assert.equal(await client.shown(), undefined);
    const device = await stage.server.queries.showDevice(client.deviceId);
    assert.deepEqual(device.ok && [device.value.record.status.running.version, device.value.record.status.state], [
      '1.1.0',
      'verified',
    ]);
    assert.equal(
      (await client.feedback(shown, 'closed', 'failure')).status,
      200,
      'late feedback is taken, and is void',
    );
    assert.equal((await stage.outcomes())[0]?.installFailedAt, undefined);
  });

  test('that could not install says why, and is not shown the same again', async () => {
    const { stage, client, shown } = await shownOne();
    const lines = ['Parsing sw-description', 'ERROR : the script returned 1', 'SWUPDATE failed'];
    assert.equal((await client.feedback(shown, 'closed', 'failure', lines)).status, 200);
    assert.ok((await stage.outcomes())[0]?.installFailedAt !== undefined);
    const [report] = await stage.server.queries.listReports(stage.plan.rolloutId, { afterPosition: 0, limit: 9 });
    assert.deepEqual(report?.report.detail.split('\n')[0], 'ERROR : the script returned 1');
    assert.equal(await client.shown(), undefined);
    const { exposure } = await viewOf(stage);
    assert.equal(exposure?.granted, 1, 'its permit is spent');
  });

  test('that told its errors on the way, and closes with less, is reported with them first', async () => {
    const { stage, client, shown } = await shownOne();
    const why = 'ERROR : execute preinstall scripts failed';
    for (const lines of [['Installing'], ['the valve is stuck', why], ['ERROR : and so on']]) {
      assert.equal((await client.feedback(shown, 'proceeding', 'none', lines)).status, 200);
    }
    assert.equal((await client.feedback(shown, 'closed', 'failure', ['No suitable .swu image found'])).status, 200);
    const [report] = await stage.server.queries.listReports(stage.plan.rolloutId, { afterPosition: 0, limit: 9 });
    assert.equal(report?.report.detail, `${why}\nERROR : and so on\nNo suitable .swu image found`);
  });

  test('hears of a pause as a cancellation, and after a resume of a new deployment', async () => {
    const { stage, client, shown, actionId } = await shownOne();
    await stage.event('pause');
    assert.equal(await client.shown(), `cancelAction/${actionId}`);
    assert.equal((await client.get(`/${shown}`)).status, 404, 'no permit, no deployment');
    const { json } = await client.get(`/cancelAction/${actionId}`);
    assert.deepEqual(json, { id: String(actionId), cancelAction: { stopId: String(actionId) } });
    assert.equal((await client.feedback(`cancelAction/${actionId}`, 'closed', 'success')).status, 200);
    assert.equal(await client.shown(), undefined);
    await stage.event('resume');
    const again = await client.shown();
    assert.match(String(again), /^deploymentBase\/\d+$/);
    assert.notEqual(again, shown, 'a number that was cancelled is never shown again');
    const { exposure } = await viewOf(stage);
    assert.equal(exposure?.granted, 1, 'and it is one exposure all along');
  });

  test('in the control arm is shown nothing, and starts the same windows', async () => {
    const stage = await onStage({
      waves: [{ name: 'all', ringTags: [], exposurePermille: 1_000, bakeMs: 0 as never }],
    });
    const { server, plan } = stage;
    const clients: DdiClient[] = [];
    for (let number = 0; number < 12; number++) clients.push(await ddiClient(server, `camera-${number}`, { tags: [] }));
    await startRollout(server, plan);
    await stage.step();
    const shown = new Map<string, string | undefined>();
    for (const client of clients) shown.set(client.deviceId, await client.shown());
    const rows = await stage.outcomes();
    assert.ok(rows.length > 0);
    for (const { row } of rows) {
      assert.equal(row.arm, armUnitOf(plan.salt, row.deviceId) < row.pi ? 'treated' : 'control');
      assert.equal(shown.get(row.deviceId) === undefined, row.arm === 'control', row.deviceId);
    }
    assert.ok(rows.some(({ row }) => row.arm === 'control'));
    const { exposure } = await viewOf(stage);
    assert.ok(exposure !== undefined && exposure.granted <= exposure.cap);
    assert.equal([...shown.values()].filter((one) => one !== undefined).length, exposure.granted);
  });

  test('is shown nothing outside its maintenance window, and no permit is spent on it', async () => {
    const stage = await onStage();
    const minute = Math.floor(stage.now() / 60_000) % 1_440;
    const window = { fromMinute: (minute + 60) % 1_440, toMinute: (minute + 120) % 1_440 };
    const client = await ddiClient(stage.server, 'camera-1', { window });
    await startRollout(stage.server, stage.plan);
    await stage.step();
    assert.equal(await client.shown(), undefined);
    assert.equal((await stage.outcomes()).length, 0);
    for (let steps = 0; steps < 6; steps++) await stage.step();
    const shown = await client.shown();
    assert.match(String(shown), /^deploymentBase/);
    for (let steps = 0; steps < 7; steps++) await stage.step();
    assert.equal(await client.shown(), undefined, 'a deployment that was begun waits for the next window');
    await client.feedback(String(shown), 'proceeding', 'none', [INSTALLED]);
    assert.equal(await client.shown(), shown, 'one that is installed is to be told about');
    assert.deepEqual((await client.get(`/${shown}`)).json.deployment?.chunks, []);
    await client.feedback(String(shown), 'proceeding', 'none', [BEGINS]);
    assert.equal((await client.get(`/${shown}`)).status, 404);
    await stage.event('pause');
    assert.match(String(await client.shown()), /^cancelAction/, 'and is taken back at any time');
  });

  test('that has installed before a pause tells how it went after its restart, and does not install again', async () => {
    const { stage, client, shown } = await shownOne();
    await client.feedback(shown, 'proceeding', 'none', [BEGINS]);
    await client.feedback(shown, 'proceeding', 'none', [INSTALLED]);
    await stage.event('pause');
    assert.equal(await client.shown(), shown, 'under the same number');
    const { status, json } = await client.get(`/${shown}`);
    assert.deepEqual([status, json.deployment?.chunks], [200, []], 'with nothing to install');
    assert.equal((await stage.outcomes())[0]?.verifiedAt, undefined);
    assert.equal((await client.feedback(shown, 'closed', 'success')).status, 200);
    const [row, ...others] = await stage.outcomes();
    assert.deepEqual([row?.verifiedAt !== undefined, others], [true, []]);
    await stage.event('resume');
    await stage.step();
    assert.equal(await client.shown(), undefined);
  });

  test('that installs once more, or has never said that it has, is told to stop by a pause', async () => {
    const { stage, client, shown } = await shownOne();
    await client.feedback(shown, 'proceeding', 'none', [INSTALLED]);
    await client.feedback(shown, 'proceeding', 'none', [BEGINS]);
    await stage.event('pause');
    assert.match(String(await client.shown()), /^cancelAction/);
    assert.equal((await client.get(`/${shown}`)).status, 404);
  });

  test('that has installed and did not restart yet when all are rolled back tells first, and then goes back too', async () => {
    const { stage, client, shown } = await shownOne();
    await client.feedback(shown, 'proceeding', 'none', [INSTALLED]);
    await stage.event('halt');
    await stage.event('roll-back');
    await stage.step();
    assert.equal(await client.shown(), shown, 'or nobody would know that it runs the release after its restart');
    assert.deepEqual((await client.get(`/${shown}`)).json.deployment?.chunks, []);
    await client.feedback(shown, 'closed', 'success');
    const back = String(await client.shown());
    assert.match(back, /^deploymentBase/);
    assert.equal((await client.get(`/${back}`)).json.deployment?.chunks?.[0]?.version, '1.0.0');
  });

  test('that has installed and never tells is not kept from another release', async () => {
    const { stage, client, shown } = await shownOne();
    await client.feedback(shown, 'proceeding', 'none', [INSTALLED]);
    await stage.event('cancel');
    const next = await withFiles(await manifestOf(stage.server, '1.2.0', stage.newer), stage.ports.blobs);
    assert.ok((await stage.server.releases.publish(signed(next))).ok);
    await startRollout(stage.server, planOf(next));
    await stage.step();
    const taken = String(await client.shown());
    assert.match(taken, /^cancelAction/);
    await client.feedback(taken, 'closed', 'success');
    const offered = String(await client.shown());
    assert.equal((await client.get(`/${offered}`)).json.deployment?.chunks?.[0]?.version, '1.2.0');
  });

  test('goes back by the twin of the release', async () => {
    const { stage, client, shown } = await shownOne();
    await client.feedback(shown, 'closed', 'success');
    await stage.event('halt');
    await stage.event('roll-back');
    const back = await client.shown();
    assert.match(String(back), /^deploymentBase/);
    const { json } = await client.get(`/${back}`);
    assert.equal(json.deployment?.chunks?.[0]?.version, '1.0.0');
    await client.feedback(String(back), 'closed', 'success');
    const rows = await stage.outcomes();
    assert.deepEqual(
      rows.map(({ row, verifiedAt }) => [row.kind, verifiedAt !== undefined]),
      [
        ['enrolment', true],
        ['rollback', true],
      ],
    );
    assert.equal(await client.shown(), undefined);
  });

  test('before a release without a file for it is shown nothing, and no permit is spent', async () => {
    const stage = await onStage({}, false);
    const client = await ddiClient(stage.server, 'camera-1');
    await startRollout(stage.server, stage.plan);
    await stage.step();
    assert.equal(await client.shown(), undefined);
    assert.deepEqual([(await stage.outcomes()).length, countOf(stage, 'no-file')], [0, 1]);
  });

  test('whose way to show who it is the plan does not count is heard, and moves no evidence', async () => {
    const { stage, client, shown } = await shownOne({ ddiReportsCounted: ['certificate'] });
    assert.equal((await client.feedback(shown, 'closed', 'success')).status, 200);
    assert.equal((await stage.outcomes())[0]?.verifiedAt, undefined);
    assert.equal(
      (await stage.server.queries.listReports(stage.plan.rolloutId, { afterPosition: 0, limit: 9 })).length,
      1,
    );
    assert.equal(await client.shown(), undefined, 'and does not install it again');
  });
});

describe('who speaks for a DDI device', () => {
  test('is the device by its token, until it has a new one', async () => {
    const { server } = await onStage();
    const client = await ddiClient(server, 'camera-1');
    const stranger = speakingAs(server, client.deviceId, `${client.token}x`);
    assert.deepEqual(codeOf(await stranger.get('')), [401, 'ddi-token-invalid']);
    const renewed = await server.ddi.registrations.renewToken(client.deviceId, 'ada');
    assert.ok(renewed.ok);
    assert.deepEqual(codeOf(await client.get('')), [401, 'ddi-token-invalid']);
    assert.equal((await speakingAs(server, client.deviceId, renewed.value.targetToken ?? '').get('')).status, 200);
  });

  test('is a gateway by its token, for the devices of its scope alone, until it is removed', async () => {
    const { server } = await onStage();
    const client = await ddiClient(server, 'camera-1');
    const [ours, theirs] = await Promise.all(
      (['acme', 'globex'] as const).map(async (customer) => {
        const added = await server.ddi.gateways.add({ name: customer, where: `customer = ${customer}` }, 'ada');
        assert.ok(added.ok);
        return { headers: { authorization: `GatewayToken ${added.value.token}` } };
      }),
    );
    assert.ok(ours !== undefined && theirs !== undefined);
    assert.equal((await client.get('', ours)).status, 200);
    assert.deepEqual(codeOf(await client.get('', theirs)), [403, 'ddi-gateway-out-of-scope']);
    assert.ok((await server.ddi.gateways.remove('acme', 'ada')).ok);
    assert.deepEqual(codeOf(await client.get('', ours)), [401, 'ddi-token-invalid']);
  });

  test('is the certificate of its connection, whatever token is sent, and links are of https then', async () => {
    const { server } = await onStage();
    const client = await ddiClient(server, 'camera-1');
    const certificate = { deviceId: client.deviceId, serial: '1' as never, fingerprint: 'a'.repeat(64) as never };
    const shown = { certificate, isTls: true, headers: { authorization: 'TargetToken wrong' } };
    const { status, json } = await client.get('', shown);
    assert.equal(status, 200);
    assert.match(String(json._links?.configData?.href), /^https:\/\/ota\.example:8440\//);
    const other = { ...certificate, deviceId: 'camera-2' as never };
    assert.deepEqual(codeOf(await client.get('', { certificate: other })), [403, 'device-mismatch']);
  });

  test('is nobody under another tenant, for an unknown device, or for one of our own protocol', async () => {
    const { server } = await onStage();
    const client = await ddiClient(server, 'camera-1');
    const path = (tenant: string, deviceId: string) => ({ path: `/${tenant}/controller/v1/${deviceId}` });
    assert.deepEqual(codeOf(await client.get('', path('acme', 'camera-1'))), [404, 'tenant-unknown']);
    assert.equal((await client.get('', path('default', 'camera-1'))).status, 200);
    assert.deepEqual(codeOf(await client.get('', path('DEFAULT', 'camera-9'))), [401, 'device-unknown']);
    assert.deepEqual(codeOf(await client.get('', path('DEFAULT', '%ff'))), [404, 'route-unknown']);
  });
});

/** What SWUpdate says when it begins, and when all is installed. */
const [BEGINS, INSTALLED] = ['Installing Update Chunk Artifacts.', 'All Chunks Installed.'];

function codeOf(answer: { readonly status: number; readonly json: { readonly code?: unknown } }) {
  return [answer.status, answer.json.code];
}

async function viewOf({ server, plan }: Stage) {
  const view = await server.queries.showRollout(plan.rolloutId);
  assert.ok(view.ok);
  return view.value;
}

function countOf({ server }: Stage, code: string): number | undefined {
  return server.recorder.counters.read().ddi?.[code];
}
