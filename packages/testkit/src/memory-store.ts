// SPDX-License-Identifier: Apache-2.0
import type { ServerStore } from '@outrider/domain/decision/server-store';
import { memoryAuditLog } from './memory-store/audit.ts';
import { memoryCatalogue } from './memory-store/catalogue.ts';
import { memoryDdi } from './memory-store/ddi.ts';
import { memoryDecisions } from './memory-store/decisions.ts';
import { memoryDeltas } from './memory-store/deltas.ts';
import { memoryExposures } from './memory-store/exposures.ts';
import { memoryFinder } from './memory-store/finder.ts';
import { memoryIdentities } from './memory-store/identities.ts';
import { memoryImporter } from './memory-store/importer.ts';
import { memoryInstallation } from './memory-store/installation.ts';
import { memoryLedger } from './memory-store/ledger.ts';
import { memoryPeople } from './memory-store/people.ts';
import { memoryPolicyLog } from './memory-store/policy-log.ts';
import { memoryRegistry } from './memory-store/registry.ts';
import { memoryReports } from './memory-store/reports.ts';
import { emptyMemoryState, type MemoryState } from './memory-store/state.ts';

/** Every port of a server's store in memory, deterministic: the same semantics as PostgreSQL, for simulator and tests. */
export function memoryStore(state: MemoryState = emptyMemoryState()): ServerStore {
  const registry = memoryRegistry(state);
  return {
    registry,
    finder: memoryFinder(state),
    importer: memoryImporter(state),
    identities: memoryIdentities(state),
    ddi: memoryDdi(state, registry),
    ledger: memoryLedger(state),
    reports: memoryReports(state),
    policyLog: memoryPolicyLog(state),
    exposures: memoryExposures(state),
    catalogue: memoryCatalogue(state),
    deltas: memoryDeltas(state),
    decisions: memoryDecisions(state),
    installation: memoryInstallation(state),
    audit: memoryAuditLog(state),
    people: memoryPeople(state),
    async close() {},
  };
}
