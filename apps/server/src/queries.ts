// SPDX-License-Identifier: Apache-2.0
import type { BaseRateProposal } from '@outrider/domain/decision/base-rates/propose';
import type { Decision, StoredDecision } from '@outrider/domain/decision/decision';
import type { DecisionPoint } from '@outrider/domain/decision/history';
import type { ServerStore } from '@outrider/domain/decision/server-store';
import type { Delta } from '@outrider/domain/delta/delta';
import type { Evidence } from '@outrider/domain/evidence/evidence';
import type { KnownDevice } from '@outrider/domain/gateway/device-record';
import { type Explanation, explainDevice } from '@outrider/domain/gateway/explain';
import { explainPast, type PastExplanation, type PastSources, policyAt } from '@outrider/domain/gateway/explain-past';
import type { LedgerOutcome } from '@outrider/domain/gateway/ledger';
import type { OpenPermit, ReportLog } from '@outrider/domain/gateway/ports';
import type { KeptManifests } from '@outrider/domain/gateway/version-manifest';
import type { FleetClock } from '@outrider/domain/kernel/clock';
import type { ClockHold } from '@outrider/domain/kernel/clock-guard';
import type { DeviceId, ReleaseId, Revision, RolloutId } from '@outrider/domain/kernel/ids';
import { ok, type Result } from '@outrider/domain/kernel/result';
import { type FleetInstant, instantText } from '@outrider/domain/kernel/time';
import type { Exposure } from '@outrider/domain/policy/exposure';
import { emptyPolicy, type Policy } from '@outrider/domain/policy/fold';
import type { PausedScope, PolicyEntry, Scope } from '@outrider/domain/policy/log';
import type { RestoredPolicy } from '@outrider/domain/policy/restore';
import type { Rollout } from '@outrider/domain/policy/rollout';
import type { PublishedRelease } from '@outrider/domain/release/release';
import type { Decider } from './decision/decider.ts';
import type { Standing, Standings } from './decision/standings.ts';
import { type CommandError, refuse } from './errors.ts';
import { suspicionSetting } from './gateway/clones.ts';
import type { Counters, CounterValues } from './gateway/counters.ts';
import { policyProblem } from './policy/policy-problem.ts';
import type { SnapshotHolder } from './policy/snapshot-holder.ts';
import type { PublishProgress, ReleaseCommands } from './release/release-commands.ts';
import { imagesOf } from './release/verify-images.ts';

/** The server as a whole, at a glance. */
export interface ServerStatus {
  readonly fleetTime: FleetInstant;
  readonly isConducted: boolean;
  /** Why fleet time is not the wall clock's: nothing widens until it settles, or a person accepts it. */
  readonly clockHold?: ClockHold;
  readonly revision: Revision;
  /** False: the policy has not been read for three seconds, and nothing is offered. */
  readonly isFresh: boolean;
  readonly pausedScopes: readonly PausedScope[];
  /** The restore from a backup from which nobody has resumed yet. */
  readonly restored?: RestoredPolicy;
  readonly publishing?: PublishProgress;
  /** Requests of devices answered since the start. */
  readonly handled: number;
  /** Answers by their reason since the start. */
  readonly counters: CounterValues;
}

/** A rollout with everything that moves it. */
export interface RolloutView {
  readonly rollout: Rollout;
  readonly exposure?: Exposure;
  readonly evidence?: Evidence;
  readonly decision?: Decision;
  /** What it has shown so far, from the evidence here; with it, how near it has come to its base rates. */
  readonly shown?: Standing['shown'];
  readonly baseDrift?: Standing['baseDrift'];
}

type Found<T> = Promise<Result<T, CommandError>>;

/** What people and programs may ask; nothing here changes anything. */
export interface Queries {
  status(): ServerStatus;
  listReleases(deviceType?: string): Promise<readonly PublishedRelease[]>;
  /** The release and all deltas to its images and to those of its rollback twin. */
  showRelease(releaseId: ReleaseId): Found<{ readonly release: PublishedRelease; readonly deltas: readonly Delta[] }>;
  listRollouts(): Promise<readonly { readonly rollout: Rollout; readonly exposure?: Exposure }[]>;
  showRollout(rolloutId: RolloutId): Found<RolloutView>;
  listDecisions(
    rolloutId: RolloutId,
    page: { readonly afterAt?: FleetInstant; readonly limit: number },
  ): Promise<readonly StoredDecision[]>;
  /** Its decisions as points of curves, oldest first. */
  listHistory(rolloutId: RolloutId): Promise<readonly DecisionPoint[]>;
  listLedger(
    rolloutId: RolloutId,
    page: { readonly afterPosition: number; readonly limit: number },
  ): Promise<readonly LedgerOutcome[]>;
  listReports(
    rolloutId: RolloutId,
    page: { readonly afterPosition: number; readonly limit: number },
  ): ReturnType<ReportLog['loadReports']>;
  listOpenPermits(scope: Scope | `rollout:${string}`): Promise<readonly OpenPermit[]>;
  showDevice(deviceId: DeviceId): Found<ShownDevice>;
  explainDevice(deviceId: DeviceId): Found<Explanation>;
  /** The same for an instant that has passed, with what is known only as it is today. */
  explainDeviceAt(deviceId: DeviceId, at: FleetInstant): Found<PastExplanation>;
  /** Freezes, exclusions and groups, and the revision they are of. */
  orders(): Promise<Pick<Policy, 'revision' | 'orders' | 'groups'>>;
  listPolicyEntries(after: Revision): Promise<readonly PolicyEntry[]>;
  /** What the next plan for a device type should declare. */
  proposeBaseRates(deviceType: string): Promise<readonly BaseRateProposal[]>;
}

/** A device with what it last proved of what it runs, if it ever did. */
export interface ShownDevice extends KnownDevice {
  readonly manifests?: KeptManifests;
}

export function queries(options: {
  readonly store: ServerStore;
  readonly holder: SnapshotHolder;
  readonly decider: Pick<Decider, 'latest'>;
  readonly standings: Standings;
  readonly releases: ReleaseCommands;
  readonly fleetClock: FleetClock;
  readonly counters: Counters;
  readonly handledCount: () => number;
  readonly isConducted: boolean;
  readonly clockHold: () => ClockHold | undefined;
}): Queries {
  const { store, holder, decider, releases, fleetClock, counters } = options;

  async function showDevice(deviceId: DeviceId): Promise<Result<ShownDevice, CommandError>> {
    const [device] = await store.registry.loadDevices([deviceId]);
    const manifests = device && (await store.reports.loadKeptManifests(deviceId));
    if (device !== undefined) return ok(manifests === undefined ? device : { ...device, manifests });
    return refuse('device-not-found', 'No device is registered under this id; GET /api/v1/devices lists them', {
      deviceId,
    });
  }

  /** What held at an instant before for the rollouts of the device's type. */
  async function pastSources({ record }: KnownDevice, at: FleetInstant): Promise<PastSources> {
    const policy = policyAt(await store.policyLog.loadEntries(emptyPolicy().revision), at);
    const plans = [...policy.rollouts.values()].flatMap(({ plan }) =>
      plan.deviceType === record.attributes.deviceType ? [plan] : [],
    );
    const releases = new Map<ReleaseId, PublishedRelease>();
    const exposuresUntilNext = new Map<RolloutId, Exposure>();
    for (const { rolloutId, releaseId } of plans) {
      const release = releases.get(releaseId) ?? (await store.catalogue.loadRelease(releaseId));
      if (release !== undefined) releases.set(releaseId, release);
      const [next] = await store.decisions.loadDecisions(rolloutId, { afterAt: at, limit: 1 });
      if (next !== undefined) exposuresUntilNext.set(rolloutId, next.input.exposure);
    }
    const exposures = await store.exposures.loadExposures();
    const charterOf = holder.charterOf();
    return {
      ...{ policy, releases: [...releases.values()], exposures, exposuresUntilNext },
      ...(charterOf === undefined ? {} : { charterOf }),
    };
  }

  return {
    status() {
      const { revision, pausedScopes, restored } = holder.policy();
      const publishing = releases.progress();
      const hold = options.clockHold();
      return {
        fleetTime: fleetClock.now(),
        isConducted: options.isConducted,
        ...(hold === undefined ? {} : { clockHold: hold }),
        revision,
        isFresh: holder.fresh() !== undefined,
        pausedScopes,
        ...(restored === undefined ? {} : { restored }),
        ...(publishing === undefined ? {} : { publishing }),
        handled: options.handledCount(),
        counters: counters.read(),
      };
    },

    listReleases: (deviceType) => store.catalogue.listReleases(deviceType),

    async showRelease(releaseId) {
      const release = await store.catalogue.loadRelease(releaseId);
      if (release === undefined) {
        return refuse('release-unknown', `No release ${releaseId} is published`, { releaseId });
      }
      const deltas = await store.deltas.loadDeltasTo(imagesOf(release.manifest).map((image) => image.digest));
      return ok({ release, deltas });
    },

    async listRollouts() {
      await holder.refresh();
      const exposures = new Map((await store.exposures.loadExposures()).map((one) => [one.rolloutId, one]));
      return [...holder.policy().rollouts.values()].map((rollout) => {
        const exposure = exposures.get(rollout.plan.rolloutId);
        return exposure === undefined ? { rollout } : { rollout, exposure };
      });
    },

    async showRollout(rolloutId) {
      await holder.refresh();
      const rollout = holder.policy().rollouts.get(rolloutId);
      if (rollout === undefined) return { ok: false, error: policyProblem({ code: 'rollout-unknown', rolloutId }) };
      const exposure = await store.exposures.loadExposure(rolloutId);
      const { evidence, decision } = await decider.latest(rolloutId);
      return ok({
        rollout,
        ...(exposure === undefined ? {} : { exposure }),
        ...(evidence === undefined ? {} : { evidence }),
        ...(decision === undefined ? {} : { decision }),
        ...(evidence === undefined ? {} : await options.standings.of(rollout, evidence)),
      });
    },

    listDecisions: (rolloutId, page) => store.decisions.loadDecisions(rolloutId, page),

    listHistory: (rolloutId) => store.decisions.loadHistory(rolloutId),
    listLedger: (rolloutId, page) => store.ledger.loadRows(rolloutId, page),
    listReports: (rolloutId, page) => store.reports.loadReports(rolloutId, page),
    listOpenPermits: (scope) => store.ledger.loadOpenPermits(scope, fleetClock.now()),
    showDevice,

    async explainDevice(deviceId) {
      const device = await showDevice(deviceId);
      if (!device.ok) return device;
      await holder.refresh();
      const snapshot = holder.newest();
      if (snapshot === undefined)
        return refuse('store-away', 'The policy has not been read yet; ask again in a second');
      const explained = explainDevice(snapshot, device.value, fleetClock.now());
      const suspected = await store.installation.loadSetting(suspicionSetting(deviceId));
      const isCloneSuspected = suspected === device.value.record.publicKey.keyId;
      const { manifests } = device.value;
      return ok({
        ...explained,
        ...(isCloneSuspected ? { isCloneSuspected } : {}),
        ...(manifests === undefined ? {} : { manifests }),
      });
    },

    async explainDeviceAt(deviceId, at) {
      const now = fleetClock.now();
      if (at > now) {
        return refuse('query-invalid', `The instant ${instantText(at)} is yet to come; it is ${instantText(now)}`);
      }
      const device = await showDevice(deviceId);
      if (!device.ok) return device;
      const { registeredAt } = device.value.record;
      if (registeredAt > at) {
        const detail = `The device was not registered then, but at ${instantText(registeredAt)}; ask for an instant since`;
        return refuse('query-invalid', detail, { deviceId });
      }
      await holder.refresh();
      return ok(explainPast(await pastSources(device.value, at), device.value, at));
    },

    async orders() {
      await holder.refresh();
      const { revision, orders, groups } = holder.policy();
      return { revision, orders, groups };
    },

    listPolicyEntries: (after) => store.policyLog.loadEntries(after),
    proposeBaseRates: (deviceType) => options.standings.proposals(deviceType),
  };
}
