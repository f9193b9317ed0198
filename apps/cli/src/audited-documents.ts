// SPDX-License-Identifier: Apache-2.0
import type { ComparedKind } from '@outrider/domain/trust/audit-actions';

/** Something that the audit log holds the digest of. */
export interface AuditedDocument {
  readonly kind: ComparedKind;
  readonly name: string | number;
  readonly value: object;
}

/** An entry of the policy log as it came: with all its fields, also those that this version does not know. */
export function documentsOfPolicy(entry: unknown): readonly AuditedDocument[] {
  const fields = fieldsOf(entry);
  const { revision } = fields;
  return typeof revision === 'number' ? [{ kind: 'policy-entry', name: revision, value: fields }] : [];
}

/** A release as it came: what was published, and, where it was withdrawn, the mark. */
export function documentsOfRelease(release: unknown): readonly AuditedDocument[] {
  const { withdrawnAt, withdrawnReason, ...published } = fieldsOf(release);
  const { releaseId } = fieldsOf(published.manifest);
  if (typeof releaseId !== 'string') return [];
  const publication: AuditedDocument = { kind: 'release', name: releaseId, value: published };
  if (withdrawnAt === undefined) return [publication];
  return [publication, { kind: 'withdrawal', name: releaseId, value: { releaseId, withdrawnAt, withdrawnReason } }];
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
