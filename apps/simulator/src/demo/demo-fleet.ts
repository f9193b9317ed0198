// SPDX-License-Identifier: Apache-2.0

import { type HttpClient, keptConnections } from '@outrider/adapters/device/http-client';
import { httpNetwork } from '@outrider/adapters/device/http-network';
import { registerDevice } from '@outrider/adapters/device/register';
import { createSigner, createVerifier } from '@outrider/adapters/shared/ed25519';
import { TRUST_TOOLS } from '@outrider/adapters/shared/metadata-repository';
import { composeAgent } from '@outrider/agent/compose';
import type { Network } from '@outrider/domain/device/ports';
import { present } from '@outrider/domain/kernel/assert';
import type { FleetClock } from '@outrider/domain/kernel/clock';
import type { DeviceId, ReleaseCounter } from '@outrider/domain/kernel/ids';
import { below, prng } from '@outrider/domain/kernel/prng';
import { after, durationMs, hours } from '@outrider/domain/kernel/time';
import type { SignatureVerifier } from '@outrider/domain/trust/ports';
import type { MetadataSource, TrustTools } from '@outrider/domain/trust/tuf/ports';
import { hashingStorage } from '@outrider/testkit/hashing-storage';
import { memoryBoot } from '@outrider/testkit/memory-boot';
import { createFleet, type Fleet, type SimulatedDevice } from '../fleet/fleet.ts';
import { nearbyCache } from '../fleet/nearby-cache.ts';
import { rememberedReaders } from '../fleet/remembered-readers.ts';
import { rememberedTools } from '../fleet/remembered-tools.ts';
import { rememberedVerifier } from '../fleet/remembered-verifier.ts';
import type { PlannedDevice } from '../product/fleet-plan.ts';
import { COMPONENT, type ProductVersion } from '../product/signed-release.ts';
import { deviceLife } from '../world/device-life.ts';
import { natureOf } from '../world/fate.ts';
import type { WorldTruth } from '../world/truth.ts';
import type { World } from '../world/world.ts';
import { DemoFault } from './fault.ts';

/** What all devices of one process share. */
export interface FleetSurroundings {
  readonly world: World;
  readonly truth: WorldTruth;
  readonly clock: FleetClock;
  readonly serverUrl: URL;
  readonly registrationToken: string;
  /** What leaves the factory. */
  readonly factory: ProductVersion;
  /** Put around each device's network, to see what goes over it. */
  readonly witness?: (network: Network) => Network;
}

/** Devices awake at once, and connections to the server: enough that neither side waits for the other. */
const CONCURRENCY_MAX = 64;
/** Devices come into contact for the first time within this, spread evenly. */
const FIRST_CONTACT_WITHIN_MS = hours(12);

/** A fleet of simulated devices that speak the real protocol over HTTP, each with a key of its own; all registered. */
export async function demoFleet(planned: readonly PlannedDevice[], surroundings: FleetSurroundings): Promise<Fleet> {
  const { world, clock, serverUrl } = surroundings;
  const connections = keptConnections(serverUrl, CONCURRENCY_MAX);
  const verifier = rememberedVerifier(createVerifier());
  const readers = rememberedReaders();
  const trustTools = rememberedTools(TRUST_TOOLS);
  let answered = 0;
  const count = () => {
    answered++;
  };
  const { fetchMetadata } = nearbyCache(documentsFrom({ serverUrl, connections, count }), clock);
  const source = prng(`${world.seed}/first-contact`);
  const devices: SimulatedDevice[] = new Array(planned.length);
  const waiting = planned.entries();
  const workers = Array.from({ length: CONCURRENCY_MAX }, async () => {
    for (const [index, one] of waiting) {
      devices[index] = await demoDevice(one, {
        ...surroundings,
        ...{ connections, verifier, readers, trustTools, fetchMetadata, count },
      });
    }
  });
  await Promise.all(workers);
  return createFleet({
    devices: devices.map((device) => ({
      device,
      dueAt: after(clock.now(), durationMs(below(source, FIRST_CONTACT_WITHIN_MS))),
    })),
    concurrencyMax: CONCURRENCY_MAX,
    answeredCount: () => answered,
  });
}

interface DeviceSurroundings extends FleetSurroundings {
  readonly connections: HttpClient['connections'];
  readonly verifier: SignatureVerifier;
  readonly readers: ReturnType<typeof rememberedReaders>;
  readonly trustTools: TrustTools;
  /** Documents come from the cache that is near to all devices. */
  readonly fetchMetadata: MetadataSource['fetchMetadata'];
  /** Called for each request that came back. */
  readonly count: () => void;
}

async function demoDevice(
  { deviceId, attributes }: PlannedDevice,
  around: DeviceSurroundings,
): Promise<SimulatedDevice> {
  const { world, truth, clock, serverUrl, connections, verifier, factory, count, witness = unseen } = around;
  const { readers, trustTools, fetchMetadata } = around;
  const { deviceType, hardwareId } = attributes;
  const client: HttpClient = { serverUrl, deviceId, signer: createSigner(), connections };
  const content = {
    version: factory.version,
    // The product's own number: the demonstration makes it.
    releaseCounter: factory.releaseCounter as ReleaseCounter,
    components: [{ name: COMPONENT, digest: factory.image.digest }],
  };
  const registered = await registerDevice(client, { token: around.registrationToken, attributes, running: content });
  if (!registered.ok) throw new DemoFault(`A device could not be registered: ${registered.error.detail}`);
  count();
  const life = deviceLife({ world, nature: natureOf(world, deviceId, hardwareId), truth, clock });
  const boot = memoryBoot(content);
  const agent = composeAgent({
    identity: { deviceId, deviceType, hardwareId, model: attributes.model },
    anchors: registered.value.anchors,
    ...{ verifier, readers, trustTools },
    signer: client.signer,
    network: { ...life.throughWorld(witness(counting(httpNetwork(client), count))), fetchMetadata },
    storage: life.onDisk(hashingStorage(content.components)),
    boot,
    health: life.healthOf(boot),
    readiness: life.readiness,
  });
  return { deviceId, agent, life };
}

function unseen(network: Network): Network {
  return network;
}

/** The server's documents, for whoever asks: no device signs for them. */
function documentsFrom({
  count,
  ...client
}: Pick<DeviceSurroundings, 'serverUrl' | 'connections' | 'count'>): MetadataSource {
  const nobody = { ...client, deviceId: 'nearby-cache' as DeviceId, signer: createSigner() };
  const { fetchMetadata } = httpNetwork(nobody);
  return {
    async fetchMetadata(name, bytesMax) {
      const answer = await present(fetchMetadata, 'a network with documents')(name, bytesMax);
      if (answer.ok) count();
      return answer;
    },
  };
}

/** Counts the requests that came back: what the server must have handled. */
function counting(network: Network, count: () => void): Network {
  function counted<T extends { readonly ok: boolean }>(answer: T): T {
    if (answer.ok) count();
    return answer;
  }
  return {
    ...network,
    checkIn: async (checkIn) => counted(await network.checkIn(checkIn)),
    askPermit: async (request) => counted(await network.askPermit(request)),
    sendReport: async (report) => counted(await network.sendReport(report)),
    async *fetchBlob(digest, start) {
      yield* network.fetchBlob(digest, start);
      count();
    },
  };
}
