// SPDX-License-Identifier: Apache-2.0
import type { FleetClass } from './counted-fleet.ts';

/** What a number of devices fetch when all of them do, and by what they differ. */
export interface Traffic {
  readonly devices: number;
  readonly bytes: number;
  /** Of the bytes: those of devices that take deltas alone. */
  readonly deltaBytes: number;
  readonly cost?: Cost;
  readonly bySegment: readonly Part[];
  readonly byVersion: readonly VersionPart[];
  readonly byRegion: readonly Part[];
}

/** The share of one segment or region. */
export interface Part {
  readonly name: string;
  readonly devices: number;
  readonly bytes: number;
  readonly cost?: Cost;
}

/** The share of one source version, and how its devices get there. */
export interface VersionPart extends Part {
  readonly devicesByDelta: number;
  readonly devicesWhole: number;
}

/** What a gigabyte (10^9 bytes) costs. */
export interface TrafficPrice {
  readonly perGigabyte: number;
  /** Regions where it costs something else, for example where devices pay for a metered line. */
  readonly perGigabyteByRegion?: Readonly<Record<string, number>>;
  /** For example `EUR`. */
  readonly currency: string;
}

/** What the bytes cost at the price given. */
export interface Cost {
  readonly amount: number;
  readonly currency: string;
}

/** Adds up what these devices fetch. Both arms fetch alike, so a wave costs all its devices, not only those permitted. */
export function trafficOf(classes: readonly FleetClass[], price?: TrafficPrice): Traffic {
  const part = ([name, own]: readonly [string, readonly FleetClass[]]): Part => ({ name, ...totalOf(own, price) });
  return {
    ...totalOf(classes, price),
    deltaBytes: sum(classes, (one) => (one.isByDelta ? bytesOf(one) : 0)),
    bySegment: partsBy(classes, (one) => one.segment).map(part),
    byVersion: partsBy(classes, (one) => one.version).map(([name, own]) => ({
      ...part([name, own]),
      devicesByDelta: sum(own, (one) => (one.isByDelta ? one.devices : 0)),
      devicesWhole: sum(own, (one) => (one.isByDelta ? 0 : one.devices)),
    })),
    byRegion: partsBy(classes, (one) => one.region).map(part),
  };
}

const GIGABYTE = 1e9;

function totalOf(classes: readonly FleetClass[], price?: TrafficPrice): Omit<Part, 'name'> {
  return {
    devices: sum(classes, (one) => one.devices),
    bytes: sum(classes, bytesOf),
    ...(price === undefined ? {} : { cost: costOf(classes, price) }),
  };
}

function costOf(
  classes: readonly FleetClass[],
  { perGigabyte, perGigabyteByRegion = {}, currency }: TrafficPrice,
): Cost {
  const priceIn = (region: string): number =>
    Object.hasOwn(perGigabyteByRegion, region) ? (perGigabyteByRegion[region] ?? perGigabyte) : perGigabyte;
  return { amount: sum(classes, (one) => (bytesOf(one) / GIGABYTE) * priceIn(one.region)), currency };
}

function partsBy(
  classes: readonly FleetClass[],
  nameOf: (one: FleetClass) => string,
): readonly (readonly [string, readonly FleetClass[]])[] {
  const parts = new Map<string, FleetClass[]>();
  for (const one of classes) {
    const found = parts.get(nameOf(one));
    if (found === undefined) parts.set(nameOf(one), [one]);
    else found.push(one);
  }
  return [...parts].sort(([a], [b]) => (a < b ? -1 : 1));
}

function bytesOf(one: FleetClass): number {
  return one.devices * one.bytesEach;
}

function sum(classes: readonly FleetClass[], of: (one: FleetClass) => number): number {
  return classes.reduce((total, one) => total + of(one), 0);
}
