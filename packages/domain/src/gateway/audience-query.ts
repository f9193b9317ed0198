// SPDX-License-Identifier: Apache-2.0
import { assertNever } from '../kernel/assert.ts';
import type { DeviceId } from '../kernel/ids.ts';
import type { Audience } from '../policy/audience.ts';
import type { DeviceQuery } from './query.ts';

/**
 * The audience as a question to the registry about what many devices share: devices that the audience names by id are not meant
 * by it (see `namedDevices`), so that the answer is a sum over a small table, however large the fleet.
 */
export function audienceQuery(audience: Audience): DeviceQuery {
  return queryOf(audience, () => NONE);
}

/** The audience as a question to the registry, the devices that it names by id with it: what a group means. */
export function wholeAudienceQuery(audience: Audience): DeviceQuery {
  return queryOf(audience, (ids) => oneOf('deviceId', ids));
}

function queryOf(audience: Audience, named: (ids: readonly string[]) => DeviceQuery): DeviceQuery {
  switch (audience.kind) {
    case 'everyone':
      return ALL;
    case 'all-of':
      return audience.of.length === 0 ? ALL : { kind: 'and', of: audience.of.map((one) => queryOf(one, named)) };
    case 'any-of':
      return audience.of.length === 0 ? NONE : { kind: 'or', of: audience.of.map((one) => queryOf(one, named)) };
    case 'not':
      return { kind: 'not', of: queryOf(audience.of, named) };
    case 'attribute':
      return oneOf(audience.name, audience.in);
    case 'tag':
      return { kind: 'tag', in: [{ kind: 'exactly', text: audience.tag }] };
    case 'device':
      return named(audience.in);
    case 'version':
      return {
        kind: 'and',
        of: [
          ...(audience.atLeast === undefined
            ? [ALL]
            : [{ kind: 'version', order: '>=', than: audience.atLeast } as const]),
          ...(audience.below === undefined ? [] : [{ kind: 'version', order: '<', than: audience.below } as const]),
        ],
      };
    default:
      return assertNever(audience);
  }
}

/** Devices whose text field is one of these; none, where the list is empty. */
export function oneOf(
  field: Extract<DeviceQuery, { readonly kind: 'text' }>['field'],
  texts: readonly string[],
): DeviceQuery {
  if (texts.length === 0) return NONE;
  return { kind: 'text', field, in: texts.map((text) => ({ kind: 'exactly', text })) };
}

/** The ids that the audience names, once each: `audienceQuery` leaves them out. */
export function namedDevices(audience: Audience): readonly DeviceId[] {
  switch (audience.kind) {
    case 'all-of':
    case 'any-of':
      return [...new Set(audience.of.flatMap(namedDevices))];
    case 'not':
      return namedDevices(audience.of);
    case 'device':
      // What is no id of a device names none.
      return [...new Set(audience.in)] as readonly string[] as readonly DeviceId[];
    default:
      return [];
  }
}

/** The audience as it is for devices that it does not name: what `audienceQuery` asks. */
export function withoutNamed(audience: Audience): Audience {
  switch (audience.kind) {
    case 'all-of':
    case 'any-of':
      return { kind: audience.kind, of: audience.of.map(withoutNamed) };
    case 'not':
      return { kind: 'not', of: withoutNamed(audience.of) };
    case 'device':
      return { kind: 'any-of', of: [] };
    default:
      return audience;
  }
}

const ALL: DeviceQuery = { kind: 'all' };
const NONE: DeviceQuery = { kind: 'not', of: ALL };
