// SPDX-License-Identifier: Apache-2.0

/** What an entry of the audit log is about. Codes never change; a later version may have more. */
export const AUDIT_ACTIONS = {
  'audit-begun': 'The audit log began, with the first start of a program that keeps one',
  'rollout-created': 'A rollout was created as a draft',
  'rollout-approve': 'A rollout was approved',
  'rollout-start': 'A rollout was started',
  'rollout-pause': 'A rollout was paused',
  'rollout-resume': 'A rollout was resumed',
  'rollout-halt': 'A rollout was halted for good',
  'rollout-cancel': 'A rollout was cancelled',
  'rollout-complete': 'A rollout was released to its whole audience',
  'rollout-roll-back': 'The way back of a rollout was begun',
  'rollout-rolled-back': 'The way back of a rollout has ended',
  'rollout-chartered': 'What approvers have signed for a rollout was put in force',
  'rollout-limited': 'A ceiling of a rollout was set or lifted',
  'evidence-excluded': 'Reports of devices were taken out of the counts of a rollout',
  'evidence-included': 'Reports of devices count for a rollout again',
  'rollout-flagged': 'A person spoke against a rollout',
  'region-halted': 'A region of a rollout was halted',
  'segment-halted': 'A segment of a rollout was halted',
  'scope-paused': 'Everything was paused, globally or in a region',
  'scope-resumed': 'What was paused globally or in a region may go on',
  'freeze-set': 'A time without new permits was ordered, or changed',
  'freeze-lifted': 'A time without new permits was lifted',
  'exclusion-set': 'Devices were excluded from all rollouts',
  'exclusion-lifted': 'Devices that were excluded may take part again',
  'group-set': 'A group was created or changed',
  'group-removed': 'A group was removed',
  'devices-tagged': 'Tags of devices were added or taken away',
  'release-published': 'A release was published',
  'release-withdrawn': 'A release was withdrawn',
  'device-revoked': 'The key of a device was revoked',
  'device-reinstated': 'A key of a device that was revoked counts again',
  'device-tpm-forgotten': 'The TPM of a device was forgotten: its next quote enrols one',
  'device-clone-suspected': 'A key of a device was seen in two places',
  'token-issued': 'A token to register devices with was made',
  'devices-imported': 'Devices were announced, or attributes of devices were changed',
  'ddi-devices-added': 'Devices that speak DDI were registered',
  'ddi-device-changed': 'The token, the certificate or the window of a DDI device was changed',
  'ddi-gateways-changed': 'A token by which a gateway speaks for DDI devices was made or taken back',
  'clock-accepted': 'A person vouched for the wall clock after a jump',
  'installation-restored': 'The installation was restored from a backup, and everything paused',
  'token-in-force': 'From now on this token is the valid one',
  'key-in-force': 'From now on this key signs permits',
  'token-created': 'A service token was made',
  'token-revoked': 'A service token was revoked',
  'signed-in': 'A person signed in at the console',
  'break-glass-used': 'A session was begun with the token of the administrator',
  'person-blocked': 'A person was shut out',
  'person-unblocked': 'A person who was shut out may come in again',
  'role-in-force': 'From now on these keys, by this threshold, may sign releases or approve',
} as const;

/** One of the actions. */
export type AuditAction = keyof typeof AUDIT_ACTIONS;

/** Documents whose digests stand in the log. The first three lie in the store and are compared with it. */
export type AuditDocumentKind = ComparedKind | 'import' | 'setting';

/** Kinds of documents that an audit can look up. */
export type ComparedKind = 'policy-entry' | 'release' | 'withdrawal';

/** Whether a kind, perhaps of a later version, is one that can be looked up. */
export function isCompared(kind: string): kind is ComparedKind {
  return kind === 'policy-entry' || kind === 'release' || kind === 'withdrawal';
}
