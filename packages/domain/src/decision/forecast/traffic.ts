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
}

/** The share of one source version, and how its devices get there. */
export interface VersionPart extends Part {
  readonly devicesByDelta: number;
  readonly devicesWhole: number;
}

/** What a gigabyte (10^9 bytes) costs. */
export interface TrafficPrice {
  readonly perGigabyte: number;
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
  const bytes = sum(classes, bytesOf);
  return {
    devices: sum(classes, (one) => one.devices),
    bytes,
    deltaBytes: sum(classes, (one) => (one.isByDelta ? bytesOf(one) : 0)),
    ...(price === undefined ? {} : { cost: costOf(bytes, price) }),
    bySegment: partsBy(classes, (one) => one.segment).map(([name, own]) => partOf(name, own)),
    byVersion: partsBy(classes, (one) => one.version).map(([name, own]) => ({
      ...partOf(name, own),
      devicesByDelta: sum(own, (one) => (one.isByDelta ? one.devices : 0)),
      devicesWhole: sum(own, (one) => (one.isByDelta ? 0 : one.devices)),
    })),
    byRegion: partsBy(classes, (one) => one.region).map(([name, own]) => partOf(name, own)),
  };
}

const GIGABYTE = 1e9;

function costOf(bytes: number, { perGigabyte, currency }: TrafficPrice): Cost {
  return { amount: (bytes / GIGABYTE) * perGigabyte, currency };
}

function partOf(name: string, classes: readonly FleetClass[]): Part {
  return { name, devices: sum(classes, (one) => one.devices), bytes: sum(classes, bytesOf) };
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
