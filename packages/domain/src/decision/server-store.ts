// SPDX-License-Identifier: Apache-2.0
import type { DeltaStore } from '../delta/ports.ts';
import type { DdiStore } from '../gateway/ddi/ports.ts';
import type { DeviceFinder, DeviceImporter } from '../gateway/finder-ports.ts';
import type { IdentityStore } from '../gateway/identity-ports.ts';
import type { Ledger, Registry, ReportLog } from '../gateway/ports.ts';
import type { ExposureStore, PolicyLog } from '../policy/ports.ts';
import type { Catalogue } from '../release/ports.ts';
import type { AuditNote } from '../trust/audit.ts';
import type { AuditLog, PeopleStore } from '../trust/ports.ts';
import type { DecisionLease } from './lease-ports.ts';
import type { DecisionLog } from './ports.ts';

/**
 * All the ports of one server's store in one bundle, since they share one database and one life. Adapters:
 * `adapters/server/postgres/store.ts` and, for tests and the simulator, `testkit/memory-store.ts`. Any call may throw
 * `StoreAwayError`; nothing was acknowledged then, and the same call may be made again.
 */
export interface ServerStore {
  readonly registry: Registry;
  readonly finder: DeviceFinder;
  readonly importer: DeviceImporter;
  readonly identities: IdentityStore;
  readonly ddi: DdiStore;
  readonly ledger: Ledger;
  readonly reports: ReportLog;
  readonly policyLog: PolicyLog;
  readonly exposures: ExposureStore;
  readonly catalogue: Catalogue;
  readonly deltas: DeltaStore;
  readonly decisions: DecisionLog;
  /** Which of several servers decides; absent where whoever runs them says so, as in the simulator. */
  readonly lease?: DecisionLease;
  readonly installation: InstallationSettings;
  readonly audit: AuditLog;
  readonly people: PeopleStore;
  /** How busy the connections are; absent where there are none. */
  readonly connections?: () => StoreConnections;
  /** Ends all connections; calls under way finish first. */
  close(): Promise<void>;
}

/** The connections of a store at one moment: all in use and callers waiting means that it is the bottleneck. */
export interface StoreConnections {
  readonly inUse: number;
  readonly max: number;
  readonly waiting: number;
}

/** What belongs to this installation as a whole, by key: for example the hash of the admin token, or fleet time. */
export interface InstallationSettings {
  /** The value under `key`, or undefined. */
  loadSetting(key: string): Promise<string | undefined>;
  /** Sets or replaces the value under `key`; durable when it returns. A note goes into the audit log with it. */
  storeSetting(key: string, value: string, note?: AuditNote): Promise<void>;
  /**
   * Sets the value under `key` where another one or none stands there, and then the note goes into the audit log with it;
   * answers whether it did.
   */
  changeSetting(key: string, value: string, note: AuditNote): Promise<boolean>;
  /** Sets the value under `key` if there is none, and answers with the one that holds: the first writer wins. */
  settleSetting(key: string, value: string): Promise<string>;
}
