// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PermitDocument } from '@outrider/domain/gateway/permit';
import type { DeviceId } from '@outrider/domain/kernel/ids';
import { fleetInstant, MINUTE_MS } from '@outrider/domain/kernel/time';
import { parsePermitDocument } from '@outrider/protocol/gateway/permit';
import { memoryStore } from '@outrider/testkit/memory-store';
import { memoryBlobs } from '@outrider/testkit/memory-store/blobs';
import { composeServer } from '../compose.ts';
import { manifestOf, planOf, rehearse, SOON, signed, startRollout } from '../rehearsal.ts';
import { type RehearsedDevice, rehearsedDevice, sendTo } from '../rehearsed-device.ts';

/** A rollout of one ring, and its first devices with their permits. */
async function onStage(deviceCount: number) {
  const { ports } = rehearse({ store: memoryStore(), blobs: memoryBlobs(), schedule: SOON });
  const server = composeServer(ports);
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
  await startRollout(server, plan);
  async function view() {
    const shown = await server.queries.showRollout(plan.rolloutId);
    assert.ok(shown.ok);
    return shown.value;
  }
  return { server, plan, devices, view };
}

async function permitOf(device: RehearsedDevice | undefined): Promise<PermitDocument> {
  const offer = await device?.checkIn();
  assert.ok(device !== undefined && offer?.kind === 'offer');
  const answer = await device.askPermit(offer);
  assert.ok(answer.kind === 'permit', JSON.stringify(answer));
  const permit = parsePermitDocument(answer.permit.payload);
  assert.ok(permit.ok);
  await device.report('verified', permit.value);
  return permit.value;
}

test('drivers of two treated devices pause a rollout by their own devices, and move no count', async () => {
  const { server, plan, devices, view } = await onStage(6);
  const [first, second, third] = devices;
  const permits = [await permitOf(first), await permitOf(second)] as const;
  const before = (await view()).rollout.revision;
  await server.step(fleetInstant(server.queries.status().fleetTime + 10 * MINUTE_MS));
  const counted = (await view()).evidence;

  const sequence = (first?.lastSequence() ?? 0) + 1;
  await first?.report('driver-flag', permits[0], sequence);
  assert.equal((await view()).rollout.state, 'running', 'one driver may be mistaken');
  const repeated = await first?.report('driver-flag', permits[0], sequence);
  assert.equal(repeated, 'duplicate');
  await first?.report('driver-flag', permits[0]);
  const { flags } = (await view()).rollout;
  assert.equal(flags?.length, 1, 'a device flags a rollout once, however often it says so');
  assert.deepEqual(
    { ...flags?.[0], revision: undefined, at: undefined },
    {
      severity: 'safety',
      reason: 'The driver gave no reason',
      deviceId: 'camera-0',
      isTreated: true,
      by: 'device:camera-0',
      revision: undefined,
      at: undefined,
    },
  );

  // Not enrolled: its driver saw nothing of the release, and what it says is no error of the device.
  const unenrolled = { ...permits[0], deviceId: 'camera-2' } as PermitDocument;
  assert.equal(await third?.report('driver-flag', unenrolled), 'unmatched');
  assert.equal((await view()).rollout.flags?.length, 1);

  await second?.report('driver-flag', permits[1]);
  const { rollout } = await view();
  assert.equal(rollout.state, 'paused');
  assert.match(rollout.reason, /Flagged by drivers/);
  assert.ok(rollout.revision > before);
  await server.step(fleetInstant(server.queries.status().fleetTime + 10 * MINUTE_MS));
  const { evidence, decision } = await view();
  assert.deepEqual(evidence?.base, counted?.base, 'no test has heard of it');
  assert.deepEqual(evidence?.closed, counted?.closed);
  assert.notEqual(decision?.overall.kind, 'halt');
  assert.equal(plan.rolloutId, rollout.plan.rolloutId);
});

test('an unsigned word of a driver is refused and flags nothing', async () => {
  const { server, devices, view } = await onStage(3);
  const [first] = devices;
  const permit = await permitOf(first);
  const body = JSON.stringify({ ...permit, event: 'driver-flag' });
  const request = first?.signedRequest('/v1/report', body);
  assert.ok(request !== undefined);
  const { status } = await server.handleDevice({ ...request, body: body.replace('driver-flag', 'driver-flags') });
  assert.equal(status, 401);
  assert.equal((await view()).rollout.flags, undefined);
});

test('a safety flag about one region pauses that region and not the rollout; a note pauses nothing', async () => {
  const { server, plan, view } = await onStage(3);
  const flag = { rolloutId: plan.rolloutId, reason: 'Ice on the brakes', author: 'ada' } as const;
  assert.ok((await server.policy.flag({ ...flag, severity: 'note', region: 'north' })).ok);
  assert.deepEqual(server.queries.status().pausedScopes, []);
  const flagged = await server.policy.flag({ ...flag, severity: 'safety', region: 'north' });
  assert.ok(flagged.ok, JSON.stringify(flagged));
  assert.ok(flagged.value.openPermits !== undefined, 'the receipt names who still holds a permit there');
  const { rollout } = await view();
  assert.equal(rollout.state, 'running');
  assert.deepEqual(
    rollout.flags?.map(({ severity, region }) => ({ severity, region })),
    [
      { severity: 'note', region: 'north' },
      { severity: 'safety', region: 'north' },
    ],
  );
  assert.deepEqual(server.queries.status().pausedScopes, [{ scope: 'region:north', isIncludingRollback: false }]);
  const again = await server.policy.flag({ ...flag, severity: 'safety', region: 'north' });
  assert.ok(again.ok, 'a second flag is recorded beside the pause that is there');
  const both = await server.policy.flag({
    ...flag,
    severity: 'safety',
    region: 'north',
    deviceId: 'camera-0' as DeviceId,
  });
  assert.equal(!both.ok && both.error.code, 'body-malformed');
});
