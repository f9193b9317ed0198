// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startPostgresForTests } from '@outrider/adapters/server/postgres/postgres-for-tests';
import { openPostgresStore } from '@outrider/adapters/server/postgres/store';
import { digestText } from '@outrider/adapters/shared/digest';
import { parseCertificateSerial } from '@outrider/domain/gateway/device-authentication';
import type { DeviceRecord } from '@outrider/domain/gateway/device-record';
import { present } from '@outrider/domain/kernel/assert';
import type { DeviceId, KeyId } from '@outrider/domain/kernel/ids';
import { encodeCheckIn } from '@outrider/protocol/gateway/check-in';
import { aroundStore } from '@outrider/testkit/around-store';
import { memoryBlobs } from '@outrider/testkit/memory-store/blobs';
import { aDevice } from '@outrider/testkit/small-fleet';
import { rehearse, SOON } from '../rehearsal.ts';
import type { DeviceRequest } from './device-request.ts';

const postgres = await startPostgresForTests();
const store = await openPostgresStore({ connection: await postgres.createDatabase() });
const calls: string[] = [];
const counted = aroundStore(store, (name, work) => {
  calls.push(name);
  return work();
});
const { server } = rehearse({ store: counted, blobs: memoryBlobs(), schedule: SOON });
after(async () => {
  await server.close();
  await store.close();
  await postgres.remove();
});

const DEVICES = 1_500;
const { record } = aDevice();
const fleet: readonly DeviceRecord[] = Array.from({ length: DEVICES }, (_, number) => ({
  ...record,
  deviceId: `device-${number}` as DeviceId,
  // Nobody signs here: a key is held by one device, that is all.
  publicKey: {
    publicKey: Buffer.from(digestText(`key ${number}`), 'hex').toString('base64'),
    keyId: digestText(`key id ${number}`) as string as KeyId,
  },
}));
/** Fifty devices each, and more. */
const READS_MAX = DEVICES / 50;
const fingerprint = digestText('a certificate');
const serial = present(parseCertificateSerial('01'), 'a serial number');

test('a check-in in the steady state asks the database nothing, and a thousand contacts are written by one statement', async () => {
  for (let first = 0; first < DEVICES; first += 500) await store.registry.register(fleet.slice(first, first + 500));
  await server.drain();
  // Nobody is in memory: what is missed at one time is read at one time.
  const [before] = [calls.length];
  const first = await Promise.all(fleet.map((one) => server.handleDevice(checkInOf(one, 1))));
  assert.ok(first.every(({ status }) => status === 200));
  const reads = calls.slice(before).filter((name) => name === 'registry.loadDevices');
  assert.ok(reads.length <= READS_MAX, `${reads.length} reads of ${DEVICES} devices, allowed are ${READS_MAX}`);
  await server.drain();

  calls.length = 0;
  for (let sequence = 2; sequence < 5; sequence++) {
    for (const one of fleet) {
      const answer = server.handleDeviceAtOnce(checkInOf(one, sequence));
      assert.ok(!(answer instanceof Promise), 'nothing has to be signed');
      assert.equal(answer?.status, 200);
    }
  }
  assert.equal(calls.length, 0, `${calls.join(' ')}: nothing is asked while devices are answered`);
  await server.drain();
  const writes = calls.filter((name) => name.startsWith('registry.store'));
  assert.ok(writes.length <= (3 * DEVICES) / 1_000 + 1, `${writes.length} statements for ${3 * DEVICES} contacts`);
  const [stored] = await store.registry.loadDevices([present(fleet[7], 'a device').deviceId]);
  assert.equal(stored?.record.status.sequence, 4);
});

function checkInOf({ deviceId, status: { running, state } }: DeviceRecord, sequence: number): DeviceRequest {
  return {
    method: 'POST',
    path: '/v1/check-in',
    headers: { 'content-type': 'application/json' },
    body: encodeCheckIn({ deviceId, sequence, running, state }),
    certificate: { deviceId, serial, fingerprint },
  };
}
