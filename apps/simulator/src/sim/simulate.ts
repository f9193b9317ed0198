// SPDX-License-Identifier: Apache-2.0
import { digestText } from '@outrider/adapters/shared/digest';
import type { DeviceId, RolloutId } from '@outrider/domain/kernel/ids';
import { below, prng } from '@outrider/domain/kernel/prng';
import { after, DAY_MS, durationMs, type FleetInstant, hours } from '@outrider/domain/kernel/time';
import { createFleet, participantOf } from '../fleet/fleet.ts';
import { type ReachOutcome, type RecallOutcome, reachOf, recallOf } from '../play/outcome.ts';
import { planOf, playUntilTakenBack, playUntilVerified, startRollout } from '../play/play-rollout.ts';
import { planFleet } from '../product/fleet-plan.ts';
import { releaseIdOf } from '../product/signed-release.ts';
import { directControlPlane } from './direct-control-plane.ts';
import { endRun } from './end-run.ts';
import { createOperator } from './operator.ts';
import { createSimConductor } from './sim-conductor.ts';
import { type SimDevice, simDevice } from './sim-device.ts';
import { BAD_VERSION, GOOD_VERSION, SIM_DEVICE_TYPE, type SimProduct } from './sim-products.ts';
import { createSimWorld, type SimWorld, type SimWorldOptions, START } from './sim-world.ts';

/** What came of a simulation. */
export interface SimulationSummary {
  readonly good: ReachOutcome & { readonly days: number };
  readonly bad: RecallOutcome & { readonly harmed: number; readonly haltedSegments: readonly string[] };
  readonly requests: number;
  /** Fleet days that were played, from the first step to the last. */
  readonly days: number;
}

/** Of the digest that is the salt: enough that no two are alike. */
const SALT_CHARACTERS = 32;
/** One wave for everybody. */
const OPEN = [{ name: 'everyone', ringTags: [], exposurePermille: 1_000, bakeMs: hours(0) }];
/** Devices come into contact for the first time within this, spread evenly. */
const FIRST_CONTACT_WITHIN_MS = hours(12);

/**
 * A good release reaches a fleet, then a bad one is halted and taken back: servers and agents in one process, in the weather
 * of the case. The same case gives the same log, byte for byte. Throws ViolationError when a promise is broken.
 */
export async function simulate(options: SimWorldOptions): Promise<SimulationSummary> {
  const { daysMax } = options.simCase;
  const sim = await createSimWorld(options);
  const { clock, products } = sim;
  const controlPlane = directControlPlane(sim.console);
  let newest: RolloutId | undefined;

  async function publish(one: SimProduct, former?: SimProduct): Promise<void> {
    const release = await sim.house.sign(one.product, former?.product, clock.now());
    // Deltas are made on threads of their own.
    await sim.turns.alone(() => controlPlane.publish(release, [one.image]));
  }

  async function release(one: SimProduct, former: SimProduct): Promise<RolloutId> {
    await publish(one, former);
    const { deviceType, version } = one.product;
    // The version makes it unique, and the pattern of ids allows it.
    const rolloutId = `rollout-${version}` as RolloutId;
    const salt = digestText(`${sim.world.seed}/salt/${version}`).slice(0, SALT_CHARACTERS);
    const plan = planOf({ rolloutId, releaseId: releaseIdOf(deviceType, version), deviceType, salt });
    await startRollout(controlPlane, options.simCase.isOpen ? { ...plan, waves: OPEN } : plan);
    newest = rolloutId;
    return rolloutId;
  }

  await publish(products.first);
  const devices = await makeDevices(sim, options.simCase.deviceCount);
  const fleet = fleetOf(devices, sim, options);
  const operator = createOperator({ ...sim, rolloutId: () => newest });
  const conductor = createSimConductor({ ...sim, fleet, operator });
  const participants = devices.map(participantOf);
  const stage = { controlPlane, clock, sleepers: [fleet], participants };

  const goodId = await release(products.good, products.first);
  await playUntilVerified(stage, conductor, { rolloutId: goodId, version: GOOD_VERSION, daysMax });
  const reach = reachOf(await controlPlane.ledger(goodId), participants);
  const days = (clock.now() - START) / DAY_MS;

  const badId = await release(products.bad, products.good);
  const { haltedSegments } = await playUntilTakenBack(stage, conductor, {
    rolloutId: badId,
    version: BAD_VERSION,
    daysMax,
  });
  const haltedAt = await controlPlane.eventAt(badId, 'halt');
  const recall = recallOf(await controlPlane.ledger(badId), participants, { goodVersion: GOOD_VERSION, haltedAt });
  await endRun(sim, { conductor, devices, rolloutIds: [goodId, badId], daysMin: daysMax });
  return {
    good: { ...reach, days },
    bad: { ...recall, harmed: sim.truth.harmedBy(BAD_VERSION).size, haltedSegments },
    requests: conductor.requests(),
    days: (clock.now() - START) / DAY_MS,
  };
}

async function makeDevices(sim: SimWorld, count: number): Promise<readonly SimDevice[]> {
  const planned = planFleet({ seed: sim.world.seed, deviceType: SIM_DEVICE_TYPE, count });
  const devices: SimDevice[] = [];
  for (const [index, one] of planned.entries()) devices.push(await simDevice(index, one, sim));
  return devices;
}

function fleetOf(devices: readonly SimDevice[], sim: SimWorld, { log }: SimWorldOptions) {
  const source = prng(`${sim.world.seed}/first-contact`);
  const known = new Map<DeviceId, { readonly state: string; readonly activeVersion: string }>();
  const due = devices.map((device): { readonly device: SimDevice; readonly dueAt: FleetInstant } => {
    return { device, dueAt: after(START, durationMs(below(source, FIRST_CONTACT_WITHIN_MS))) };
  });
  return createFleet({
    devices: due,
    // All that are due are awake at once: the turns decide who comes first.
    concurrencyMax: Math.max(1, devices.length),
    answeredCount: sim.gateways.answeredCount,
    /** Writes a line whenever a device rests in another state or runs another version than before. */
    onWoken({ deviceId, agent }) {
      const status = agent.status();
      if (status === undefined) return;
      const { state, activeVersion } = status;
      const former = known.get(deviceId);
      if (former?.state === state && former.activeVersion === activeVersion) return;
      known.set(deviceId, { state, activeVersion });
      log.append({ kind: 'state', at: sim.clock.now(), deviceId, state, version: activeVersion });
    },
  });
}
