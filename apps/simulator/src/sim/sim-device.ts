// SPDX-License-Identifier: Apache-2.0
import type { ChooserState } from '@outrider/domain/device/boot-chooser';
import type { ReleaseCounter } from '@outrider/domain/kernel/ids';
import { type MemoryDisk, memoryDisk } from '@outrider/testkit/memory-storage';
import type { SimulatedDevice } from '../fleet/fleet.ts';
import type { PlannedDevice } from '../product/fleet-plan.ts';
import { COMPONENT } from '../product/signed-release.ts';
import { deviceLife } from '../world/device-life.ts';
import { natureOf } from '../world/fate.ts';
import { type Body, createBody } from './body.ts';
import { directNetwork } from './direct-network.ts';
import type { DeviceSlots } from './oracles/observation.ts';
import type { SharedImages } from './shared-images.ts';
import type { SimWorld } from './sim-world.ts';

/** A device of a simulation: the real agent in a body that can be looked into. */
export interface SimDevice extends SimulatedDevice {
  readonly agent: Body;
  /** By the bytes in the slots. */
  slots(): DeviceSlots;
}

/** Registers a device and gives it the real agent on a disk in memory, with two slots and real deltas. */
export async function simDevice(
  device: number,
  { deviceId, attributes }: PlannedDevice,
  sim: SimWorld,
): Promise<SimDevice> {
  const { world, truth, clock, keys, products, watch, images } = sim;
  const { deviceType, hardwareId } = attributes;
  const signer = keys.signerOf(`device/${deviceId}`);
  const { product, image } = products.first;
  const content = {
    version: product.version,
    // The product's own number: the plan of a simulation makes it.
    releaseCounter: product.releaseCounter as ReleaseCounter,
    components: [{ name: COMPONENT, digest: image.image.digest }],
  };
  const anchors = await sim.register(signer, {
    token: sim.registrationToken,
    deviceId,
    attributes,
    running: content,
  });
  const life = deviceLife({ world, nature: natureOf(world, deviceId, hardwareId), truth, clock });
  const disk = memoryDisk({ [COMPONENT]: image.bytes });
  const agent = createBody({
    ...{ device, content, disk, images, life, turns: sim.turns, weather: sim.weather, now: clock.now },
    ports: {
      identity: { deviceId, deviceType, hardwareId },
      anchors,
      verifier: keys.verifier,
      signer,
      readers: sim.readers,
      trustTools: sim.trustTools,
      network: {
        ...life.throughWorld(directNetwork(sim.carrier.forDevice(device), { deviceId, signer })),
        ...sim.documents,
      },
    },
    onSlots(event, chooser) {
      const slots = slotsOf(deviceId, chooser, { disk, images });
      switch (event.kind) {
        case 'written':
          return watch.see({ kind: 'slot-written', device: slots, slot: event.slot });
        case 'armed':
          return watch.see({ kind: 'slot-armed', device: slots, slot: event.slot, counter: event.counter });
        case 'booted':
          return watch.see({ kind: 'slot-booted', device: slots });
        case 'confirmed':
          return watch.see({ kind: 'slot-confirmed', device: slots });
      }
    },
    onCrash: (cause) => watch.fail(`${deviceId}: ${cause instanceof Error ? (cause.stack ?? cause.message) : cause}`),
  });
  return { deviceId, agent, life, slots: () => slotsOf(deviceId, agent.chooser(), { disk, images }) };
}

/** Bytes are hashed here, and not by what is watched. */
function slotsOf(
  deviceId: string,
  { running, confirmed, trial, contents }: ChooserState,
  { disk, images }: { readonly disk: MemoryDisk; readonly images: SharedImages },
): DeviceSlots {
  return {
    ...{ deviceId, running, confirmed, trial: trial?.slot },
    runningVersion: contents[running]?.version ?? 'unknown',
    runningDigest: images.digestOf(disk.slots[running].get(COMPONENT) ?? NOTHING),
  };
}

/** What an erased slot holds. */
const NOTHING = new Uint8Array(0);
