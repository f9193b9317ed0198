// SPDX-License-Identifier: Apache-2.0

import { admitRegistrations, BY_THE_FLEET } from '@outrider/domain/gateway/admit-registration';
import { joinedHistory } from '@outrider/domain/gateway/contact-history';
import type { ReportedState } from '@outrider/domain/gateway/device-record';
import type { Registry } from '@outrider/domain/gateway/ports';
import { present } from '@outrider/domain/kernel/assert';
import type { DeviceId } from '@outrider/domain/kernel/ids';
import { ok } from '@outrider/domain/kernel/result';
import type { MemoryState } from './state.ts';

export function memoryRegistry(state: MemoryState): Registry {
  const { devices } = state;
  /** Device ids in ascending order; made anew by the first page after a registration. */
  let ordered: readonly DeviceId[] | undefined;

  return {
    async register(records, world = BY_THE_FLEET) {
      const { expected, tokens, keyHolders } = state;
      const held = { devices, expected, tokens, keyHolders };
      return admitRegistrations(records, held, world).map((admitted) => {
        if (!admitted.ok) return admitted;
        const effect = admitted.value;
        if (effect.kind === 'known') return ok(effect.record);
        const { deviceId } = effect.record;
        devices.set(deviceId, effect.record);
        keyHolders.set(effect.record.publicKey.keyId, deviceId);
        if (effect.token !== undefined) tokens.set(effect.token.digest, effect.token);
        const announced = expected.get(deviceId);
        if (announced !== undefined) {
          expected.delete(deviceId);
          state.attributeRevisions.set(deviceId, announced.attributesRevision);
        }
        ordered = undefined;
        return ok(effect.record);
      });
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
    async storeContacts({ deviceIds, sequences, lastContactsAt, since, slots }) {
      for (const [index, deviceId] of deviceIds.entries()) {
        const known = devices.get(deviceId);
        const sequence = present(sequences[index], 'columns of equal length');
        if (known === undefined || sequence <= known.status.sequence) continue;
        const { running, state: told } = known.status;
        const lastContactAt = present(lastContactsAt[index], 'columns of equal length');
        const heard = { since: since[index] ?? lastContactAt, slots: slots[index] ?? 0 };
        const status = { sequence, lastContactAt, running, state: told, contactHistory: heard };
        const contactHistory = joinedHistory(known.status, status) ?? heard;
        devices.set(deviceId, { ...known, status: { ...status, contactHistory } });
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
