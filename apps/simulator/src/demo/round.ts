// SPDX-License-Identifier: Apache-2.0
import { type SteppedClock, steppedClock } from '@outrider/adapters/shared/clock';
import { digestText } from '@outrider/adapters/shared/digest';
import type { MachineClock } from '@outrider/domain/kernel/clock';
import type { RolloutId } from '@outrider/domain/kernel/ids';
import { DAY_MS, elapsedMs, type FleetInstant, fleetInstant } from '@outrider/domain/kernel/time';
import type { Signer } from '@outrider/domain/trust/ports';
import { type Fleet, participantOf } from '../fleet/fleet.ts';
import { createShow, type Show } from '../live/show.ts';
import type { LiveView } from '../live/terminal.ts';
import { reachOf, recallOf } from '../play/outcome.ts';
import { planOf, playUntilTakenBack, playUntilVerified, startRollout } from '../play/play-rollout.ts';
import { type Conductor, createConductor, type Stage } from '../play/stage.ts';
import type { AgentProcess } from '../process/agent-process.ts';
import type { ServerProcess } from '../process/server-process.ts';
import { planFleet } from '../product/fleet-plan.ts';
import type { ReleaseHouse } from '../product/release-house.ts';
import { releaseIdOf } from '../product/signed-release.ts';
import { type WorldTruth, worldTruth } from '../world/truth.ts';
import type { World } from '../world/world.ts';
import { liveAgent, startAgents } from './agents.ts';
import { demoFleet } from './demo-fleet.ts';
import type { DemoFolders } from './folders.ts';
import { httpManagement, type Management } from './management.ts';
import { buildProducts, type DemoProduct, type DemoProducts, deltaReports } from './products.ts';
import type { AgentReport, BadReport, DemoReport, GoodReport } from './report.ts';

/** Everything of one round of the demonstration. */
export interface RoundOptions {
  readonly number: number;
  readonly world: World;
  readonly deviceCount: number;
  readonly folders: DemoFolders;
  readonly server: ServerProcess;
  /** Its people: they sign releases and say who may. */
  readonly house: ReleaseHouse;
  /** Sign the charter of each rollout, and each of its waves. */
  readonly approvers: readonly Signer[];
  readonly view: LiveView;
  readonly machineClock: MachineClock;
}

/** A round that is being played: to be ended whatever happens. */
export interface Round {
  play(): Promise<DemoReport>;
  /** Stops the agents; the server is the caller's. */
  stop(): Promise<void>;
}

/** The longest that each of the two releases may take; the good one takes about two weeks. */
const GOOD_DAYS_MAX = 25;
const BAD_DAYS_MAX = 12;
/** Of the digest that is the salt: enough that no two are alike. */
const SALT_CHARACTERS = 32;

/** A good release reaches the whole fleet, then a bad one is caught by its evidence and taken back. */
export function demoRound(options: RoundOptions): Round {
  let agents: readonly AgentProcess[] = [];
  return {
    async play() {
      const { number, world, folders, server, machineClock, view } = options;
      const beganAt = machineClock.now();
      const management = httpManagement(server.url, server.adminToken, options.approvers);
      const { fleetTime } = await management.status();
      const clock = steppedClock(fleetInstant(fleetTime));
      const show = createShow({
        heading: `Outrider demonstration, round ${number}, seed ${world.seed}, ${server.url}`,
        view,
        clock: machineClock,
        since: clock.now(),
        sight: management.sight,
        agents: () => agents.map(liveAgent),
      });

      show.begin('building images');
      const products = await buildProducts(folders.images, `camera-r${number}`);
      show.begin('publishing the version in the field');
      // Weeks of fleet time go by in a round: the root is signed again long before it lapses.
      await options.house.settle(clock.now());
      await publish({ management, house: options.house, now: clock.now() }, products.first);

      show.begin(`registering ${options.deviceCount} simulated devices and 3 agents`);
      const truth = worldTruth();
      agents = await startAgents({ number, factory: products.first }, folders, server);
      const fleet = await registerFleet(options, { truth, clock, factory: products.first });
      const stage: Stage = {
        controlPlane: management,
        clock,
        sleepers: [fleet, ...agents],
        participants: [...fleet.devices.map(participantOf), ...agents],
        onStep: show.onStep,
      };
      const conductor = createConductor(stage, (await management.status()).handled);
      const story: Story = { options, management, products, stage, conductor, show };

      const good = await playGood(story);
      const bad = await playBad(story, { truth, agents });
      return {
        schema: 1,
        round: number,
        seed: world.seed,
        good,
        bad,
        agents: agents.map(agentReport),
        deltas: await allDeltas(management, products),
        elapsedMs: Math.round(elapsedMs(beganAt, machineClock.now())),
        phases: show.phases(),
        requests: conductor.requests(),
      };
    },
    async stop() {
      await Promise.all(agents.map((agent) => agent.stop()));
    },
  };
}

interface Story {
  readonly options: RoundOptions;
  readonly management: Management;
  readonly products: DemoProducts;
  readonly stage: Stage;
  readonly conductor: Conductor;
  readonly show: Show;
}

async function playGood(story: Story): Promise<GoodReport> {
  const { stage, conductor, products, management } = story;
  const { version } = products.good;
  const rolloutId = await release(story, products.good, products.first);
  const since = stage.clock.now();
  await playUntilVerified(stage, conductor, { rolloutId, version, daysMax: GOOD_DAYS_MAX });
  const reach = reachOf(await management.ledger(rolloutId), stage.participants);
  return { version, ...reach, days: elapsedMs(since, stage.clock.now()) / DAY_MS };
}

async function playBad(
  story: Story,
  real: { readonly truth: WorldTruth; readonly agents: readonly AgentProcess[] },
): Promise<BadReport> {
  const { stage, conductor, products, management } = story;
  const { version } = products.bad;
  const rolloutId = await release(story, products.bad, products.good);
  const sight = await playUntilTakenBack(stage, conductor, { rolloutId, version, daysMax: BAD_DAYS_MAX });
  const haltedAt = await management.eventAt(rolloutId, 'halt');
  const about = { goodVersion: products.good.version, haltedAt };
  const recall = recallOf(await management.ledger(rolloutId), stage.participants, about);
  const harmedAgents = real.agents.filter((agent) => agent.hasReverted()).length;
  return {
    version,
    ...recall,
    harmed: real.truth.harmedBy(version).size + harmedAgents,
    haltedSegment: sight.haltedSegments[0] ?? null,
  };
}

/** Publishes a version with its way back, and starts its rollout to everyone. */
async function release(story: Story, product: DemoProduct, former: DemoProduct): Promise<RolloutId> {
  const { options, management, show } = story;
  const { deviceType, version } = product;
  show.begin(`publishing ${version}`);
  await publish({ management, house: options.house, now: story.stage.clock.now() }, product, former);
  show.begin(`rolling out ${version}`);
  // Letters, digits, hyphens and dots.
  const rolloutId = `${deviceType}-to-${version}` as RolloutId;
  const salt = digestText(`${options.world.seed}/${rolloutId}`).slice(0, SALT_CHARACTERS);
  const plan = planOf({ rolloutId, releaseId: releaseIdOf(deviceType, version), deviceType, salt });
  await startRollout(management, plan);
  show.follow({ rolloutId, version });
  return rolloutId;
}

async function publish(
  { management, house, now }: Pick<Story, 'management'> & Pick<RoundOptions, 'house'> & { readonly now: FleetInstant },
  product: DemoProduct,
  former?: DemoProduct,
): Promise<void> {
  await management.publish(await house.sign(product, former, now), [product.source]);
}

async function registerFleet(
  { number, world, deviceCount, server }: RoundOptions,
  shared: { readonly truth: WorldTruth; readonly clock: SteppedClock; readonly factory: DemoProduct },
): Promise<Fleet> {
  const planned = planFleet({ seed: world.seed, deviceType: `camera-r${number}`, count: deviceCount });
  const serverUrl = new URL(server.url);
  return demoFleet(planned, { world, serverUrl, registrationToken: server.registrationToken, ...shared });
}

async function allDeltas(management: Management, products: DemoProducts): Promise<DemoReport['deltas']> {
  const { good, bad } = products;
  const made = await Promise.all(
    [good, bad].map(({ deviceType, version }) => management.deltasOf(releaseIdOf(deviceType, version))),
  );
  const unique = new Map(made.flat().map((delta) => [delta.digest, delta]));
  return deltaReports([...unique.values()], products);
}

function agentReport(agent: AgentProcess): AgentReport {
  const { state, activeVersion } = agent.now();
  return { id: agent.deviceId, hardwareId: agent.hardwareId, state, activeVersion };
}
