// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { propertyOptions } from '@outrider/testkit/seed';
import { aDevice, anExposure, aSnapshot, id, NOW, type SmallDevice } from '@outrider/testkit/small-fleet';
import fc from 'fast-check';
import type { DeviceId, ReleaseId, RolloutId } from '../kernel/ids.ts';
import { after, DAY_MS, fleetInstant, HOUR_MS, hours } from '../kernel/time.ts';
import type { Exposure } from '../policy/exposure.ts';
import { armUnitOf, orderOf } from '../policy/place.ts';
import { answerPermit } from './answer-permit.ts';
import type { KnownDevice } from './device-record.ts';
import type { LedgerRow } from './ledger.ts';
import type { NotYet, PermitRequest } from './permit.ts';
import { permitIdOf } from './permit-id.ts';
import type { PermitProposal } from './ports.ts';
import { settlePermit } from './settle-permit.ts';
import type { PolicySnapshot } from './snapshot.ts';

describe('a device that asks for a permit', () => {
  test('is treated when its one fixed number lies below pi, else it is a control', () => {
    fc.assert(
      fc.property(anyDeviceId(), fc.constantFrom(0.2, 0.5, 10 / 11, 1), (deviceId, pi) => {
        const row = rowFor({ deviceId }, { pi });
        const unit = armUnitOf('salt-of-r1', row.deviceId);
        assert.equal(row.arm, unit < pi ? 'treated' : 'control');
        assert.deepEqual([row.enrolment, row.piBefore, row.pi, row.piEffective], [1, 0, pi, pi]);
      }),
      propertyOptions(),
    );
  });

  test('in a ring is treated without a coin, and says nothing about the coin', () => {
    const row = rowFor({ attributes: { tags: ['dogfood'] } }, { waveIndex: 0, pi: 0.2 });
    assert.deepEqual([row.arm, row.piEffective, row.isRing], ['treated', 1, true]);
  });

  test('always asks for the same permit, on whichever server', () => {
    assert.equal(rowFor({}, {}).permitId, rowFor({}, {}).permitId);
    assert.match(rowFor({}, {}).permitId, /^[0-9a-f]{32}$/);
    const { rolloutId, deviceId } = rowFor({}, {});
    const other = permitIdOf({ rolloutId, deviceId, kind: 'enrolment', enrolment: 2 });
    assert.notEqual(rowFor({}, {}).permitId, other);
  });

  test('and is enrolled lies in the prefix of the order that was open to it', () => {
    fc.assert(
      fc.property(anyDeviceId(), fc.nat(3_000), (deviceId, downloadsAllowed) => {
        const answer = ask({ deviceId }, { downloadsAllowed });
        const isInside = orderOf('salt-of-r1', id<DeviceId>(deviceId)) < downloadsAllowed / 3_000;
        assert.equal(codeOf(answer), isInside ? 'committable' : 'wave-not-open');
      }),
      propertyOptions(),
    );
  });

  test('brings into its row what had happened in the days before the coin, where that is known', () => {
    const device = aDevice();
    const withHistory = (since: number, slots: number): KnownDevice => {
      const status = { ...device.record.status, contactHistory: { since: fleetInstant(since), slots } };
      return { ...device, record: { ...device.record, status } };
    };
    const long = NOW - 10 * DAY_MS;
    assert.equal(rowOf(device, {}).hadCrashBefore, undefined);
    assert.equal(rowOf(device, { crashes: { knownForMs: hours(72), agesMs: [hours(30)] } }).hadCrashBefore, true);
    assert.equal(rowOf(device, { crashes: { knownForMs: hours(72), agesMs: [] } }).hadCrashBefore, false);
    assert.equal(rowOf(device, { crashes: { knownForMs: hours(71), agesMs: [] } }).hadCrashBefore, undefined);
    assert.equal(rowOf(device, {}).wasSilentBefore, undefined);
    assert.equal(rowOf(withHistory(long, 1), {}).wasSilentBefore, true);
    assert.equal(rowOf(withHistory(long, 4_095), {}).wasSilentBefore, false);
    assert.equal(rowOf(withHistory(NOW, 1), {}).wasSilentBefore, undefined);
  });

  test('is told of a full cap under the ceiling of an operator, whatever the evidence allows', () => {
    const known = aDevice();
    const limit = { kind: 'rollout-limited', rolloutId: id<RolloutId>('r1'), devices: 5, reason: 'Storm' } as const;
    const snapshot = aSnapshot([{ exposure: anExposure({ cap: 100, granted: 5 }) }], [limit]);
    assert.equal(codeOf(answerPermit(snapshot, known, requestOf(known), NOW)), 'cap-full');
  });

  test('is told of a full cap without a round trip, in neither arm enrolled', () => {
    assert.equal(codeOf(ask({}, { cap: 5, granted: 5 })), 'cap-full');
    const segments = anExposure().segments.map((one) => ({ ...one, cap: 1, granted: 1 }));
    assert.equal(codeOf(ask({}, { segments })), 'segment-cap-full');
  });

  test('gets none for a rollout or release that it was not offered', () => {
    const snapshot = aSnapshot([{}]);
    const request = requestOf(aDevice());
    const unknown = { ...request, rolloutId: id<RolloutId>('r9') };
    assert.equal(codeOf(answerPermit(snapshot, aDevice(), unknown, NOW)), 'no-offer');
    const other = { ...request, releaseId: id<ReleaseId>('camera-9.9.9') };
    assert.equal(codeOf(answerPermit(snapshot, aDevice(), other, NOW)), 'no-offer');
    assert.equal(codeOf(ask({ attributes: { deviceType: 'gateway' } }, {})), 'no-offer');
  });

  test('gets none after a pause', () => {
    const snapshot = aSnapshot([{ events: ['pause'] }]);
    assert.equal(codeOf(answerPermit(snapshot, aDevice(), requestOf(aDevice()), NOW)), 'rollout-not-running');
  });

  test('a second time gets the same permit, living on from now, under the present epoch', () => {
    const device = aDevice({ ledger: [treatedRow()] });
    const later = after(NOW, hours(5));
    const proposal = answerPermit(aSnapshot([{ events: ['pause', 'resume'] }]), device, requestOf(device), later);
    assert.ok('row' in proposal);
    assert.deepEqual(proposal.row, { ...treatedRow(), epoch: 2, grantedAt: later });
  });

  test('a second time gets it even when the cap is full: it was counted before', () => {
    const exposure = anExposure({ cap: 1, granted: 1 });
    const device = aDevice({ ledger: [treatedRow()] });
    assert.ok('row' in answerPermit(aSnapshot([{ exposure }]), device, requestOf(device), NOW));
  });
});

describe('a control that asks again', () => {
  const rowAt = (pi: number): LedgerRow => ({ ...treatedRow(), arm: 'control', pi, piEffective: pi, isPanel: false });
  const askAgain = (pi: number, afterHours: number, deviceId = 'd1') => {
    const device = aDevice({ deviceId, ledger: [rowAt(0.2)] });
    const snapshot = aSnapshot([{ exposure: anExposure({ pi }) }]);
    return answerPermit(snapshot, device, requestOf(device), after(NOW, hours(afterHours)));
  };

  test('waits until its outcome windows have closed and pi has risen', () => {
    assert.equal(codeOf(askAgain(0.5, 71)), 'control-arm');
    assert.equal(codeOf(askAgain(0.2, 73)), 'control-arm');
    assert.equal(codeOf(askAgain(0.5, 73)), 'committable');
  });

  test('is enrolled anew under the effective pi of its stratum', () => {
    const proposal = askAgain(0.5, 73);
    assert.ok('row' in proposal);
    assert.deepEqual([proposal.row.enrolment, proposal.row.piBefore, proposal.row.pi], [2, 0.2, 0.5]);
    assert.ok(Math.abs(proposal.row.piEffective - 0.375) < 1e-12);
  });

  test('turns treated exactly when its one fixed number lies below the new pi', () => {
    fc.assert(
      fc.property(anyDeviceId(), (deviceId) => {
        const proposal = askAgain(0.5, 73, deviceId);
        assert.ok('row' in proposal);
        assert.equal(proposal.row.arm, armUnitOf('salt-of-r1', proposal.row.deviceId) < 0.5 ? 'treated' : 'control');
      }),
      propertyOptions(),
    );
  });

  test('is released for certain once the rollout is complete', () => {
    const proposal = askAgain(1, 73);
    assert.ok('row' in proposal);
    assert.deepEqual([proposal.row.arm, proposal.row.piEffective], ['treated', 1]);
  });
});

describe('a device that asks for the way back', () => {
  const snapshot = aSnapshot([{ events: ['halt', 'roll-back'], exposure: anExposure({ cap: 1, granted: 1 }) }]);
  const askBack = (device: KnownDevice) => {
    const request = { ...requestOf(device), releaseId: id<ReleaseId>('camera-1.1.0-back'), isRollback: true };
    return answerPermit(snapshot, device, request, NOW);
  };

  test('gets it without a cap and without a coin, as a row of its own', () => {
    const proposal = askBack(aDevice({ releaseCounter: 2, version: '1.1.0', ledger: [treatedRow()] }));
    assert.ok('row' in proposal);
    const { kind, enrolment, arm, piEffective, releaseId } = proposal.row;
    assert.deepEqual(
      [kind, enrolment, arm, piEffective, releaseId],
      ['rollback', 0, 'treated', 1, 'camera-1.1.0-back'],
    );
  });

  test('gets none when it was never given the release, or runs the old one', () => {
    assert.equal(codeOf(askBack(aDevice({ releaseCounter: 2, version: '1.1.0' }))), 'rollout-not-running');
    assert.equal(codeOf(askBack(aDevice({ ledger: [treatedRow()] }))), 'rollout-not-running');
  });

  test('gets none while the rollout does not go back', () => {
    const device = aDevice({ releaseCounter: 2, version: '1.1.0', ledger: [treatedRow()] });
    const request = { ...requestOf(device), releaseId: id<ReleaseId>('camera-1.1.0-back'), isRollback: true };
    assert.equal(codeOf(answerPermit(aSnapshot([{}]), device, request, NOW)), 'rollout-not-running');
  });
});

describe('what the store says', () => {
  const snapshot = aSnapshot([{}]);
  const context = { live: liveOf(snapshot), sequence: 2 };
  const proposal: PermitProposal = { row: treatedRow(), region: 'eu' };

  test('a committed treated row becomes a permit for this device, release, counter and epoch', () => {
    const settled = settlePermit(proposal, { kind: 'committed', row: treatedRow() }, context);
    assert.ok(settled.kind === 'permit');
    const { permitId, deviceId, releaseId, releaseCounter, epoch, lifeMs } = settled.document;
    assert.deepEqual([permitId, deviceId, releaseId], [treatedRow().permitId, 'd1', 'camera-1.1.0']);
    assert.deepEqual([releaseCounter, epoch, lifeMs], [2, 1, HOUR_MS]);
  });

  test('the row that holds decides about the arm, even against the proposal', () => {
    const settled = settlePermit(proposal, { kind: 'committed', row: { ...treatedRow(), arm: 'control' } }, context);
    assert.equal(settled.kind === 'not-yet' && settled.code, 'control-arm');
  });

  test('a refusal of the store reaches the device by its name', () => {
    const settled = settlePermit(proposal, { kind: 'refused', code: 'epoch-moved' }, context);
    assert.equal(settled.kind === 'not-yet' && settled.code, 'epoch-moved');
  });

  test('the twin is permitted under the counter of the twin', () => {
    const row: LedgerRow = { ...treatedRow(), kind: 'rollback', enrolment: 0 };
    const settled = settlePermit({ row, region: 'eu' }, { kind: 'committed', row }, context);
    assert.equal(settled.kind === 'permit' && settled.document.releaseCounter, 3);
  });
});

function liveOf(snapshot: PolicySnapshot) {
  const live = snapshot.rollouts.get(id<RolloutId>('r1'));
  assert.ok(live !== undefined);
  return live;
}

function requestOf({ record }: KnownDevice) {
  return {
    deviceId: record.deviceId,
    sequence: 2,
    rolloutId: id<RolloutId>('r1'),
    releaseId: id<ReleaseId>('camera-1.1.0'),
    isRollback: false,
  };
}

function ask(device: SmallDevice, exposure: Partial<Exposure>): PermitProposal | NotYet {
  const known = aDevice(device);
  return answerPermit(aSnapshot([{ exposure: anExposure(exposure) }]), known, requestOf(known), NOW);
}

function rowOf(known: KnownDevice, asked: Partial<PermitRequest>): LedgerRow {
  const proposal = answerPermit(aSnapshot([{ exposure: anExposure() }]), known, { ...requestOf(known), ...asked }, NOW);
  assert.ok('row' in proposal);
  return proposal.row;
}

function rowFor(device: SmallDevice, exposure: Partial<Exposure>): LedgerRow {
  const proposal = ask(device, exposure);
  assert.ok('row' in proposal);
  return proposal.row;
}

function treatedRow(): LedgerRow {
  return rowFor({}, { pi: 1 });
}

function codeOf(answer: PermitProposal | NotYet): string {
  return 'row' in answer ? 'committable' : answer.code;
}

function anyDeviceId(): fc.Arbitrary<string> {
  return fc.nat(1_000_000).map((number) => `device-${number}`);
}
