// SPDX-License-Identifier: Apache-2.0
import type { Readable } from 'node:stream';
import type { ServerStore } from '@outrider/domain/decision/server-store';
import { oneOf, wholeAudienceQuery } from '@outrider/domain/gateway/audience-query';
import type { ExpectedDevice } from '@outrider/domain/gateway/device-import';
import type { FleetExplanation } from '@outrider/domain/gateway/explain-rollout';
import type { DeviceCount, FoundDevice } from '@outrider/domain/gateway/finder-ports';
import { type DeviceQuery, describeQueryError } from '@outrider/domain/gateway/query';
import { parseQuery } from '@outrider/domain/gateway/query-parse';
import { queryWithin } from '@outrider/domain/gateway/query-reach';
import type { TagChange } from '@outrider/domain/gateway/tag-change';
import type { FleetClock } from '@outrider/domain/kernel/clock';
import type { DeviceId, RolloutId } from '@outrider/domain/kernel/ids';
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import { isWhole, type Reach, reaches } from '@outrider/domain/trust/reach';
import { type CommandError, refuse } from '../errors.ts';
import { policyProblem } from '../policy/policy-problem.ts';
import type { SnapshotHolder } from '../policy/snapshot-holder.ts';
import type { Log, Schedule } from '../ports.ts';
import { isGroupWithin } from '../trust/reaching.ts';
import { explainFleet } from './explain-fleet.ts';
import { type DeviceFormat, deviceLines, ExportStalledError } from './registry-export.ts';
import type { RegistryFollower } from './registry-follow.ts';
import { type ImportReceipt, type ImportRequest, importDevices } from './registry-import.ts';
import { type TagReceipt, tagDevices } from './tag-devices.ts';
import { turns } from './turns.ts';

/** What people ask the registry, and tell it. */
export interface RegistryDesk {
  /** Devices that a query describes, a page at a time. Code: query-invalid. */
  find(page: {
    readonly where: string;
    readonly after?: DeviceId;
    readonly limit: number;
    readonly reach: Reach;
  }): Found<readonly FoundDevice[]>;
  /** Code: query-invalid. */
  count(where: string, reach: Reach): Found<DeviceCount>;
  /** All of them as text, piece by piece, for as long as somebody reads. Codes: query-invalid, rate-limited. */
  writeOut(asked: { readonly where: string; readonly format: DeviceFormat; readonly reach: Reach }): Found<Readable>;
  /** Takes in lines of devices, batch by batch. Codes: body-malformed, body-too-large, rate-limited. */
  takeIn(request: ImportRequest): Found<ImportReceipt>;
  /**
   * Adds tags to devices, by id or by query, and takes them away. Codes: query-invalid, device-not-found (nothing is changed then),
   * attributes-stale, tags-too-many, rate-limited.
   */
  tag(asked: {
    readonly of: { readonly deviceIds: readonly DeviceId[] } | { readonly where: string };
    readonly change: TagChange;
    readonly attributesRevision?: number;
    readonly author: string;
    readonly reach: Reach;
  }): Found<TagReceipt>;
  listExpected(page: {
    readonly after?: DeviceId;
    readonly limit: number;
    readonly reach: Reach;
  }): Promise<readonly ExpectedDevice[]>;
  /** The whole fleet before a rollout, grouped by cause. Codes: rollout-unknown, rollout-not-live, rate-limited. */
  explainRollout(rolloutId: RolloutId, reach: Reach): Found<FleetExplanation>;
}

type Found<T> = Promise<Result<T, CommandError>>;

/** Imports and explanations under way at once, and pages of exports: each reads or writes the registry as fast as it can. */
const SWEEPS_MAX = 2;

/** Exports begun and not at their end: one that waits for its reader holds some hundred kilobytes and no place of the above. */
const EXPORTS_MAX = 16;

/** Questions that are with the database at once; others wait. Permits share its connections, eight by default. */
const LOOKS_MAX = 2;

/** Devices of one page of a sweep: some megabytes, a tenth of a second. */
const SWEEP_DEVICES = 2_000;

export function registryDesk(options: {
  readonly store: ServerStore;
  readonly holder: SnapshotHolder;
  readonly fleetClock: FleetClock;
  /** This server follows at once what an import has changed; others follow within a second. */
  readonly follower: Pick<RegistryFollower, 'refresh'>;
  readonly schedule: Schedule;
  readonly log: Log;
}): RegistryDesk {
  const { store, holder, fleetClock, schedule, log } = options;
  const looks = turns(LOOKS_MAX);
  const pages = turns(SWEEPS_MAX);
  let sweeps = 0;
  let exports = 0;

  function beginSweep(): (() => void) | undefined {
    if (sweeps >= SWEEPS_MAX) return undefined;
    sweeps++;
    return () => {
      sweeps--;
    };
  }

  /** Groups stand for what they mean now, those beyond the reach for nothing. */
  function queryOf(where: string, reach: Reach): Result<DeviceQuery, CommandError> {
    const query = parseQuery(where, (groupId) => {
      const group = holder.policy().groups.get(groupId);
      return group === undefined || !isGroupWithin(group, reach) ? undefined : wholeAudienceQuery(group.audience);
    });
    if (query.ok) return ok(queryWithin(query.value, reach));
    return refuse('query-invalid', describeQueryError(query.error), { column: query.error.column });
  }

  /** All of them must be there, within the reach: else nothing is done to any. */
  async function queryOfIds(deviceIds: readonly DeviceId[], reach: Reach): Promise<Result<DeviceQuery, CommandError>> {
    const query = queryWithin(oneOf('deviceId', deviceIds), reach);
    const found = await store.finder.findDevices(query, { limit: deviceIds.length, now: fleetClock.now() });
    const known = new Set(found.map(({ record }) => record.deviceId));
    const missing = deviceIds.find((one) => !known.has(one));
    if (missing === undefined) return ok(query);
    const detail = `No device is registered under ${missing}; nothing was changed, correct the list`;
    return refuse('device-not-found', detail, { deviceId: missing });
  }

  return {
    async find({ where, reach, ...page }) {
      const query = queryOf(where, reach);
      if (!query.ok) return query;
      return ok(await looks.take(() => store.finder.findDevices(query.value, { ...page, now: fleetClock.now() })));
    },

    async count(where, reach) {
      const query = queryOf(where, reach);
      if (!query.ok) return query;
      return ok(await looks.take(() => store.finder.countDevices(query.value, fleetClock.now())));
    },

    async writeOut({ where, format, reach }) {
      const query = queryOf(where, reach);
      if (!query.ok) return query;
      if (exports >= EXPORTS_MAX) return busy(`${EXPORTS_MAX} exports`);
      exports++;
      const onEnd = () => void exports--;
      const asked = { query: query.value, format, now: fleetClock.now() };
      const lines = deviceLines(store.finder, { ...asked, pages, schedule, onEnd });
      return ok(
        lines.on('error', (cause) => {
          if (!(cause instanceof ExportStalledError)) return;
          log.warn({ stage: 'server', code: 'export-stalled' }, `${cause.message}: it was broken off`);
        }),
      );
    },

    async takeIn(request) {
      const end = beginSweep();
      if (end === undefined) return busy(`${SWEEPS_MAX} imports or explanations of a fleet`);
      try {
        // Once before, so that it knows from where to follow.
        await options.follower.refresh();
        const receipt = await importDevices(store.importer, request, { fleetClock, schedule });
        await options.follower.refresh();
        return receipt;
      } finally {
        end();
      }
    },

    async tag({ of, reach, ...asked }) {
      const query = 'where' in of ? queryOf(of.where, reach) : await queryOfIds(of.deviceIds, reach);
      if (!query.ok) return query;
      const end = beginSweep();
      if (end === undefined) return busy(`${SWEEPS_MAX} imports or explanations of a fleet`);
      try {
        await options.follower.refresh();
        const { finder, importer } = store;
        const receipt = await tagDevices({ finder, importer, fleetClock }, { ...asked, query: query.value, reach });
        await options.follower.refresh();
        return receipt;
      } finally {
        end();
      }
    },

    async listExpected({ reach, after, limit }) {
      if (isWhole(reach)) return store.importer.listExpected({ limit, ...(after === undefined ? {} : { after }) });
      const found: ExpectedDevice[] = [];
      // A page that is shorter than asked for is the last: so it is filled, or there is nothing more.
      for (let next = after; ; ) {
        const page = await store.importer.listExpected({
          limit: SWEEP_DEVICES,
          ...(next === undefined ? {} : { after: next }),
        });
        found.push(...page.filter((one) => reaches(reach, one.attributes)));
        next = page.at(-1)?.deviceId;
        if (found.length >= limit || page.length < SWEEP_DEVICES) return found.slice(0, limit);
      }
    },

    async explainRollout(rolloutId, reach) {
      await holder.refresh();
      const snapshot = holder.newest();
      const live = snapshot?.rollouts.get(rolloutId);
      if (snapshot === undefined || live === undefined) return notLive(holder, rolloutId);
      const end = beginSweep();
      if (end === undefined) return busy(`${SWEEPS_MAX} imports or explanations of a fleet`);
      try {
        return ok(await explainFleet(store.finder, { snapshot, live, reach, now: fleetClock.now() }));
      } finally {
        end();
      }
    },
  };
}

function busy(what: string): Result<never, CommandError> {
  return refuse('rate-limited', `${what} are under way, the most there may be; ask again later`);
}

function notLive(holder: SnapshotHolder, rolloutId: RolloutId): Result<never, CommandError> {
  const rollout = holder.policy().rollouts.get(rolloutId);
  if (rollout === undefined) return err(policyProblem({ code: 'rollout-unknown', rolloutId }));
  const detail = `The rollout ${rolloutId} is ${rollout.state}: no device stands anywhere before it; start it first`;
  return refuse('rollout-not-live', detail, { rolloutId });
}
