// SPDX-License-Identifier: Apache-2.0
import { assertNever } from '../kernel/assert.ts';
import type { FleetInstant } from '../kernel/time.ts';
import { compareVersions } from '../release/version.ts';
import type { DeviceRecord } from './device-record.ts';
import type { DeviceQuery, QueryOrder, QueryTextField, TextPattern } from './query.ts';

/** Whether the device is one of those asked for, at fleet time `now`: the meaning that every store must agree with. */
export function matchQuery(query: DeviceQuery, device: DeviceRecord, now: FleetInstant): boolean {
  switch (query.kind) {
    case 'all':
      return true;
    case 'and':
      return query.of.every((one) => matchQuery(one, device, now));
    case 'or':
      return query.of.some((one) => matchQuery(one, device, now));
    case 'not':
      return !matchQuery(query.of, device, now);
    case 'text':
      return matchesAny(query.in, textOf(device, query.field));
    case 'tag':
      return device.attributes.tags.some((tag) => matchesAny(query.in, tag));
    case 'state':
      return query.in.includes(device.status.state);
    case 'version':
      return stands(compareVersions(device.status.running.version, query.than), query.order);
    case 'counter':
      return stands(device.status.running.releaseCounter - query.than, query.order);
    case 'instant':
      return stands(instantOf(device, query.field) - query.than, query.order);
    case 'silence':
      return stands(now - device.status.lastContactAt - query.thanMs, query.order);
    default:
      return assertNever(query);
  }
}

/** Whether the query asks only for what many devices share: attributes, version, counter and state. */
export function isAboutProfiles(query: DeviceQuery): boolean {
  switch (query.kind) {
    case 'and':
    case 'or':
      return query.of.every(isAboutProfiles);
    case 'not':
      return isAboutProfiles(query.of);
    case 'text':
      return query.field !== 'deviceId';
    case 'instant':
    case 'silence':
      return false;
    default:
      return true;
  }
}

function matchesAny(patterns: readonly TextPattern[], text: string): boolean {
  return patterns.some((one) => (one.kind === 'exactly' ? one.text === text : text.startsWith(one.text)));
}

function textOf({ deviceId, attributes }: DeviceRecord, field: QueryTextField): string {
  return field === 'deviceId' ? deviceId : attributes[field];
}

function instantOf({ registeredAt, status }: DeviceRecord, field: 'lastContactAt' | 'registeredAt'): FleetInstant {
  return field === 'registeredAt' ? registeredAt : status.lastContactAt;
}

function stands(difference: number, order: QueryOrder): boolean {
  switch (order) {
    case '=':
      return difference === 0;
    case '<':
      return difference < 0;
    case '<=':
      return difference <= 0;
    case '>':
      return difference > 0;
    case '>=':
      return difference >= 0;
    default:
      return assertNever(order);
  }
}
