// SPDX-License-Identifier: Apache-2.0
import type { SnapshotHolder } from '../../policy/snapshot-holder.ts';
import type { ServerPorts } from '../../ports.ts';
import type { Certificates } from '../certificates.ts';
import type { CheckIns } from '../check-ins.ts';
import type { Contacts } from '../contacts.ts';
import type { Counters } from '../counters.ts';
import type { IdentityGate } from '../identity-gate.ts';
import type { KnownDevices } from '../known-devices.ts';
import type { Permits } from '../permits.ts';
import type { RegistryFollower } from '../registry-follow.ts';
import type { Reports } from '../reports.ts';
import { ddiConfigDesk } from './ddi-config.ts';
import { ddiDesk } from './ddi-desk.ts';
import { ddiFeedbackDesk } from './ddi-feedback.ts';
import { type DdiGateways, ddiGateways } from './ddi-gateways.ts';
import { type DdiRegistrations, ddiRegistrations } from './ddi-registrations.ts';
import { type DdiRoutes, ddiRoutes } from './ddi-routes.ts';
import { ddiSenders } from './ddi-sender.ts';

/** hawkBit's Direct Device Integration API: what devices are answered, and what people do with such devices. */
export interface Ddi {
  readonly routes: DdiRoutes;
  readonly registrations: DdiRegistrations;
  readonly gateways: DdiGateways;
}

/** The tenant of a hawkBit that nobody has configured, and so that of most clients. */
const TENANT_DEFAULT = 'DEFAULT';

/** Joins the desks that every device is answered by to what DDI needs beside them. */
export function ddi(options: {
  readonly ports: ServerPorts;
  readonly holder: SnapshotHolder;
  readonly devices: KnownDevices;
  readonly identities: IdentityGate;
  readonly certificates: Certificates;
  readonly follower: Pick<RegistryFollower, 'refresh'>;
  readonly counters: Counters;
  readonly desks: {
    readonly checkIns: CheckIns;
    readonly permits: Permits;
    readonly reports: Reports;
    readonly contacts: Contacts;
  };
}): Ddi {
  const { ports, holder, devices, identities, follower, counters, desks } = options;
  const { digestText, fleetClock, machineClock, schedule, blobs } = ports;
  const { ddi: store, installation, finder, importer } = ports.store;
  const gateways = ddiGateways({ installation, fleetClock, machineClock, digestText });
  const shared = { store, holder, devices, fleetClock, counters };
  return {
    routes: ddiRoutes({
      tenant: ports.ddiTenant ?? TENANT_DEFAULT,
      publicUrl: ports.publicUrl,
      senders: ddiSenders({ store, devices, identities, gateways, digestText, fleetClock, schedule }),
      desk: ddiDesk({ ...shared, ...desks }),
      feedback: ddiFeedbackDesk({ ...shared, ...desks }),
      config: ddiConfigDesk({ store, finder, importer, follower, fleetClock, counters }),
      blobs,
    }),
    registrations: ddiRegistrations({ store: ports.store, certificates: options.certificates, digestText, fleetClock }),
    gateways,
  };
}
