// SPDX-License-Identifier: Apache-2.0
import type { ServerStore } from '@outrider/domain/decision/server-store';

/** Stands between a caller and one call of a store: runs `work` once, never, or later, and says what the caller gets. */
export type AroundCall = <T>(name: string, work: () => Promise<T>) => Promise<T>;

/** A store each of whose calls goes through `around`, by the name `<port>.<call>`: the network between server and store. */
export function aroundStore(store: ServerStore, around: AroundCall): ServerStore {
  const {
    registry,
    finder,
    importer,
    identities,
    ddi,
    ledger,
    reports,
    policyLog,
    exposures,
    catalogue,
    deltas,
    decisions,
    installation,
    audit,
    people,
  } = store;
  return {
    registry: {
      register: (...all) => around('registry.register', () => registry.register(...all)),
      loadDevices: (...all) => around('registry.loadDevices', () => registry.loadDevices(...all)),
      storeContacts: (...all) => around('registry.storeContacts', () => registry.storeContacts(...all)),
      storeStatuses: (...all) => around('registry.storeStatuses', () => registry.storeStatuses(...all)),
      listDevices: (...all) => around('registry.listDevices', () => registry.listDevices(...all)),
      countStates: () => around('registry.countStates', () => registry.countStates()),
    },
    finder: {
      findDevices: (...all) => around('finder.findDevices', () => finder.findDevices(...all)),
      countDevices: (...all) => around('finder.countDevices', () => finder.countDevices(...all)),
      countSegments: (...all) => around('finder.countSegments', () => finder.countSegments(...all)),
      countImages: (...all) => around('finder.countImages', () => finder.countImages(...all)),
      loadStandings: (...all) => around('finder.loadStandings', () => finder.loadStandings(...all)),
    },
    importer: {
      importDevices: (...all) => around('importer.importDevices', () => importer.importDevices(...all)),
      listExpected: (...all) => around('importer.listExpected', () => importer.listExpected(...all)),
      loadAttributeChanges: (...all) =>
        around('importer.loadAttributeChanges', () => importer.loadAttributeChanges(...all)),
      lastAttributeChange: () => around('importer.lastAttributeChange', () => importer.lastAttributeChange()),
    },
    identities: {
      storeToken: (...all) => around('identities.storeToken', () => identities.storeToken(...all)),
      listTokens: (...all) => around('identities.listTokens', () => identities.listTokens(...all)),
      storeCertificates: (...all) => around('identities.storeCertificates', () => identities.storeCertificates(...all)),
      loadCertificates: (...all) => around('identities.loadCertificates', () => identities.loadCertificates(...all)),
    },
    ddi: {
      addDevices: (...all) => around('ddi.addDevices', () => ddi.addDevices(...all)),
      loadDevices: (...all) => around('ddi.loadDevices', () => ddi.loadDevices(...all)),
      changeDevice: (...all) => around('ddi.changeDevice', () => ddi.changeDevice(...all)),
    },
    ledger: {
      commitPermits: (...all) => around('ledger.commitPermits', () => ledger.commitPermits(...all)),
      loadRows: (...all) => around('ledger.loadRows', () => ledger.loadRows(...all)),
      loadRowsTouched: (...all) => around('ledger.loadRowsTouched', () => ledger.loadRowsTouched(...all)),
      loadOpenPermits: (...all) => around('ledger.loadOpenPermits', () => ledger.loadOpenPermits(...all)),
      countByHour: (...all) => around('ledger.countByHour', () => ledger.countByHour(...all)),
      noteContacts: (...all) => around('ledger.noteContacts', () => ledger.noteContacts(...all)),
    },
    reports: {
      appendReports: (...all) => around('reports.appendReports', () => reports.appendReports(...all)),
      loadReports: (...all) => around('reports.loadReports', () => reports.loadReports(...all)),
      forgetTpm: (...all) => around('reports.forgetTpm', () => reports.forgetTpm(...all)),
      loadKeptManifests: (...all) => around('reports.loadKeptManifests', () => reports.loadKeptManifests(...all)),
    },
    policyLog: {
      appendEntry: (...all) => around('policyLog.appendEntry', () => policyLog.appendEntry(...all)),
      loadEntries: (...all) => around('policyLog.loadEntries', () => policyLog.loadEntries(...all)),
    },
    exposures: {
      loadExposures: (...all) => around('exposures.loadExposures', () => exposures.loadExposures(...all)),
      storeExposure: (...all) => around('exposures.storeExposure', () => exposures.storeExposure(...all)),
      loadExposure: (...all) => around('exposures.loadExposure', () => exposures.loadExposure(...all)),
    },
    catalogue: {
      publish: (...all) => around('catalogue.publish', () => catalogue.publish(...all)),
      withdraw: (...all) => around('catalogue.withdraw', () => catalogue.withdraw(...all)),
      loadRelease: (...all) => around('catalogue.loadRelease', () => catalogue.loadRelease(...all)),
      listReleases: (...all) => around('catalogue.listReleases', () => catalogue.listReleases(...all)),
    },
    deltas: {
      storeDelta: (...all) => around('deltas.storeDelta', () => deltas.storeDelta(...all)),
      loadDeltasTo: (...all) => around('deltas.loadDeltasTo', () => deltas.loadDeltasTo(...all)),
    },
    decisions: {
      appendDecision: (...all) => around('decisions.appendDecision', () => decisions.appendDecision(...all)),
      loadDecisions: (...all) => around('decisions.loadDecisions', () => decisions.loadDecisions(...all)),
      loadLatestEvidence: (...all) =>
        around('decisions.loadLatestEvidence', () => decisions.loadLatestEvidence(...all)),
      loadNewestVerdicts: (...all) =>
        around('decisions.loadNewestVerdicts', () => decisions.loadNewestVerdicts(...all)),
      loadHistory: (...all) => around('decisions.loadHistory', () => decisions.loadHistory(...all)),
    },
    installation: {
      loadSetting: (...all) => around('installation.loadSetting', () => installation.loadSetting(...all)),
      storeSetting: (...all) => around('installation.storeSetting', () => installation.storeSetting(...all)),
      changeSetting: (...all) => around('installation.changeSetting', () => installation.changeSetting(...all)),
      settleSetting: (...all) => around('installation.settleSetting', () => installation.settleSetting(...all)),
    },
    audit: {
      loadHead: () => around('audit.loadHead', () => audit.loadHead()),
      loadEntries: (...all) => around('audit.loadEntries', () => audit.loadEntries(...all)),
    },
    people: {
      createToken: (...all) => around('people.createToken', () => people.createToken(...all)),
      loadToken: (...all) => around('people.loadToken', () => people.loadToken(...all)),
      listTokens: () => around('people.listTokens', () => people.listTokens()),
      revokeToken: (...all) => around('people.revokeToken', () => people.revokeToken(...all)),
      noteTokenUse: (...all) => around('people.noteTokenUse', () => people.noteTokenUse(...all)),
      createSession: (...all) => around('people.createSession', () => people.createSession(...all)),
      loadSession: (...all) => around('people.loadSession', () => people.loadSession(...all)),
      noteSessionUse: (...all) => around('people.noteSessionUse', () => people.noteSessionUse(...all)),
      endSession: (...all) => around('people.endSession', () => people.endSession(...all)),
      forgetSessions: (...all) => around('people.forgetSessions', () => people.forgetSessions(...all)),
      notePerson: (...all) => around('people.notePerson', () => people.notePerson(...all)),
      loadPerson: (...all) => around('people.loadPerson', () => people.loadPerson(...all)),
      listPeople: () => around('people.listPeople', () => people.listPeople()),
      blockPerson: (...all) => around('people.blockPerson', () => people.blockPerson(...all)),
    },
    close: () => store.close(),
  };
}
