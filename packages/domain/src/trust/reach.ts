// SPDX-License-Identifier: Apache-2.0

/**
 * How far the roles of a person go: the devices of these customers, in these regions. A list that is absent limits nothing;
 * an empty one would be nobody's, so there is none. Never called a scope: that is what a pause stops.
 */
export interface Reach {
  readonly customers?: readonly string[];
  readonly regions?: readonly string[];
}

/** Everything there is. */
export const WHOLE_REACH: Reach = {};

/** Whether no device lies outside. */
export function isWhole(reach: Reach): boolean {
  return reach.customers === undefined && reach.regions === undefined;
}

/** Whether a device with these attributes lies inside. */
export function reaches(reach: Reach, device: { readonly customer: string; readonly region: string }): boolean {
  return isIn(reach.customers, device.customer) && isIn(reach.regions, device.region);
}

/** Whether everything inside `inner` also lies inside `outer`: nobody hands on more than they have. */
export function isReachWithin(inner: Reach, outer: Reach): boolean {
  return isListWithin(inner.customers, outer.customers) && isListWithin(inner.regions, outer.regions);
}

/** A reach in words. */
export function describeReach({ customers, regions }: Reach): string {
  const parts = [
    ...(customers === undefined ? [] : [`customer ${customers.join(' ')}`]),
    ...(regions === undefined ? [] : [`region ${regions.join(' ')}`]),
  ];
  return parts.length === 0 ? 'everything' : parts.join(', ');
}

function isIn(allowed: readonly string[] | undefined, value: string): boolean {
  return allowed === undefined || allowed.includes(value);
}

function isListWithin(inner: readonly string[] | undefined, outer: readonly string[] | undefined): boolean {
  return outer === undefined || (inner?.every((one) => outer.includes(one)) ?? false);
}
