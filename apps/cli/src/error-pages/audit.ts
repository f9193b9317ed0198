// SPDX-License-Identifier: Apache-2.0
import { AUDIT_FAULTS, type AuditFaultCode } from '@outrider/domain/trust/audit-faults';
import type { ErrorArea } from './area.ts';

const NOT_MENDED = 'Nothing is mended by itself: what is stored stays as it was found.';
const COMPARE = 'Verify the newest backup with --from-backup: the entry in it is the one that was written.';
const RUNBOOK = 'Keep the output, find out who had the database, and follow docs/audit.md.';

const DO: Readonly<Record<AuditFaultCode, string>> = {
  'digest-differs': COMPARE,
  'link-broken': COMPARE,
  'sequence-broken': COMPARE,
  'entry-unreadable': COMPARE,
  'entry-repeated': RUNBOOK,
  'entry-missing':
    'While servers of a version before the audit log run, start one of this version again: it brings their changes in. Otherwise follow docs/audit.md.',
  'document-differs': 'Pause globally: what is in force may not be what people decided. Then follow docs/audit.md.',
  'document-missing': 'Pause globally: what is in force may not be what people decided. Then follow docs/audit.md.',
  'head-differs': COMPARE,
  'chain-cut-off': COMPARE,
  'head-not-in-chain':
    'Look whether the installation was restored from a backup made before the head was noted: its entry `installation-restored` says so. Otherwise follow docs/audit.md.',
};

/** What `outrider audit verify` can find. */
export const auditArea: ErrorArea = {
  name: 'audit',
  title: 'What a verification of the audit log finds',
  intro: 'The code behind each finding of `outrider audit verify`, and in `faults` with --json.',
  codes: Object.fromEntries(
    Object.entries(AUDIT_FAULTS).map(([code, text]) => [
      code,
      [`${text}.`, NOT_MENDED, new Map<string, string>(Object.entries(DO)).get(code) ?? RUNBOOK] as const,
    ]),
  ),
};
