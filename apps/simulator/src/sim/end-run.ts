// SPDX-License-Identifier: Apache-2.0
import type { DeviceId, RolloutId } from '@outrider/domain/kernel/ids';
import { after, DAY_MS, durationMs, type FleetInstant } from '@outrider/domain/kernel/time';
import type { Conductor } from '../play/stage.ts';
import type { DeviceAtEnd, Observation } from './oracles/observation.ts';
import type { SimDevice } from './sim-device.ts';
import { type SimWorld, START } from './sim-world.ts';

/** Steps in good weather before anything is compared: what was killed is back, what was away is here again. */
const QUIET_STEPS = 12;
/** Rows of one read. */
const PAGE = 1_000;

/**
 * The end of a run: the weather clears, every device that is in reach is asked to check in, and then what the store has is
 * laid before the oracles beside what the devices have.
 */
export async function endRun(
  sim: SimWorld,
  played: {
    readonly conductor: Conductor;
    readonly devices: readonly SimDevice[];
    readonly rolloutIds: readonly RolloutId[];
    /** Fleet days that a run lasts at least. */
    readonly daysMin: number;
  },
): Promise<void> {
  const { conductor, devices, rolloutIds, daysMin } = played;
  sim.weather.clear();
  const daysEndAt = after(START, durationMs(daysMin * DAY_MS));
  for (let step = 0; step < QUIET_STEPS || sim.clock.now() < daysEndAt; step++) await conductor.step();
  const inReach = devices.filter((device) => !device.life.isSilent());
  const now = await conductor.step();
  await Promise.all(inReach.map((device) => nudged(device, now)));
  await sim.gateways.each((server) => server.drain());
  for (const rolloutId of rolloutIds) await recount(sim, rolloutId);
  // Whoever was given a permit just now may have booted, and have lost contact before it could say so.
  const heard = inReach.filter((device) => !device.life.isSilent());
  sim.watch.see(await whatIsThere(sim, heard, rolloutIds));
  await sim.gateways.each((server) => server.close());
  await sim.console.close();
  await sim.turns.rest();
  sim.watch.check();
}

/** The server's own recount must come to the stored evidence too. */
async function recount({ console, watch }: SimWorld, rolloutId: RolloutId): Promise<void> {
  const counted = await console.recounts.ofRollout(rolloutId);
  if (counted.ok && !counted.value.isEqual) watch.fail(`The recount of ${rolloutId}: ${JSON.stringify(counted.value)}`);
  if (!counted.ok && counted.error.code !== 'evidence-absent') watch.fail(counted.error.detail);
}

async function nudged({ agent }: SimDevice, now: FleetInstant): Promise<void> {
  await agent.checkInNow();
  await agent.wake(now);
}

async function whatIsThere(
  { store }: SimWorld,
  devices: readonly SimDevice[],
  rolloutIds: readonly RolloutId[],
): Promise<Extract<Observation, { kind: 'ended' }>> {
  const permitIds = new Set<string>();
  const reportKeys = new Set<string>();
  const decisions: Extract<Observation, { kind: 'ended' }>['decisions'][number][] = [];
  const plans = new Map<string, Extract<Observation, { kind: 'ended' }>['decisions'][number]['plan']>();
  const everything = { afterPosition: 0, limit: Number.MAX_SAFE_INTEGER };
  for (const { change } of await store.policyLog.loadEntries(BEFORE_ALL)) {
    if (change.kind === 'rollout-created') plans.set(change.plan.rolloutId, change.plan);
  }
  for (const rolloutId of rolloutIds) {
    for (const { row } of await store.ledger.loadRows(rolloutId, everything)) permitIds.add(row.permitId);
    for (const { report } of await store.reports.loadReports(rolloutId, everything)) {
      reportKeys.add(`${report.deviceId} ${report.sequence}`);
    }
    const plan = plans.get(rolloutId);
    const stored = await store.decisions.loadDecisions(rolloutId, { limit: Number.MAX_SAFE_INTEGER });
    if (plan !== undefined) decisions.push(...stored.map((one) => ({ plan, ...one })));
  }
  return { kind: 'ended', permitIds, reportKeys, decisions, devices: await recorded(store, devices) };
}

async function recorded(store: SimWorld['store'], devices: readonly SimDevice[]): Promise<readonly DeviceAtEnd[]> {
  const compared: DeviceAtEnd[] = [];
  for (let start = 0; start < devices.length; start += PAGE) {
    const page = devices.slice(start, start + PAGE);
    const known = await store.registry.loadDevices(page.map((one) => one.deviceId));
    const byId = new Map<DeviceId, (typeof known)[number]>(known.map((one) => [one.record.deviceId, one]));
    for (const device of page) {
      const running = byId.get(device.deviceId)?.record.status.running;
      const { deviceId, runningVersion, runningDigest } = device.slots();
      compared.push({
        ...{ deviceId, bootedVersion: runningVersion, bootedDigest: runningDigest },
        storedVersion: running?.version ?? 'unknown',
        storedDigest: running?.components[0]?.digest ?? 'unknown',
      });
    }
  }
  return compared;
}

/** The revision before the first entry. */
const BEFORE_ALL = 0 as Parameters<SimWorld['store']['policyLog']['loadEntries']>[0];
