// SPDX-License-Identifier: Apache-2.0

/** A place where the audit log is not what was written. */
export interface AuditFault {
  readonly code: AuditFaultCode;
  /** Of the entry; zero where there is none. */
  readonly sequence: number;
  /** The document it is about, or what was seen. */
  readonly about?: string;
}

/** One sentence for each way in which an audit log can be wrong. */
export const AUDIT_FAULTS = {
  'digest-differs': 'The text of an entry does not have the digest that is stored with it: it was changed afterwards',
  'link-broken': 'An entry does not carry the digest of the one before: one of the two was changed or replaced',
  'sequence-broken': 'An entry does not have the number of its place: entries were dropped or swapped',
  'entry-unreadable': 'The text of an entry is no audit entry',
  'entry-repeated': 'Two entries speak of the same change',
  'entry-missing': 'The policy log or the catalogue holds a change that the audit log does not speak of',
  'document-differs': 'What lies in the policy log or the catalogue is not what was written there',
  'document-missing': 'The audit log speaks of a change that is no longer in the policy log or the catalogue',
  'head-differs': 'The chain has another end than the one that is stored, or an entry behind it',
  'chain-cut-off': 'The chain ends before the end that is stored: its last entries are gone',
  'head-not-in-chain': 'The digest that was noted is nowhere in the chain: it was cut off or written anew',
} as const;

/** One of these. Codes never change. */
export type AuditFaultCode = keyof typeof AUDIT_FAULTS;
