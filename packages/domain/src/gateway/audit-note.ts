// SPDX-License-Identifier: Apache-2.0
import type { Result } from '../kernel/result.ts';
import type { FleetInstant } from '../kernel/time.ts';
import type { AuditNote, ChangedBy } from '../trust/audit.ts';
import type { AppliedImport, DeviceImport } from './device-import.ts';
import { describeTagChange, type TagChange } from './tag-change.ts';

/** A line that people read; which device has what stands in the document. */
const DETAIL_MAX = 500;

/** What the audit log says of a batch of an import; undefined when it changed nothing. */
export function importNote(
  lines: readonly DeviceImport[],
  decided: readonly Result<AppliedImport, unknown>[],
  { tagged, ...by }: ChangedBy & { readonly at: FleetInstant; readonly tagged?: TagChange },
): AuditNote | undefined {
  const changed = lines.flatMap((line, index) => {
    const one = decided[index];
    return one?.ok === true && one.value.kind !== 'unchanged' ? [{ line, kind: one.value.kind }] : [];
  });
  const [first] = changed;
  const last = changed.at(-1);
  if (first === undefined || last === undefined) return undefined;
  const announced = changed.filter((one) => one.kind === 'announced').length;
  const range = changed.length === 1 ? first.line.deviceId : `${first.line.deviceId} and ${changed.length - 1} more`;
  return {
    ...by,
    action: tagged === undefined ? 'devices-imported' : 'devices-tagged',
    subject: range,
    detail:
      tagged === undefined
        ? `${announced} announced, ${changed.length - announced} updated`
        : describeTagChange(tagged).slice(0, DETAIL_MAX),
    document: { kind: 'import', value: changed.map((one) => one.line) },
  };
}
