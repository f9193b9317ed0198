// SPDX-License-Identifier: Apache-2.0
import { TABLES } from './migrations/0001-tables.ts';
import { APPEND_ONLY } from './migrations/0002-append-only.ts';
import { PERMITS } from './migrations/0003-permits.ts';
import { EVIDENCE } from './migrations/0004-evidence.ts';
import { LATER_CONTACTS } from './migrations/0005-later-contacts.ts';
import { FIND_DEVICES } from './migrations/0006-find-devices.ts';
import { EVIDENCE_BEFORE } from './migrations/0007-evidence-before.ts';
import { AUDIT } from './migrations/0008-audit.ts';
import { HALTED_REGIONS } from './migrations/0009-halted-regions.ts';
import { DECISION_LEASE } from './migrations/0010-decision-lease.ts';
import { IDENTITIES } from './migrations/0011-identities.ts';
import { PEOPLE } from './migrations/0012-people.ts';
import { DDI } from './migrations/0013-ddi.ts';
import { PROFILE_BOUNDS } from './migrations/0014-profile-bounds.ts';
import { VERSION_MANIFESTS } from './migrations/0015-version-manifests.ts';

/** One step of the schema, applied once, whole or not at all. */
export interface Migration {
  /** As its file is called: the number is its place in the list. */
  readonly name: string;
  readonly sql: string;
  /**
   * `expand`: servers that know the schema before go on working beside it: columns, tables and fields of documents are
   * added, functions keep their parameters and what they promise. `contract`: anything else; it is refused while such
   * servers run, and afterwards they refuse to start.
   */
  readonly rule: 'expand' | 'contract';
  /** Its new tables, each after those it refers to: what a backup holds, in the order in which it is restored. */
  readonly creates: readonly string[];
  /** Its new tables that are in no backup: triggers fill them again from what is restored, or servers while they run. */
  readonly derives?: readonly string[];
}

/** Numbered from one, forward only: what has shipped is never edited, a change is a further one. */
export const MIGRATIONS: readonly Migration[] = [
  // The first five come from before the rule: the servers of their time start on no newer schema, compatible or not.
  {
    name: '0001-tables',
    sql: TABLES,
    rule: 'contract',
    creates: [
      'policy_head',
      'policy_log',
      'permit_gate',
      'exposure',
      'exposure_segment',
      'device',
      'ledger',
      'ledger_outcome',
      'evidence_mark',
      'report',
      'release',
      'delta',
      'decision',
      'evidence_latest',
      'installation',
    ],
  },
  { name: '0002-append-only', sql: APPEND_ONLY, rule: 'contract', creates: [] },
  { name: '0003-permits', sql: PERMITS, rule: 'contract', creates: [] },
  { name: '0004-evidence', sql: EVIDENCE, rule: 'contract', creates: [] },
  { name: '0005-later-contacts', sql: LATER_CONTACTS, rule: 'contract', creates: [] },
  {
    name: '0006-find-devices',
    sql: FIND_DEVICES,
    rule: 'expand',
    creates: ['expected_device', 'attribute_change'],
    derives: ['device_profile'],
  },
  { name: '0007-evidence-before', sql: EVIDENCE_BEFORE, rule: 'expand', creates: [] },
  { name: '0008-audit', sql: AUDIT, rule: 'expand', creates: ['audit_head', 'audit_log'] },
  { name: '0009-halted-regions', sql: HALTED_REGIONS, rule: 'expand', creates: [] },
  { name: '0010-decision-lease', sql: DECISION_LEASE, rule: 'expand', creates: [], derives: ['decision_lease'] },
  {
    name: '0011-identities',
    sql: IDENTITIES,
    rule: 'expand',
    creates: ['registration_token', 'device_certificate'],
  },
  { name: '0012-people', sql: PEOPLE, rule: 'expand', creates: ['service_token', 'person_session', 'person'] },
  { name: '0013-ddi', sql: DDI, rule: 'expand', creates: ['ddi_device'] },
  { name: '0014-profile-bounds', sql: PROFILE_BOUNDS, rule: 'expand', creates: [] },
  { name: '0015-version-manifests', sql: VERSION_MANIFESTS, rule: 'expand', creates: ['version_manifest'] },
];

/** What a database says about its schema. */
export interface StoredSchema {
  /** Zero: nothing of ours is in it. */
  readonly version: number;
  /** The oldest schema that a server may know to work with it. */
  readonly compatibleFrom: number;
}

/** How a program that knows schemas up to `known` stands to a database. */
export type SchemaStanding =
  /** It is to be migrated first. */
  | 'older'
  | 'same'
  /** A newer server has expanded it, and nothing that this program uses has changed. */
  | 'newer-compatible'
  | 'newer';

export function standingOf(stored: StoredSchema, known: number): SchemaStanding {
  if (stored.version === known) return 'same';
  if (stored.version < known) return 'older';
  return stored.compatibleFrom <= known ? 'newer-compatible' : 'newer';
}

/** The oldest schema that a server may know once the first `version` migrations are applied. */
export function compatibleFromOf(migrations: readonly Migration[], version: number): number {
  return migrations.slice(0, version).findLastIndex((one) => one.rule === 'contract') + 1;
}

/** The tables of a schema, each after those it refers to. */
export function tablesOf(migrations: readonly Migration[], version: number): readonly string[] {
  return migrations.slice(0, version).flatMap((one) => one.creates);
}
