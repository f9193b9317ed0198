// SPDX-License-Identifier: Apache-2.0
import type { DeviceFinder, DeviceImporter, FoundDevice } from '@outrider/domain/gateway/finder-ports';
import type { DeviceQuery } from '@outrider/domain/gateway/query';
import { changedTags, type TagChange } from '@outrider/domain/gateway/tag-change';
import type { FleetClock } from '@outrider/domain/kernel/clock';
import type { DeviceId } from '@outrider/domain/kernel/ids';
import { ok, type Result } from '@outrider/domain/kernel/result';
import type { Reach } from '@outrider/domain/trust/reach';
import { type CommandError, refuse } from '../errors.ts';
import { underRequest } from '../trust/changed-by.ts';

/** Whose tags change, and how. */
export interface TagRequest {
  /** The devices, narrowed to the reach of the author already. */
  readonly query: DeviceQuery;
  readonly change: TagChange;
  /** The revision of the attributes that the author saw: of one device alone. */
  readonly attributesRevision?: number;
  readonly author: string;
  readonly reach: Reach;
}

/** What became of the devices. */
export interface TagReceipt {
  readonly devices: number;
  readonly changed: number;
  /** Of the device, where it was one: for the next change. */
  readonly attributesRevision?: number;
}

/** Devices of one transaction, as of an import. */
const BATCH_DEVICES = 500;

/** Devices of one request: half a minute, as of an import. */
export const TAGGED_DEVICES_MAX = 100_000;

/** Rounds of a batch in which somebody else was faster about one of its devices. */
const ROUNDS_MAX = 8;

/**
 * Adds tags to devices and takes them away, batch by batch in the order of their ids. A device that meets others' changes on the
 * way is read again; what is named with a revision is refused instead. Codes: attributes-stale, tags-too-many, query-invalid (more
 * than `TAGGED_DEVICES_MAX`).
 */
export async function tagDevices(
  { finder, importer, fleetClock }: { finder: DeviceFinder; importer: DeviceImporter; fleetClock: FleetClock },
  request: TagRequest,
): Promise<Result<TagReceipt, CommandError>> {
  const { query, change, attributesRevision } = request;
  let [devices, changed] = [0, 0];
  let last: number | undefined;

  /** The devices of the batch that somebody else changed meanwhile. */
  async function write(found: readonly FoundDevice[]): Promise<Result<readonly DeviceId[], CommandError>> {
    const lines = [];
    for (const { record, attributesRevision: seen } of found) {
      const { deviceId, attributes } = record;
      const tags = changedTags(attributes.tags, change);
      if (!tags.ok) {
        const detail = `The device ${deviceId} would have more than ${tags.error.tagsMax} tags; take some away first. ${changed} devices were changed before`;
        return refuse('tags-too-many', detail, { deviceId });
      }
      lines.push({
        deviceId,
        attributes: { ...attributes, tags: tags.value },
        attributesRevision: attributesRevision ?? seen,
      });
    }
    const { author, reach } = request;
    const context = { now: fleetClock.now(), author, reach, isDryRun: false, request: underRequest(), tagged: change };
    const decided = await importer.importDevices(lines, context);
    const late: DeviceId[] = [];
    for (const [index, one] of decided.entries()) {
      if (one.ok && one.value.kind === 'updated') changed++;
      if (one.ok) last = one.value.attributesRevision;
      const deviceId = lines[index]?.deviceId;
      if (!one.ok && deviceId !== undefined) late.push(deviceId);
    }
    return ok(late);
  }

  const counted = await finder.countDevices(query, fleetClock.now());
  if (counted.devices > TAGGED_DEVICES_MAX) return tooMany(counted.devices, 'nothing was changed');

  for (let after: DeviceId | undefined; ; ) {
    const now = fleetClock.now();
    const page = { limit: BATCH_DEVICES, now, ...(after === undefined ? {} : { after }) };
    let found = await finder.findDevices(query, page);
    const isLast = found.length < BATCH_DEVICES;
    after = found.at(-1)?.record.deviceId;
    devices += found.length;
    if (devices > TAGGED_DEVICES_MAX) return tooMany(devices, `${changed} devices were changed`);
    const [only] = found;
    if (attributesRevision !== undefined && only !== undefined && only.attributesRevision !== attributesRevision) {
      return stale(only, attributesRevision);
    }
    for (let round = 0; found.length > 0; round++) {
      const late = await write(found);
      if (!late.ok) return late;
      if (late.value.length === 0) break;
      const ids = late.value.map((text) => ({ kind: 'exactly', text }) as const);
      const again: DeviceQuery = { kind: 'and', of: [query, { kind: 'text', field: 'deviceId', in: ids }] };
      found = await finder.findDevices(again, { limit: BATCH_DEVICES, now: fleetClock.now() });
      const [one] = found;
      if (one !== undefined && (attributesRevision !== undefined || round >= ROUNDS_MAX)) {
        return stale(one, attributesRevision);
      }
    }
    if (isLast) break;
  }
  return ok({ devices, changed, ...(devices === 1 && last !== undefined ? { attributesRevision: last } : {}) });
}

function tooMany(devices: number, done: string) {
  const detail = `The query describes ${devices} devices, one request takes ${TAGGED_DEVICES_MAX}; ${done}, narrow it and send several`;
  return refuse('query-invalid', detail, { devices });
}

function stale({ record: { deviceId }, attributesRevision }: FoundDevice, expected: number | undefined) {
  const from = expected === undefined ? 'others change it all the time' : `the change was made from ${expected}`;
  const detail = `The device ${deviceId} is at revision ${attributesRevision} of its attributes, ${from}; look at it again, then decide`;
  return refuse('attributes-stale', detail, { deviceId, actual: attributesRevision });
}
