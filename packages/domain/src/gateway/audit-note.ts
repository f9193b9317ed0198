// SPDX-License-Identifier: Apache-2.0
import type { Result } from '../kernel/result.ts';
import type { FleetInstant } from '../kernel/time.ts';
import type { AuditNote, ChangedBy } from '../trust/audit.ts';
import type { AppliedImport, DeviceImport } from './device-import.ts';

/** What the audit log says of a batch of an import; undefined when it changed nothing. */
export function importNote(
  lines: readonly DeviceImport[],
  decided: readonly Result<AppliedImport, unknown>[],
  by: ChangedBy & { readonly at: FleetInstant },
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
    action: 'devices-imported',
    subject: range,
    detail: `${announced} announced, ${changed.length - announced} updated`,
    document: { kind: 'import', value: changed.map((one) => one.line) },
  };
}
