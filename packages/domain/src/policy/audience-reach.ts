// SPDX-License-Identifier: Apache-2.0
import { isReachWithin, type Reach } from '../trust/reach.ts';
import type { Audience } from './audience.ts';

/**
 * Whether no device outside of a reach can ever be in the audience, whatever devices there are and however their attributes
 * change. It says no where it cannot tell: `not`, tags, ids and versions limit neither customer nor region.
 */
export function isAudienceWithin(audience: Audience, reach: Reach): boolean {
  const bounds = boundsOf(audience);
  return bounds === 'no one' || isReachWithin(bounds, reach);
}

/** Customers and regions that every device of an audience has; `no one`: there is no such device. */
type Bounds = Reach | 'no one';

function boundsOf(audience: Audience): Bounds {
  switch (audience.kind) {
    case 'attribute':
      if (audience.in.length === 0) return 'no one';
      if (audience.name === 'customer') return { customers: audience.in };
      return audience.name === 'region' ? { regions: audience.in } : {};
    case 'all-of':
      return audience.of.map(boundsOf).reduce(inBoth, {});
    case 'any-of':
      return audience.of.map(boundsOf).reduce(inEither, 'no one');
    default:
      return {};
  }
}

function inBoth(a: Bounds, b: Bounds): Bounds {
  if (a === 'no one' || b === 'no one') return 'no one';
  const customers = common(a.customers, b.customers);
  const regions = common(a.regions, b.regions);
  if (customers?.length === 0 || regions?.length === 0) return 'no one';
  return { ...(customers === undefined ? {} : { customers }), ...(regions === undefined ? {} : { regions }) };
}

function inEither(a: Bounds, b: Bounds): Bounds {
  if (a === 'no one') return b;
  if (b === 'no one') return a;
  const customers = a.customers && b.customers && [...new Set([...a.customers, ...b.customers])];
  const regions = a.regions && b.regions && [...new Set([...a.regions, ...b.regions])];
  return { ...(customers === undefined ? {} : { customers }), ...(regions === undefined ? {} : { regions }) };
}

function common(a: readonly string[] | undefined, b: readonly string[] | undefined): readonly string[] | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a.filter((one) => b.includes(one));
}
