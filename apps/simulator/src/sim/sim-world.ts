// SPDX-License-Identifier: Apache-2.0
import { type SteppedClock, steppedClock } from '@outrider/adapters/shared/clock';
import { digestText } from '@outrider/adapters/shared/digest';
import type { ServerStore } from '@outrider/domain/decision/server-store';
import { prng } from '@outrider/domain/kernel/prng';
import { fleetInstant } from '@outrider/domain/kernel/time';
import type { Signer } from '@outrider/domain/trust/ports';
import type { TrustAnchors } from '@outrider/domain/trust/role';
import type { MetadataSource, TrustTools } from '@outrider/domain/trust/tuf/ports';
import { encodeTrustAnchors } from '@outrider/protocol/trust/anchors';
import { composeServer, type Server } from '@outrider/server/compose';
import { memoryBlobs } from '@outrider/testkit/memory-store/blobs';
import { createTurns, type Turns } from '@outrider/testkit/turns';
import { nearbyCache } from '../fleet/nearby-cache.ts';
import { rememberedReaders } from '../fleet/remembered-readers.ts';
import { type ReleaseHouse, releaseHouse } from '../product/release-house.ts';
import { releaseRoleOf } from '../product/signed-release.ts';
import { type WorldTruth, worldTruth } from '../world/truth.ts';
import type { World } from '../world/world.ts';
import { type Carrier, createCarrier } from './carrier.ts';
import { registerDirectly } from './direct-network.ts';
import type { EventLog } from './event-log.ts';
import type { FaultKind } from './faults/fault.ts';
import { createWeather, type Weather } from './faults/weather.ts';
import { createGateways, type Gateways } from './gateways.ts';
import { createWatch, type Watch } from './oracles/watch.ts';
import { storeWith } from './planted/plant.ts';
import { type SharedImages, sharedImages } from './shared-images.ts';
import type { SimCase } from './sim-case.ts';
import { type SignatureKind, type SimKeys, simKeys } from './sim-keys.ts';
import { BAD_VERSION, type SimProduct, simProducts } from './sim-products.ts';
import { documentsOf, simRepositories, simTools } from './sim-repositories.ts';
import { promptSchedule, stillClock, troubleLog } from './still-ports.ts';
import { watchedStore } from './watched-store.ts';
import { createWire } from './wire.ts';

/** Everything of a simulation but its fleet: servers over one store, the network, the weather and those who watch. */
export interface SimWorld {
  readonly world: World;
  readonly truth: WorldTruth;
  readonly clock: SteppedClock;
  readonly turns: Turns;
  readonly weather: Weather;
  readonly watch: Watch;
  readonly keys: SimKeys;
  readonly products: Products;
  readonly images: SharedImages;
  readonly readers: ReturnType<typeof rememberedReaders>;
  /** As it was made durable, whatever becomes of the servers. */
  readonly store: ServerStore;
  /** A server that no fault reaches and no device talks to: for set-up and for questions. */
  readonly console: Server;
  readonly gateways: Gateways;
  readonly carrier: Carrier;
  /** The people who sign releases. */
  readonly house: ReleaseHouse;
  /** What all devices share: each document is read and verified once, and fetched once in a step. */
  readonly trustTools: TrustTools;
  readonly documents: MetadataSource;
  readonly registrationToken: string;
  /** Registers a device; answers with what it pins, which is one text in memory for the whole fleet. */
  register(signer: Signer, registration: Parameters<typeof registerDirectly>[2]): Promise<TrustAnchors>;
}

type Products = Awaited<ReturnType<typeof simProducts>>;

export interface SimWorldOptions {
  readonly simCase: SimCase;
  readonly signatures: SignatureKind;
  readonly log: EventLog;
  readonly warn: (line: string) => void;
}

/** With these a server may lose, or tell too late, what it heard. */
const LOSES_MEMORY: ReadonlySet<FaultKind> = new Set<FaultKind>(['kill', 'isolation', 'store-away', 'slow-store']);

/** Where fleet time begins: any instant will do, as long as it is always the same. */
export const START = fleetInstant(1_800_000_000_000);

export async function createSimWorld({ simCase, signatures, log, warn }: SimWorldOptions): Promise<SimWorld> {
  const { seed, gatewayCount, faults, plant } = simCase;
  const products = await simProducts(seed);
  const clock = steppedClock(START);
  const turns = createTurns(prng(`${seed}/turns`));
  const weather = createWeather(seed, faults);
  const watch = createWatch({
    signedDigests: new Set(Object.values(products).map((one: SimProduct) => one.image.image.digest)),
    now: turns.clock.now,
    step: () => weather.step,
    isMemoryKept: !faults.some(({ kind }) => LOSES_MEMORY.has(kind)),
  });
  const keys = simKeys(seed, signatures);
  const tools = simTools(keys);
  const releaseSigners = {
    build: keys.signerOf('release/build'),
    releaseEngineering: keys.signerOf('release/release-engineering'),
    root: keys.signerOf('root'),
  };
  const registrationToken = digestText(`${seed}/registration-token`);
  const role = releaseRoleOf(releaseSigners);
  const permitSigner = keys.signerOf('permit');
  const repositories = simRepositories(keys, { permitSigner, tools });
  const house = releaseHouse({ ...repositories, signers: releaseSigners });
  await house.settle(START);
  const store = watchedStore(storeWith(plant, turns), { log, watch, clock });
  const ports = {
    blobs: memoryBlobs(),
    fleetClock: clock,
    permitSigner,
    repositories: { ...repositories, loadKeys: async () => repositories.online },
    verifier: keys.verifier,
    digestText,
    loadReleaseRole: async () => role,
    registrationTokenDigest: digestText(registrationToken),
    conductor: clock,
    log: troubleLog({ warn: faults.length === 0 ? warn : () => undefined, error: watch.fail }),
  };
  const console = composeServer({ ...ports, store, machineClock: stillClock(), schedule: promptSchedule() });
  const gateways = createGateways({
    ...{ count: gatewayCount, store, ports, turns, weather },
    source: prng(`${seed}/gateways`),
  });
  const carrier = createCarrier({ gateways, turns, weather, wire: createWire(watch, turns, clock) });
  let pinned: { readonly text: string; readonly anchors: TrustAnchors } | undefined;
  const defects = [{ version: BAD_VERSION, hardwareId: 'rev-c', revertProbability: 1 }];
  return {
    ...{ world: { schema: 1, seed, defects }, truth: worldTruth(), clock, turns, weather, watch, keys, products },
    images: sharedImages(),
    readers: rememberedReaders(),
    ...{ store, console, gateways, carrier, house, trustTools: tools, registrationToken },
    documents: nearbyCache(documentsOf(console), clock),
    async register(signer, registration) {
      const anchors = await registerDirectly(console, signer, registration);
      const text = encodeTrustAnchors(anchors);
      if (pinned?.text !== text) pinned = { text, anchors };
      return pinned.anchors;
    },
  };
}
