// SPDX-License-Identifier: Apache-2.0

import { joinedHistory } from '@outrider/domain/gateway/contact-history';
import { admitExpected } from '@outrider/domain/gateway/device-import';
import type { DeviceRecord, ReportedState } from '@outrider/domain/gateway/device-record';
import type { Registry } from '@outrider/domain/gateway/ports';
import type { DeviceId } from '@outrider/domain/kernel/ids';
import { err, ok } from '@outrider/domain/kernel/result';
import type { MemoryState } from './state.ts';

export function memoryRegistry(state: MemoryState): Registry {
  const { devices } = state;
  /** Device ids in ascending order; made anew by the first page after a registration. */
  let ordered: readonly DeviceId[] | undefined;

  function register(record: DeviceRecord) {
    const known = devices.get(record.deviceId);
    if (known !== undefined) {
      return known.publicKey.publicKey === record.publicKey.publicKey
        ? ok(known)
        : err({ code: 'device-key-differs' } as const);
    }
    const expected = state.expected.get(record.deviceId);
    const admitted = expected === undefined ? ok(record.attributes) : admitExpected(expected, record);
    if (!admitted.ok) return admitted;
    const registered = { ...record, attributes: admitted.value };
    devices.set(record.deviceId, registered);
    if (expected !== undefined) {
      state.expected.delete(record.deviceId);
      state.attributeRevisions.set(record.deviceId, expected.attributesRevision);
    }
    ordered = undefined;
    return ok(registered);
  }

  return {
    async register(records) {
      return records.map(register);
    },
    async loadDevices(deviceIds) {
      return [...new Set(deviceIds)].flatMap((deviceId) => {
        const record = devices.get(deviceId);
        if (record === undefined) return [];
        const rows = (state.ledgerOfDevice.get(deviceId) ?? []).map((entry) => entry.outcome.row);
        return [{ record, ledger: rows }];
      });
    },
    async storeStatuses(updates) {
      for (const { deviceId, status } of updates) {
        const known = devices.get(deviceId);
        if (known === undefined || status.sequence <= known.status.sequence) continue;
        const contactHistory = joinedHistory(known.status, status);
        const joined = contactHistory === undefined ? status : { ...status, contactHistory };
        devices.set(deviceId, { ...known, status: joined });
      }
    },
    async countStates() {
      const counts = new Map<ReportedState, number>();
      for (const { status } of devices.values()) counts.set(status.state, (counts.get(status.state) ?? 0) + 1);
      return counts;
    },
    async listDevices({ after, limit }) {
      ordered ??= [...devices.keys()].sort();
      const start = after === undefined ? 0 : firstAfter(ordered, after);
      return ordered.slice(start, start + limit).flatMap((deviceId) => devices.get(deviceId) ?? []);
    },
  };
}

/** Index of the first id greater than `after`, by bisection. */
function firstAfter(ordered: readonly DeviceId[], after: DeviceId): number {
  let low = 0;
  let high = ordered.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const one = ordered[middle];
    if (one !== undefined && one <= after) low = middle + 1;
    else high = middle;
  }
  return low;
}
