// SPDX-License-Identifier: Apache-2.0
import { createVerifier } from '@outrider/adapters/shared/ed25519';
import { composeAgent } from '@outrider/agent/compose';
import type { FleetClock } from '@outrider/domain/kernel/clock';
import type { ReleaseCounter } from '@outrider/domain/kernel/ids';
import { memoryBoot } from '@outrider/testkit/memory-boot';
import { memoryDisk, memoryStorage } from '@outrider/testkit/memory-storage';
import type { SimulatedDevice } from '../fleet/fleet.ts';
import type { PlannedDevice } from '../product/fleet-plan.ts';
import { COMPONENT, type ProductVersion } from '../product/signed-release.ts';
import { deviceLife } from '../world/device-life.ts';
import { natureOf } from '../world/fate.ts';
import type { WorldTruth } from '../world/truth.ts';
import type { World } from '../world/world.ts';
import { directNetwork, registerDirectly } from './direct-network.ts';
import { type SimServer, seededSigner } from './sim-server.ts';

/** What all devices of a simulation share. */
export interface SimWorld {
  readonly world: World;
  readonly truth: WorldTruth;
  readonly clock: FleetClock;
  readonly sim: SimServer;
  /** What leaves the factory. */
  readonly factory: { readonly product: ProductVersion; readonly bytes: Uint8Array };
}

/** One verifier for all devices: what they check is the same few keys. */
const VERIFIER = createVerifier();

/** Registers a device and gives it the real agent on a disk in memory, with two slots and real deltas. */
export async function simDevice(
  { deviceId, attributes }: PlannedDevice,
  { world, truth, clock, sim, factory }: SimWorld,
): Promise<SimulatedDevice> {
  const { deviceType, hardwareId } = attributes;
  const signer = seededSigner(world.seed, `device/${deviceId}`);
  const { version, image } = factory.product;
  const content = {
    version,
    // The product's own number: the plan of a simulation makes it.
    releaseCounter: factory.product.releaseCounter as ReleaseCounter,
    components: [{ name: COMPONENT, digest: image.digest }],
  };
  const anchors = await registerDirectly(sim, signer, {
    token: sim.registrationToken,
    deviceId,
    attributes,
    running: content,
  });
  const life = deviceLife({ world, nature: natureOf(world, deviceId, hardwareId), truth, clock });
  const boot = memoryBoot(content);
  const agent = composeAgent({
    identity: { deviceId, deviceType, hardwareId },
    anchors,
    verifier: VERIFIER,
    network: life.throughWorld(directNetwork(sim, { deviceId, signer })),
    storage: life.onDisk(memoryStorage(memoryDisk({ [COMPONENT]: factory.bytes }))),
    boot,
    health: life.healthOf(boot),
    readiness: life.readiness,
  });
  return { deviceId, agent, life };
}
