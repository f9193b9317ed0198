// SPDX-License-Identifier: Apache-2.0
import { importNote } from '@outrider/domain/gateway/audit-note';
import { type DeviceImport, decideImport, type ImportedBefore } from '@outrider/domain/gateway/device-import';
import type { DeviceImporter } from '@outrider/domain/gateway/finder-ports';
import type { DeviceId } from '@outrider/domain/kernel/ids';
import { err } from '@outrider/domain/kernel/result';
import type { FleetInstant } from '@outrider/domain/kernel/time';
import { appendAudit } from './audit.ts';
import type { MemoryState } from './state.ts';

export function memoryImporter(state: MemoryState): DeviceImporter {
  function write(line: DeviceImport, attributesRevision: number, now: FleetInstant): void {
    const { deviceId, attributes } = line;
    const record = state.devices.get(deviceId);
    if (record === undefined) {
      const before = state.expected.get(deviceId);
      const publicKey = before?.publicKey ?? line.publicKey;
      state.expected.set(deviceId, {
        deviceId,
        attributes,
        ...(publicKey === undefined ? {} : { publicKey }),
        attributesRevision,
        expectedSince: before?.expectedSince ?? now,
      });
      return;
    }
    state.devices.set(deviceId, { ...record, attributes });
    state.attributeRevisions.set(deviceId, attributesRevision);
    state.attributeChanges.push({ position: state.attributeChanges.length + 1, deviceId, attributes });
  }

  return {
    async importDevices(lines, { now, author, request, isDryRun, reach, tagged }) {
      const seen = new Set<DeviceId>();
      const decided = lines.map((line) => {
        if (seen.has(line.deviceId)) {
          const detail = 'An earlier line of the same batch is about this device; keep one of them';
          return err({ code: 'device-repeated', detail } as const);
        }
        seen.add(line.deviceId);
        return decideImport(beforeOf(state, line.deviceId), line, reach);
      });
      if (isDryRun) return decided;
      const changed = lines.flatMap((line, index) => {
        const one = decided[index];
        if (one === undefined || !one.ok || one.value.kind === 'unchanged') return [];
        return [{ line, attributesRevision: one.value.attributesRevision }];
      });
      // In the order of their ids, as PostgreSQL writes them.
      changed.sort((a, b) => (a.line.deviceId < b.line.deviceId ? -1 : 1));
      for (const { line, attributesRevision } of changed) write(line, attributesRevision, now);
      const by = { at: now, actor: author, ...request, ...(tagged === undefined ? {} : { tagged }) };
      const note = importNote(lines, decided, by);
      if (note !== undefined) appendAudit(state, note);
      return decided;
    },
    async listExpected({ after = '', limit }) {
      return [...state.expected.values()]
        .filter(({ deviceId }) => deviceId > after)
        .sort((a, b) => (a.deviceId < b.deviceId ? -1 : 1))
        .slice(0, limit);
    },
    async loadAttributeChanges({ afterPosition, limit }) {
      return state.attributeChanges.slice(afterPosition, afterPosition + limit);
    },
    async lastAttributeChange() {
      return state.attributeChanges.length;
    },
  };
}

function beforeOf(state: MemoryState, deviceId: DeviceId): ImportedBefore | undefined {
  const record = state.devices.get(deviceId);
  if (record !== undefined) {
    const { attributes, publicKey } = record;
    const attributesRevision = state.attributeRevisions.get(deviceId) ?? 1;
    return { kind: 'registered', attributes, publicKey: publicKey.publicKey, attributesRevision };
  }
  const expected = state.expected.get(deviceId);
  return expected === undefined ? undefined : { kind: 'expected', ...expected };
}
