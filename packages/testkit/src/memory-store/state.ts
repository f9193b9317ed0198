// SPDX-License-Identifier: Apache-2.0
import type { Decision, DecisionInput } from '@outrider/domain/decision/decision';
import type { VerdictNote } from '@outrider/domain/decision/overview';
import type { Delta } from '@outrider/domain/delta/delta';
import type { Evidence } from '@outrider/domain/evidence/evidence';
import type { DdiDevice } from '@outrider/domain/gateway/ddi/ddi-device';
import type { ExpectedDevice } from '@outrider/domain/gateway/device-import';
import type { DeviceRecord } from '@outrider/domain/gateway/device-record';
import type { AttributeChange } from '@outrider/domain/gateway/finder-ports';
import type { IssuedCertificate } from '@outrider/domain/gateway/identity-ports';
import type { LedgerOutcome } from '@outrider/domain/gateway/ledger';
import type { RegistrationToken } from '@outrider/domain/gateway/registration-token';
import type { StoredReport } from '@outrider/domain/gateway/report';
import type { KeptManifests } from '@outrider/domain/gateway/version-manifest';
import type { DeviceId, Epoch, KeyId, ReleaseId, RolloutId, Sha256 } from '@outrider/domain/kernel/ids';
import type { FleetInstant } from '@outrider/domain/kernel/time';
import type { Exposure } from '@outrider/domain/policy/exposure';
import { emptyPolicy, type Policy } from '@outrider/domain/policy/fold';
import type { PolicyEntry } from '@outrider/domain/policy/log';
import type { PublishedRelease } from '@outrider/domain/release/release';
import type { AuditEntry, AuditHead, AuditRow } from '@outrider/domain/trust/audit';
import { EMPTY_CHAIN } from '@outrider/domain/trust/audit';

/** What the ports of one memory store share: the tables of the real one. The values inside are immutable. */
export interface MemoryState {
  readonly devices: Map<DeviceId, DeviceRecord>;
  /** What is kept of devices that speak DDI. */
  readonly ddiDevices: Map<DeviceId, DdiDevice>;
  /** Of devices whose attributes an import has changed; all others are at 1. */
  readonly attributeRevisions: Map<DeviceId, number>;
  readonly attributeChanges: AttributeChange[];
  /** Announced, and not registered yet. */
  readonly expected: Map<DeviceId, ExpectedDevice>;
  /** Which device has a key, or had it last. */
  readonly keyHolders: Map<KeyId, DeviceId>;
  readonly tokens: Map<Sha256, RegistrationToken>;
  readonly certificates: IssuedCertificate[];
  readonly entries: PolicyEntry[];
  policy: Policy;
  readonly exposures: Map<RolloutId, Exposure>;
  /** In order of position: the row at position p stands at index p - 1. */
  readonly ledger: LedgerEntry[];
  readonly ledgerOfDevice: Map<DeviceId, LedgerEntry[]>;
  readonly ledgerOfRollout: Map<RolloutId, LedgerEntry[]>;
  /** Evidence of a rollout is counted up to and including this instant. */
  readonly countedTo: Map<RolloutId, FleetInstant>;
  readonly reports: (StoredReport & { readonly position: number })[];
  /** `<device> <sequence>` of every report. */
  readonly reportKeys: Set<string>;
  readonly keptManifests: Map<DeviceId, KeptManifests>;
  readonly releases: Map<ReleaseId, PublishedRelease>;
  readonly deltas: Map<string, Delta>;
  readonly decisions: Map<RolloutId, { readonly input: DecisionInput; readonly decision: Decision }[]>;
  /** Of all rollouts, in the order in which they were stored. */
  readonly verdicts: VerdictNote[];
  readonly latestEvidence: Map<RolloutId, Evidence>;
  /** The audit log, each row beside what it says. */
  readonly audit: { readonly entry: AuditEntry; readonly row: AuditRow }[];
  auditHead: AuditHead;
}

/** A ledger row with what moves beside it: the outcome, and the last time the permit was given. */
export interface LedgerEntry {
  readonly region: string;
  outcome: LedgerOutcome;
  permittedAt: FleetInstant;
  permitEpoch: Epoch;
}

export function emptyMemoryState(): MemoryState {
  return {
    devices: new Map(),
    ddiDevices: new Map(),
    attributeRevisions: new Map(),
    attributeChanges: [],
    expected: new Map(),
    keyHolders: new Map(),
    tokens: new Map(),
    certificates: [],
    entries: [],
    policy: emptyPolicy(),
    exposures: new Map(),
    ledger: [],
    ledgerOfDevice: new Map(),
    ledgerOfRollout: new Map(),
    countedTo: new Map(),
    reports: [],
    reportKeys: new Set(),
    keptManifests: new Map(),
    releases: new Map(),
    deltas: new Map(),
    decisions: new Map(),
    verdicts: [],
    latestEvidence: new Map(),
    audit: [],
    auditHead: EMPTY_CHAIN,
  };
}

/** The instant at which the store takes something in: never inside an interval whose evidence was counted already. */
export function takenInAt(state: MemoryState, rolloutId: RolloutId, at: FleetInstant): FleetInstant {
  const countedTo = state.countedTo.get(rolloutId);
  // One millisecond later is a fleet instant again: both are whole milliseconds.
  return countedTo === undefined || at > countedTo ? at : ((countedTo + 1) as FleetInstant);
}

/** The list under `key`, made when it is absent. */
export function listUnder<K, V>(lists: Map<K, V[]>, key: K): V[] {
  const found = lists.get(key);
  if (found !== undefined) return found;
  const made: V[] = [];
  lists.set(key, made);
  return made;
}
