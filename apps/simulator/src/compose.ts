// SPDX-License-Identifier: Apache-2.0
import { type SteppedClock, steppedClock } from '@outrider/adapters/shared/clock';
import type { LedgerOutcome } from '@outrider/domain/gateway/ledger';

import { present } from '@outrider/domain/kernel/assert';
import type { RolloutId } from '@outrider/domain/kernel/ids';
import { after, type DurationMs, fleetInstant, hours } from '@outrider/domain/kernel/time';
import type { Exposure } from '@outrider/domain/policy/exposure';
import type { RolloutPlan } from '@outrider/domain/policy/rollout';
import { demoFleet } from './demo/demo-fleet.ts';
import type { Fleet } from './fleet/fleet.ts';
import { planOf, startRollout } from './play/play-rollout.ts';
import { planFleet } from './product/fleet-plan.ts';
import { releaseIdOf, signedRelease } from './product/signed-release.ts';
import { type Acknowledged, acknowledged, reportKeyOf } from './proving/acknowledged.ts';
import { createInstallation, type Installation } from './proving/installation.ts';
import { SIM_DEVICE_TYPE, simProducts } from './sim/sim-products.ts';
import { worldTruth } from './world/truth.ts';

/** A real server with a real PostgreSQL and a fleet on HTTP in the midst of a rollout: to be broken on purpose. */
export interface ProvingGround {
  /** Sets fleet time forward, then wakes everyone who is due by then, until all rest. */
  advance(duration: DurationMs): Promise<void>;
  /** kill -9, at once. */
  killServer(): void;
  killDatabase(): void;
  /** Starts the server again if it was killed, and waits until it answers from its database. */
  recover(): Promise<void>;
  /** What devices hold in their hands. */
  readonly held: Pick<Acknowledged, 'permitIds' | 'reportKeys'>;
  /** What the server says it has, asked through its API. */
  facts(): Promise<ProvingFacts>;
  /** Stops everything and removes what it left on the disk. */
  remove(): Promise<void>;
}

export interface ProvingFacts {
  readonly ledger: readonly LedgerOutcome[];
  readonly reportKeys: ReadonlySet<string>;
  readonly exposure: Exposure;
  /** Whether the stored evidence is what the raw rows and reports say. */
  readonly isRecountEqual: boolean;
}

export interface ProvingOptions {
  readonly seed: string;
  readonly deviceCount: number;
  /** Called after each answer to a device, whatever it says. */
  readonly onAnswer: () => void;
}

const ROLLOUT_ID = 'proving' as RolloutId;

/** Starts a server, registers the fleet and starts a rollout. Keys of devices and all chance but theirs come from the seed. */
export async function composeProvingGround({ seed, deviceCount, onAnswer }: ProvingOptions): Promise<ProvingGround> {
  const installation = await createInstallation();
  const held = acknowledged(onAnswer);
  const { management } = installation;
  const { clock, fleet } = await startTraffic(installation, { seed, deviceCount, held });
  return {
    held,
    async advance(duration) {
      const now = after(clock.now(), duration);
      await management.step(now);
      clock.stepTo(now);
      await fleet.wakeDue(now);
    },
    killServer: installation.killServer,
    killDatabase: installation.killDatabase,
    recover: installation.recover,
    async facts() {
      const ledger = await management.ledger(ROLLOUT_ID);
      const reports = await management.reports(ROLLOUT_ID);
      const { exposure } = await management.sight(ROLLOUT_ID);
      return {
        ledger,
        reportKeys: new Set(reports.map(reportKeyOf)),
        exposure: present(exposure, 'an exposure of a rollout that was started'),
        isRecountEqual: (await management.recount(ROLLOUT_ID)).isEqual,
      };
    },
    remove: installation.remove,
  };
}

/** Two versions of a small image, a fleet over HTTP, and a rollout without waves: only caps hold it back. */
async function startTraffic(
  { management, signers, url, registrationToken }: Installation,
  around: { readonly seed: string; readonly deviceCount: number; readonly held: Acknowledged },
): Promise<{ readonly clock: SteppedClock; readonly fleet: Fleet }> {
  const { seed, deviceCount, held } = around;
  const { first, good } = await simProducts(seed);
  await management.publish(signedRelease(first.product, undefined, signers).envelope, [first.image]);
  const { fleetTime } = await management.status();
  const clock = steppedClock(fleetInstant(fleetTime));
  const fleet = await demoFleet(planFleet({ seed, deviceType: SIM_DEVICE_TYPE, count: deviceCount }), {
    world: { schema: 1, seed, defects: [] },
    truth: worldTruth(),
    clock,
    serverUrl: new URL(url),
    registrationToken,
    factory: first.product,
    witness: held.witness,
  });
  await management.publish(signedRelease(good.product, first.product, signers).envelope, [good.image]);
  await startRollout(management, planWithoutWaves(seed));
  return { clock, fleet };
}

function planWithoutWaves(seed: string): RolloutPlan {
  const releaseId = releaseIdOf(SIM_DEVICE_TYPE, '1.1.0');
  const plan = planOf({ rolloutId: ROLLOUT_ID, releaseId, deviceType: SIM_DEVICE_TYPE, salt: `proving-${seed}` });
  return { ...plan, waves: [{ name: 'everyone', ringTags: [], exposurePermille: 1_000, bakeMs: hours(0) }] };
}
