// SPDX-License-Identifier: Apache-2.0
import { type SteppedClock, steppedClock } from '@outrider/adapters/shared/clock';
import { digestText } from '@outrider/adapters/shared/digest';
import type { DeviceId, RolloutId } from '@outrider/domain/kernel/ids';
import { below, prng } from '@outrider/domain/kernel/prng';
import { after, DAY_MS, durationMs, type FleetInstant, fleetInstant, hours } from '@outrider/domain/kernel/time';
import { createFleet, type Fleet, participantOf, type SimulatedDevice } from '../fleet/fleet.ts';
import { type ReachOutcome, type RecallOutcome, reachOf, recallOf } from '../play/outcome.ts';
import { planOf, playUntilTakenBack, playUntilVerified, startRollout } from '../play/play-rollout.ts';
import { createConductor } from '../play/stage.ts';
import { planFleet } from '../product/fleet-plan.ts';
import { releaseIdOf, signedRelease } from '../product/signed-release.ts';
import { worldTruth } from '../world/truth.ts';
import type { World } from '../world/world.ts';
import { directControlPlane } from './direct-control-plane.ts';
import type { EventLog } from './event-log.ts';
import { type SimWorld, simDevice } from './sim-device.ts';
import { SIM_DEVICE_TYPE, type SimProduct, simProducts } from './sim-products.ts';
import { simServer } from './sim-server.ts';
import { verifyHistory } from './verify-history.ts';

/** What a simulation is made from: the same options give the same log, byte for byte. */
export interface SimulationOptions {
  readonly seed: string;
  readonly deviceCount: number;
  /** Most fleet days of one rollout. */
  readonly daysMax: number;
  readonly log: EventLog;
  readonly warn: (line: string) => void;
}

/** What came of it. */
export interface SimulationSummary {
  readonly good: ReachOutcome & { readonly days: number };
  readonly bad: RecallOutcome & { readonly harmed: number; readonly haltedSegments: readonly string[] };
  readonly requests: number;
}

/** Where fleet time begins: any instant will do, as long as it is always the same. */
const START = fleetInstant(1_800_000_000_000);
/** Of the digest that is the salt: enough that no two are alike. */
const SALT_CHARACTERS = 32;
/** Devices come into contact for the first time within this, spread evenly. */
const FIRST_CONTACT_WITHIN_MS = hours(12);

/** A good release reaches a fleet, then a bad one is halted and taken back: server and agents in one process. */
export async function simulate({
  seed,
  deviceCount,
  daysMax,
  log,
  warn,
}: SimulationOptions): Promise<SimulationSummary> {
  const defects = [{ version: '1.2.0', hardwareId: 'rev-c', revertProbability: 1 }];
  const world: World = { schema: 1, seed, defects };
  const clock = steppedClock(START);
  const truth = worldTruth();
  const sim = simServer({ seed, clock, log, warn });
  const controlPlane = directControlPlane(sim.server);
  const { first, good, bad } = await simProducts(seed);

  async function publish(one: SimProduct, former?: SimProduct): Promise<void> {
    const { envelope } = signedRelease(one.product, former?.product, sim.releaseSigners);
    await controlPlane.publish(envelope, [one.image]);
  }

  async function release(one: SimProduct, former: SimProduct): Promise<RolloutId> {
    await publish(one, former);
    const { deviceType, version } = one.product;
    // The version makes it unique, and the pattern of ids allows it.
    const rolloutId = `rollout-${version}` as RolloutId;
    const salt = digestText(`${seed}/salt/${version}`).slice(0, SALT_CHARACTERS);
    await startRollout(
      controlPlane,
      planOf({ rolloutId, releaseId: releaseIdOf(deviceType, version), deviceType, salt }),
    );
    return rolloutId;
  }

  await publish(first);
  const factory = { product: first.product, bytes: first.image.bytes };
  const fleet = await makeFleet({ world, truth, clock, sim, factory }, { deviceCount, log });
  const participants = fleet.devices.map(participantOf);
  const stage = { controlPlane, clock, sleepers: [fleet], participants };
  const conductor = createConductor(stage, sim.answeredCount());

  const goodId = await release(good, first);
  const goodSince = clock.now();
  await playUntilVerified(stage, conductor, { rolloutId: goodId, version: '1.1.0', daysMax });
  const reach = reachOf(await controlPlane.ledger(goodId), participants);
  const days = (clock.now() - goodSince) / DAY_MS;

  const badId = await release(bad, good);
  const { haltedSegments } = await playUntilTakenBack(stage, conductor, {
    rolloutId: badId,
    version: '1.2.0',
    daysMax,
  });
  const haltedAt = await controlPlane.eventAt(badId, 'halt');
  for (const rolloutId of [goodId, badId]) await verifyHistory(sim.server, rolloutId);
  const recall = recallOf(await controlPlane.ledger(badId), participants, { goodVersion: '1.1.0', haltedAt });
  await sim.server.close();
  return {
    good: { ...reach, days },
    bad: { ...recall, harmed: truth.harmedBy('1.2.0').size, haltedSegments },
    requests: conductor.requests(),
  };
}

async function makeFleet(
  shared: SimWorld & { readonly clock: SteppedClock },
  { deviceCount, log }: Pick<SimulationOptions, 'deviceCount' | 'log'>,
): Promise<Fleet> {
  const { seed } = shared.world;
  const source = prng(`${seed}/first-contact`);
  const devices: { readonly device: SimulatedDevice; readonly dueAt: FleetInstant }[] = [];
  for (const planned of planFleet({ seed, deviceType: SIM_DEVICE_TYPE, count: deviceCount })) {
    const device = await simDevice(planned, shared);
    devices.push({ device, dueAt: after(START, durationMs(below(source, FIRST_CONTACT_WITHIN_MS))) });
  }
  return createFleet({
    devices,
    // One awake at a time: the order of all that happens is then the order of the queue.
    concurrencyMax: 1,
    answeredCount: shared.sim.answeredCount,
    onWoken: stateLogger(log, shared.clock),
  });
}

/** Writes a line whenever a device rests in another state or runs another version than before. */
function stateLogger(log: EventLog, clock: SteppedClock): (device: SimulatedDevice) => void {
  const known = new Map<DeviceId, string>();
  return ({ deviceId, agent }) => {
    const status = agent.status();
    if (status === undefined) return;
    const { state, activeVersion } = status;
    const seen = `${state} ${activeVersion}`;
    if (known.get(deviceId) === seen) return;
    known.set(deviceId, seen);
    log.append({ kind: 'state', at: clock.now(), deviceId, state, version: activeVersion });
  };
}
