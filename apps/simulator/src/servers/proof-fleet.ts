// SPDX-License-Identifier: Apache-2.0
import type { Agent as HttpAgent } from 'node:http';
import { keptConnections } from '@outrider/adapters/device/http-client';
import { httpNetwork } from '@outrider/adapters/device/http-network';
import { registerDevice } from '@outrider/adapters/device/register';
import type { PostgresConnection } from '@outrider/adapters/server/postgres/connection';
import { openPostgresStore } from '@outrider/adapters/server/postgres/store';
import { wallClock } from '@outrider/adapters/shared/clock';
import { createSigner } from '@outrider/adapters/shared/ed25519';
import type { Network } from '@outrider/domain/device/ports';
import { newContactHistory } from '@outrider/domain/gateway/contact-history';
import type { DeviceRecord, RunningSoftware } from '@outrider/domain/gateway/device-record';
import { present } from '@outrider/domain/kernel/assert';
import type { DeviceId, PermitId, ReleaseCounter, RolloutId } from '@outrider/domain/kernel/ids';
import { type FleetInstant, fleetInstant } from '@outrider/domain/kernel/time';
import type { DeviceAttributes } from '@outrider/domain/policy/attributes';
import type { RolloutPlan } from '@outrider/domain/policy/rollout';
import type { Signer } from '@outrider/domain/trust/ports';
import { httpManagement } from '../demo/management.ts';
import { planOf, startRollout } from '../play/play-rollout.ts';
import { COMPONENT, HARDWARE_IDS, releaseIdOf } from '../product/signed-release.ts';
import { reportKeyOf } from '../proving/acknowledged.ts';
import { simProducts } from '../sim/sim-products.ts';
import type { Servers } from './servers.ts';

/** A device of a proof: it speaks the protocol over HTTP with whichever gateway it is told to, and installs nothing. */
export interface ProofDevice {
  readonly deviceId: DeviceId;
  /** As somebody who has just come into the field: by the registration token, at a gateway. */
  register(gateway: number): Promise<boolean>;
  readonly attributes: DeviceAttributes;
  /** Over connections of its own: through a balancer, for instance. */
  networkOn(serverUrl: URL, connections: HttpAgent): Network;
  checkInOn(network: Network): ReturnType<Network['checkIn']>;
  askPermitOn(network: Network): ReturnType<Network['askPermit']>;
  /** That it runs the release it has a permit for; with what names the report for good. */
  reportOn(
    network: Network,
    permitId: PermitId,
  ): Promise<{ readonly key: string; readonly answer: Awaited<ReturnType<Network['sendReport']>> }>;
  checkIn(gateway: number): ReturnType<Network['checkIn']>;
  askPermit(gateway: number): ReturnType<Network['askPermit']>;
}

/** One rollout with a device type of its own, and its devices. */
export interface ProofRollout {
  readonly rolloutId: RolloutId;
  readonly plan: RolloutPlan;
  readonly devices: readonly ProofDevice[];
}

export interface ProofRolloutOptions {
  readonly deviceType: string;
  readonly count: number;
  readonly salt: string;
  readonly attributesOf: (index: number) => Pick<DeviceAttributes, 'region' | 'tags'>;
  readonly segmentBy?: RolloutPlan['segmentBy'];
}

/** Connections of all devices together to one gateway, where nothing else is said. */
const SOCKETS_MAX = 128;
const BATCH = 500;

/** Brings rollouts with their devices into an installation. Devices are stored in batches: how they register is not the point. */
export async function createProofFleet(servers: Servers, seed: string, socketsMax = SOCKETS_MAX) {
  const { first, good } = await simProducts(seed);
  const management = httpManagement(servers.control.url, servers.tokens.admin);
  const gateways = servers.gateways.map(({ url }) => ({
    url: new URL(url),
    connections: keptConnections(new URL(url), socketsMax),
  }));

  function deviceOf(
    deviceId: DeviceId,
    attributes: DeviceAttributes,
    rolloutId: RolloutId,
  ): ProofDevice & { readonly signer: Signer } {
    const signer = createSigner();
    let sequence = 0;
    const networkOf = (index: number): Network => {
      const gateway = present(gateways[index % gateways.length], 'a gateway');
      return httpNetwork({ serverUrl: gateway.url, deviceId, signer, connections: gateway.connections });
    };
    const releaseId = releaseIdOf(attributes.deviceType, good.product.version);
    return {
      ...{ deviceId, attributes, signer },
      async register(index) {
        const gateway = present(gateways[index % gateways.length], 'a gateway');
        const client = { serverUrl: gateway.url, deviceId, signer, connections: gateway.connections };
        const token = servers.tokens.registration;
        return (await registerDevice(client, { token, attributes, running: RUNNING })).ok;
      },
      networkOn: (serverUrl, connections) => httpNetwork({ serverUrl, deviceId, signer, connections }),
      checkInOn,
      askPermitOn,
      async reportOn(network, permitId) {
        const report = {
          deviceId,
          sequence: ++sequence,
          rolloutId,
          releaseId,
          permitId,
          event: 'verified',
          running: RUNNING,
          detail: '',
        } as const;
        return { key: reportKeyOf(report), answer: await network.sendReport(report) };
      },
      checkIn: (gateway) => checkInOn(networkOf(gateway)),
      askPermit: (gateway) => askPermitOn(networkOf(gateway)),
    };

    function checkInOn(network: Network): ReturnType<Network['checkIn']> {
      return network.checkIn({ deviceId, sequence: ++sequence, running: RUNNING, state: 'idle' });
    }

    function askPermitOn(network: Network): ReturnType<Network['askPermit']> {
      return network.askPermit({ deviceId, sequence: ++sequence, rolloutId, releaseId, isRollback: false });
    }
  }

  const RUNNING: RunningSoftware = {
    version: first.product.version,
    // The product's own number: it is made here.
    releaseCounter: first.product.releaseCounter as ReleaseCounter,
    components: [{ name: COMPONENT, digest: first.product.image.digest }],
  };

  return {
    ...{ management, deviceOf, running: RUNNING },
    async addRollout(options: ProofRolloutOptions): Promise<ProofRollout> {
      const { deviceType, count, salt, attributesOf } = options;
      const rolloutId = `${deviceType}-rollout` as RolloutId;
      const former = { ...first.product, deviceType };
      const newer = { ...good.product, deviceType };
      const now = fleetInstant((await management.status()).fleetTime);
      await management.publish(await servers.house.sign(former, undefined, now), [first.image]);
      await management.publish(await servers.house.sign(newer, former, now), [good.image]);
      const devices = Array.from({ length: count }, (_, index) => {
        const hardwareId = HARDWARE_IDS[index % HARDWARE_IDS.length] ?? HARDWARE_IDS[0];
        const common = { deviceType, hardwareId, model: 'compact', customer: 'northwind', carrier: 'lte-one' };
        const deviceId = `${deviceType}-${String(index).padStart(6, '0')}` as DeviceId;
        return deviceOf(deviceId, { ...common, ...attributesOf(index) }, rolloutId);
      });
      await storeDevices(
        servers.database,
        devices.map((one) => recordOf(one, RUNNING)),
      );
      const defaults = planOf({ rolloutId, releaseId: releaseIdOf(deviceType, newer.version), deviceType, salt });
      const plan = { ...defaults, segmentBy: options.segmentBy ?? defaults.segmentBy };
      await startRollout(management, plan);
      return { rolloutId, plan, devices };
    },
  };
}

export type ProofFleet = Awaited<ReturnType<typeof createProofFleet>>;

function recordOf(device: ProofDevice & { readonly signer: Signer }, running: RunningSoftware): DeviceRecord {
  const { deviceId, attributes, signer } = device;
  const now: FleetInstant = wallClock().now();
  const status = {
    sequence: 0,
    lastContactAt: now,
    contactHistory: newContactHistory(now),
    running,
    state: 'idle',
  } as const;
  return { deviceId, attributes, publicKey: signer.publicKey, registeredAt: now, status };
}

export async function storeDevices(connection: PostgresConnection, records: readonly DeviceRecord[]): Promise<void> {
  const store = await openPostgresStore({ connection, connectionsMax: 2 });
  try {
    for (let from = 0; from < records.length; from += BATCH)
      await store.registry.register(records.slice(from, from + BATCH));
  } finally {
    await store.close();
  }
}
