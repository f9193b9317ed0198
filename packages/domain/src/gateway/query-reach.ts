// SPDX-License-Identifier: Apache-2.0
import type { Reach } from '../trust/reach.ts';
import type { DeviceQuery, QueryTextField } from './query.ts';

/** The devices of a query that lie in a reach: both hold, whatever the query says. */
export function queryWithin(query: DeviceQuery, { customers, regions }: Reach): DeviceQuery {
  const limits = [...oneOf('customer', customers), ...oneOf('region', regions)];
  return limits.length === 0 ? query : { kind: 'and', of: [query, ...limits] };
}

function oneOf(field: QueryTextField, names: readonly string[] | undefined): readonly DeviceQuery[] {
  return names === undefined ? [] : [{ kind: 'text', field, in: names.map((text) => ({ kind: 'exactly', text })) }];
}
