// SPDX-License-Identifier: Apache-2.0
import { steppedClock } from '@outrider/adapters/shared/clock';
import { digestText } from '@outrider/adapters/shared/digest';
import type { Network } from '@outrider/domain/device/ports';
import { present } from '@outrider/domain/kernel/assert';
import type { DeviceId, ReleaseCounter, RolloutId } from '@outrider/domain/kernel/ids';
import { below, type Prng, prng } from '@outrider/domain/kernel/prng';
import { fleetInstant } from '@outrider/domain/kernel/time';
import { composeServer, type Server } from '@outrider/server/compose';
import { memoryBlobs } from '@outrider/testkit/memory-store/blobs';
import { createTurns } from '@outrider/testkit/turns';
import { planOf, startRollout } from '../play/play-rollout.ts';
import { releaseHouse } from '../product/release-house.ts';
import { COMPONENT, HARDWARE_IDS, releaseIdOf, releaseRoleOf } from '../product/signed-release.ts';
import { directControlPlane } from '../sim/direct-control-plane.ts';
import { directNetwork, registerDirectly } from '../sim/direct-network.ts';
import { storeWith } from '../sim/planted/plant.ts';
import { simKeys } from '../sim/sim-keys.ts';
import { simProducts } from '../sim/sim-products.ts';
import { simRepositories, simTools } from '../sim/sim-repositories.ts';
import { START } from '../sim/sim-world.ts';
import { troubleLog } from '../sim/still-ports.ts';
import { regionNetwork } from './network.ts';
import { witnessOf } from './witness.ts';

export interface RegionsOptions {
  readonly seed: string;
  readonly gateways: number;
  readonly rounds: number;
  readonly isPlanted: boolean;
  readonly log: (line: string) => void;
}

/** One pause and what was seen of it; instants of the simulated machine clock. */
export interface RegionsRound {
  readonly scope: string;
  readonly returnedAfterMs: number;
  /** Offers that left a gateway in the second before it, and later than allowed after it committed. */
  readonly offersAtStake: number;
  readonly offersLate: number;
  readonly partitions: number;
}

export interface RegionsResults {
  readonly rounds: readonly RegionsRound[];
  readonly permits: number;
  readonly permitsInPause: readonly string[];
  readonly refusedInPause: number;
  readonly network: { readonly hung: number; readonly failed: number; readonly lost: number };
  readonly turns: number;
}

export const REGIONS = 8;
/** Devices that come new into each round: they have no permit yet. */
const NEWCOMERS = 320;
/** Each asks so often, by simulated time. */
const ASK_MEAN_MS = 900;
const TRAFFIC_MS = 1_500;
/** An offer may leave a gateway for five seconds after a pause; it is watched for longer. */
const OFFERS_WITHIN_MS = 5_000;
const WATCH_MS = 7_500;
const CALM_MS = 1_500;

/** A thousand gateways in eight regions on one store, in one process and from one seed: pauses while the network fails around them. */
export async function playRegions(options: RegionsOptions): Promise<RegionsResults> {
  const { seed, gateways: count, rounds: roundCount, isPlanted, log } = options;
  const source = prng(`regions/${seed}`);
  const turns = createTurns(prng(`regions/${seed}/turns`));
  const witness = witnessOf(storeWith(isPlanted ? 'pause-notify' : undefined, turns), turns.clock);
  const network = regionNetwork({
    store: witness.store,
    regions: REGIONS,
    turns,
    source: prng(`regions/${seed}/network`),
  });
  const blobs = memoryBlobs();
  const schedule = {
    after(delayMs: number, work: () => void) {
      let isCancelled = false;
      void turns.wait(delayMs).then(() => {
        if (!isCancelled && !isOver) work();
      });
      return () => {
        isCancelled = true;
      };
    },
  };
  let isOver = false;
  const clock = steppedClock(START);
  // As good within one process as real signatures, and a hundred times faster.
  const keys = simKeys(seed, 'quick');
  const releaseSigners = {
    build: keys.signerOf('release/build'),
    releaseEngineering: keys.signerOf('release/release-engineering'),
    root: keys.signerOf('root'),
  };
  const permitSigner = keys.signerOf('permit');
  const repositories = simRepositories(keys, { permitSigner, tools: simTools(keys) });
  const house = releaseHouse({ ...repositories, signers: releaseSigners });
  await house.settle(START);
  const token = digestText(`regions/${seed}/registration-token`);
  const serverIn = (region: number, role: 'gateway' | 'control'): Server =>
    composeServer({
      ...{ role, machineClock: turns.clock, fleetClock: clock, conductor: clock, schedule, blobs, digestText },
      ...{ permitSigner, verifier: keys.verifier },
      loadReleaseRole: async () => releaseRoleOf(releaseSigners),
      registrationTokenDigest: digestText(token),
      log: troubleLog({ warn: () => undefined, error: log }),
      // The devices of this proof pin keys: their gateways sign no metadata for each offer.
      ...(role === 'control' && { repositories: { ...repositories, loadKeys: async () => repositories.online } }),
      store: role === 'control' ? witness.store : network.storeOf(region),
      notices: network.notices(region),
    });
  const control = serverIn(0, 'control');
  const plane = directControlPlane(control);
  const { first, good } = await simProducts(seed);
  const deviceType = 'camera';
  const [former, newer] = [first.product, good.product].map((one) => ({ ...one, deviceType })) as [
    typeof first.product,
    typeof first.product,
  ];
  await plane.publish(await house.sign(former, undefined, START), [first.image]);
  await plane.publish(await house.sign(newer, former, START), [good.image]);
  const releaseId = releaseIdOf(deviceType, newer.version);
  const rolloutId = 'rollout-of-regions' as RolloutId;
  const running = {
    version: former.version,
    // The product's own number: it is made here.
    releaseCounter: former.releaseCounter as ReleaseCounter,
    components: [{ name: COMPONENT, digest: first.image.image.digest }],
  };

  const answers = { refusedInPause: 0 };
  const offers: { readonly atMs: number; readonly scopes: readonly string[] }[] = [];
  const gateways = Array.from({ length: count }, (_, index) => ({
    region: index % REGIONS,
    server: serverIn(index % REGIONS, 'gateway'),
  }));
  const byRegion = Array.from({ length: REGIONS }, (_, region) => gateways.filter((one) => one.region === region));
  const devices: RegionDevice[] = [];
  /** Of all messages of all devices: each device's own grow by it. */
  let sequence = 0;

  async function join(howMany: number): Promise<void> {
    for (let left = howMany; left > 0; left--) {
      const region = devices.length % REGIONS;
      const deviceId = `camera-${devices.length}` as DeviceId;
      const signer = keys.signerOf(`device/${deviceId}`);
      const attributes = {
        ...{ deviceType, hardwareId: HARDWARE_IDS[0], model: 'compact', customer: 'northwind', carrier: 'lte-one' },
        ...{ region: regionName(region), tags: ['dogfood'] },
      };
      // Registration is not the point: past the network.
      await registerDirectly(control, signer, { token, deviceId, attributes, running });
      const own = gatewayOf(region, byRegion, source);
      const network = directNetwork({ handleDevice: (request) => own().handleDevice(request) }, { deviceId, signer });
      devices.push({ deviceId, network, region });
    }
  }

  /** A device asks, and asks for the permit whenever it is offered the release, until it holds one. */
  async function live({ deviceId, network: way, region }: RegionDevice, until: number): Promise<void> {
    let hasPermit = false;
    for (await turns.waitAbout(ASK_MEAN_MS); turns.clock.now() < until; await turns.waitAbout(ASK_MEAN_MS)) {
      const answer = await way.checkIn({ deviceId, sequence: ++sequence, running, state: 'idle' });
      if (!answer.ok || answer.value.kind !== 'offer') continue;
      const scopes = ['global', `region:${regionName(region)}`, `rollout:${answer.value.rolloutId}`];
      offers.push({ atMs: turns.clock.now(), scopes });
      if (hasPermit) continue;
      const isPaused = scopes.some((scope) => witness.pausedAtMs.has(scope));
      const permit = await way.askPermit({ deviceId, sequence: ++sequence, rolloutId, releaseId, isRollback: false });
      if (!permit.ok) continue;
      hasPermit = permit.value.kind === 'permit';
      if (!hasPermit && isPaused) answers.refusedInPause++;
    }
  }

  async function pauseOnce(round: number): Promise<RegionsRound> {
    await join(NEWCOMERS);
    const scope =
      ([`global`, `region:${regionName(below(source, REGIONS))}`, `rollout:${rolloutId}`] as const)[round % 3] ??
      'global';
    const until = turns.clock.now() + TRAFFIC_MS + WATCH_MS;
    const lives = devices.slice(-2 * NEWCOMERS).map((one) => live(one, until));
    network.hangPermille = round % 2 === 0 ? 20 : 0;
    network.lostPermille = 300 + below(source, 700);
    const partitioned = Array.from({ length: below(source, 5) }, () => below(source, REGIONS));
    await turns.wait(TRAFFIC_MS - 200);
    for (const region of partitioned) network.set(region, below(source, 2) === 0 ? 'cut' : 'silent');
    await turns.wait(200);
    const askedAtMs = turns.clock.now();
    const paused = await change(scope, 'pause');
    if (!paused) throw new Error(`The pause of ${scope} was refused`);
    const returnedAfterMs = turns.clock.now() - askedAtMs;
    const committedAtMs = present(witness.pausedAtMs.get(scope), 'a pause that committed');
    // Some regions come back in the midst of it: what they had sent arrives now.
    await turns.wait(below(source, OFFERS_WITHIN_MS));
    for (const region of partitioned) network.set(region, 'open');
    await Promise.all(lives);
    await turns.wait(Math.max(0, until - turns.clock.now()));
    const inScope = offers.splice(0).filter((one) => one.scopes.includes(scope));
    if (!(await change(scope, 'resume'))) throw new Error(`The end of the pause of ${scope} was refused`);
    network.lostPermille = 0;
    network.hangPermille = 0;
    await turns.wait(CALM_MS);
    return {
      ...{ scope, returnedAfterMs, partitions: new Set(partitioned).size },
      offersAtStake: inScope.filter(({ atMs }) => atMs >= committedAtMs - 1_000 && atMs < committedAtMs).length,
      offersLate: inScope.filter(({ atMs }) => atMs > committedAtMs + OFFERS_WITHIN_MS).length,
    };
  }

  async function change(scope: string, what: 'pause' | 'resume'): Promise<boolean> {
    const by = { reason: `the ${what} of a proof`, author: 'ada' };
    if (scope.startsWith('rollout:')) {
      const changed = await control.policy.changeRollout({ rolloutId: rolloutId, event: what, ...by });
      return changed.ok;
    }
    const request = { scope: scope as 'global', ...by };
    return (await (what === 'pause' ? control.policy.pauseScope(request) : control.policy.resumeScope(request))).ok;
  }

  await join(REGIONS);
  await startRollout(plane, planOf({ rolloutId, releaseId, deviceType, salt: `salt-of-regions-${seed}` }));
  const [exposure] = await witness.store.exposures.loadExposures();
  const open = present(exposure, 'the exposure of the rollout');
  const segments = open.segments.map((one) => ({ ...one, cap: 1_000_000 }));
  await witness.store.exposures.storeExposure({ ...open, cap: 1_000_000, pi: 0.9, segments });
  for (const { server } of gateways) server.start();
  control.start();
  await turns.wait(CALM_MS);
  log(`${count} gateways in ${REGIONS} regions have read the policy`);
  const rounds: RegionsRound[] = [];
  for (let round = 0; round < roundCount; round++) {
    rounds.push(await pauseOnce(round));
    clock.stepTo(fleetInstant(clock.now() + 1_000));
    const last = present(rounds.at(-1), 'a round');
    log(
      `${round + 1} of ${roundCount}: ${last.scope}, ${last.partitions} regions cut off, ${witness.permits().committed} permits so far`,
    );
  }
  isOver = true;
  const { committed, inPause } = witness.permits();
  return {
    rounds,
    permits: committed,
    permitsInPause: inPause,
    ...answers,
    network: network.seen(),
    turns: turns.taken(),
  };
}

interface RegionDevice {
  readonly deviceId: DeviceId;
  readonly network: Network;
  readonly region: number;
}

function gatewayOf(
  region: number,
  byRegion: readonly (readonly { readonly server: Server }[])[],
  source: Prng,
): () => Server {
  const own = byRegion[region] ?? [];
  return () => present(own[below(source, own.length)], 'a gateway of the region').server;
}

function regionName(region: number): string {
  return `r${region}`;
}
