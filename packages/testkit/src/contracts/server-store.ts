// SPDX-License-Identifier: Apache-2.0
import { auditLogContract } from './audit-log.ts';
import { catalogueContract } from './catalogue.ts';
import { ddiContract } from './ddi.ts';
import { decisionLogContract } from './decision-log.ts';
import { deltaStoreContract } from './delta-store.ts';
import { evidenceIntervalsContract } from './evidence-intervals.ts';
import { exposureContract } from './exposure.ts';
import { finderContract } from './finder.ts';
import { identitiesContract } from './identities.ts';
import { importerContract } from './importer.ts';
import { installationContract } from './installation.ts';
import { ledgerContract } from './ledger.ts';
import { peopleContract } from './people.ts';
import { policyLogContract } from './policy-log.ts';
import { registryContract } from './registry.ts';
import { reportLogContract } from './report-log.ts';
import type { OpenStore } from './use-store.ts';

/** The contracts of all ports of a server's store. `open` gives an empty store each time. */
export function serverStoreContract(adapter: string, open: OpenStore): void {
  registryContract(adapter, open);
  identitiesContract(adapter, open);
  finderContract(adapter, open);
  importerContract(adapter, open);
  ddiContract(adapter, open);
  policyLogContract(adapter, open);
  exposureContract(adapter, open);
  ledgerContract(adapter, open);
  reportLogContract(adapter, open);
  evidenceIntervalsContract(adapter, open);
  catalogueContract(adapter, open);
  deltaStoreContract(adapter, open);
  decisionLogContract(adapter, open);
  installationContract(adapter, open);
  auditLogContract(adapter, open);
  peopleContract(adapter, open);
}
