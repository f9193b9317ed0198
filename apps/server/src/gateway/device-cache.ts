// SPDX-License-Identifier: Apache-2.0
import {
  type DeviceStatus,
  type KnownDevice,
  REPORTED_STATES,
  type ReportedState,
} from '@outrider/domain/gateway/device-record';
import type { LedgerRow } from '@outrider/domain/gateway/ledger';
import { assert, present } from '@outrider/domain/kernel/assert';
import type { DeviceId, KeyId } from '@outrider/domain/kernel/ids';
import type { FleetInstant } from '@outrider/domain/kernel/time';
import type { DeviceAttributes } from '@outrider/domain/policy/attributes';
import { encodeJson } from '@outrider/protocol/kernel/json-text';
import { interned } from './interned.ts';

/**
 * Devices in memory, packed: about 200 bytes each beside their ledger rows, where the objects that they are unpacked to take
 * 1.5 KB (docs/adr/0022-a-device-in-memory-is-packed.md). Bounded: when it is full, one that was not heard from for long leaves.
 */
export interface DeviceCache {
  get(deviceId: DeviceId): KnownDevice | undefined;
  has(deviceId: DeviceId): boolean;
  set(device: KnownDevice): void;
  /** What a device told, of one that is here: attributes, key and rows stay. */
  setStatus(deviceId: DeviceId, status: DeviceStatus): void;
  delete(deviceId: DeviceId): void;
  /** A mark that leaves with the device. */
  isMarked(deviceId: DeviceId): boolean;
  setMarked(deviceId: DeviceId, isMarked: boolean): void;
  size(): number;
}

export function deviceCache(devicesMax: number): DeviceCache {
  assert(Number.isSafeInteger(devicesMax) && devicesMax > 0, `room for at least one device, got ${devicesMax}`);
  const slots = idTable();
  const pages: Page[] = [];
  const free: number[] = [];
  const attributes = interned<DeviceAttributes>(encodeJson);
  const software = interned<DeviceStatus['running']>(encodeJson);
  /** Most devices have no row, or not for long. */
  const ledgers = new Map<number, readonly LedgerRow[]>();
  const deviceIds: (DeviceId | undefined)[] = [];
  let hand = 0;

  function pageOf(slot: number): Page {
    return present(pages[slot >>> PAGE_BITS], 'the page of a slot');
  }

  function freeSlot(): number {
    if (slots.size() >= devicesMax) evictOne();
    const freed = free.pop();
    if (freed !== undefined) return freed;
    const slot = deviceIds.length;
    if ((slot & PAGE_MASK) === 0) pages.push(newPage());
    return slot;
  }

  /** The clock: whoever was heard from since the hand came by last is spared once. */
  function evictOne(): void {
    for (;;) {
      hand = (hand + 1) % deviceIds.length;
      const deviceId = deviceIds[hand];
      if (deviceId === undefined) continue;
      const page = pageOf(hand);
      const at = hand & PAGE_MASK;
      const flags = page.flags[at] ?? 0;
      if ((flags & HEARD) === 0) {
        remove(deviceId);
        return;
      }
      page.flags[at] = flags & ~HEARD;
    }
  }

  function remove(deviceId: DeviceId): void {
    const slot = slots.get(deviceId);
    if (slot === undefined) return;
    const page = pageOf(slot);
    attributes.release(page.attributes[slot & PAGE_MASK] ?? 0);
    software.release(page.running[slot & PAGE_MASK] ?? 0);
    ledgers.delete(slot);
    slots.delete(deviceId);
    deviceIds[slot] = undefined;
    free.push(slot);
  }

  function writeStatus(page: Page, at: number, status: DeviceStatus): void {
    const { contactHistory } = status;
    page.sequence[at] = status.sequence;
    page.lastContactAt[at] = status.lastContactAt;
    page.since[at] = contactHistory?.since ?? 0;
    page.slots[at] = contactHistory?.slots ?? 0;
    page.state[at] = STATES.indexOf(status.state);
    const isHistoryKept = contactHistory === undefined ? 0 : WITH_HISTORY;
    page.flags[at] = ((page.flags[at] ?? 0) & MARKED) | HEARD | isHistoryKept;
  }

  function statusAt(page: Page, at: number): DeviceStatus {
    const status = {
      sequence: page.sequence[at] ?? 0,
      // What was written here were instants.
      lastContactAt: page.lastContactAt[at] as FleetInstant,
      running: software.at(page.running[at] ?? 0),
      state: present(STATES[page.state[at] ?? 0], 'a state that was written'),
    };
    if (((page.flags[at] ?? 0) & WITH_HISTORY) === 0) return status;
    const since = page.since[at] as FleetInstant;
    return { ...status, contactHistory: { since, slots: page.slots[at] ?? 0 } };
  }

  return {
    get(deviceId) {
      const slot = slots.get(deviceId);
      if (slot === undefined) return undefined;
      const page = pageOf(slot);
      const at = slot & PAGE_MASK;
      return {
        record: {
          deviceId,
          publicKey: keyAt(page, at),
          attributes: attributes.at(page.attributes[at] ?? 0),
          registeredAt: page.registeredAt[at] as FleetInstant,
          status: statusAt(page, at),
        },
        ledger: ledgers.get(slot) ?? NO_ROWS,
      };
    },
    has: (deviceId) => slots.get(deviceId) !== undefined,
    set({ record, ledger }) {
      const { deviceId, status } = record;
      const known = slots.get(deviceId);
      const slot = known ?? freeSlot();
      const page = pageOf(slot);
      const at = slot & PAGE_MASK;
      // Taken before the former are released: a set that both share must not leave in between.
      const attributesIndex = attributes.take(record.attributes);
      const runningIndex = software.take(status.running);
      if (known === undefined) {
        slots.set(deviceId, slot);
        deviceIds[slot] = deviceId;
        page.flags[at] = 0;
      } else {
        attributes.release(page.attributes[at] ?? 0);
        software.release(page.running[at] ?? 0);
      }
      page.attributes[at] = attributesIndex;
      page.running[at] = runningIndex;
      page.registeredAt[at] = record.registeredAt;
      writeKey(page, at, record.publicKey);
      writeStatus(page, at, status);
      if (ledger.length === 0) ledgers.delete(slot);
      else ledgers.set(slot, ledger);
    },
    setStatus(deviceId, status) {
      const slot = present(slots.get(deviceId), 'a device that is in memory');
      const page = pageOf(slot);
      const at = slot & PAGE_MASK;
      const former = page.running[at] ?? 0;
      if (software.at(former) !== status.running) {
        page.running[at] = software.take(status.running);
        software.release(former);
      }
      writeStatus(page, at, status);
    },
    delete: remove,
    isMarked(deviceId) {
      const slot = slots.get(deviceId);
      return slot !== undefined && ((pageOf(slot).flags[slot & PAGE_MASK] ?? 0) & MARKED) !== 0;
    },
    setMarked(deviceId, isMarked) {
      const slot = slots.get(deviceId);
      if (slot === undefined) return;
      const { flags } = pageOf(slot);
      const at = slot & PAGE_MASK;
      flags[at] = isMarked ? (flags[at] ?? 0) | MARKED : (flags[at] ?? 0) & ~MARKED;
    },
    size: () => slots.size(),
  };
}

/** Slots of one page: memory grows by half a megabyte and more at a time, and no large array is ever copied. */
const PAGE_BITS = 13;
const PAGE_SLOTS = 1 << PAGE_BITS;
const PAGE_MASK = PAGE_SLOTS - 1;

/** The columns of some devices: 115 bytes a device. Instants and sequences are doubles, exact up to 2^53. */
interface Page {
  readonly sequence: Float64Array;
  readonly lastContactAt: Float64Array;
  readonly registeredAt: Float64Array;
  readonly since: Float64Array;
  readonly attributes: Uint32Array;
  readonly running: Uint32Array;
  readonly slots: Uint16Array;
  readonly state: Uint8Array;
  readonly flags: Uint8Array;
  /** The raw public key and the digest that names it, 32 bytes each. */
  readonly keys: Buffer;
}

const HEARD = 1;
const WITH_HISTORY = 2;
const MARKED = 4;

function newPage(): Page {
  return {
    sequence: new Float64Array(PAGE_SLOTS),
    lastContactAt: new Float64Array(PAGE_SLOTS),
    registeredAt: new Float64Array(PAGE_SLOTS),
    since: new Float64Array(PAGE_SLOTS),
    attributes: new Uint32Array(PAGE_SLOTS),
    running: new Uint32Array(PAGE_SLOTS),
    slots: new Uint16Array(PAGE_SLOTS),
    state: new Uint8Array(PAGE_SLOTS),
    flags: new Uint8Array(PAGE_SLOTS),
    keys: Buffer.alloc(PAGE_SLOTS * KEY_PAIR_BYTES),
  };
}

const KEY_BYTES = 32;
const KEY_PAIR_BYTES = 2 * KEY_BYTES;
const NO_ROWS: readonly LedgerRow[] = [];
// The table has the states and nothing else.
const STATES = Object.keys(REPORTED_STATES) as readonly ReportedState[];

type PublicKey = KnownDevice['record']['publicKey'];

function writeKey({ keys }: Page, at: number, { publicKey, keyId }: PublicKey): void {
  keys.write(publicKey, at * KEY_PAIR_BYTES, KEY_BYTES, 'base64');
  keys.write(keyId, at * KEY_PAIR_BYTES + KEY_BYTES, KEY_BYTES, 'hex');
}

function keyAt({ keys }: Page, at: number): PublicKey {
  const from = at * KEY_PAIR_BYTES;
  const middle = from + KEY_BYTES;
  // Keys have one text each: base64 with padding and no spare bits, and lower-case hexadecimal, as their parsers demand.
  const keyId = keys.toString('hex', middle, middle + KEY_BYTES) as KeyId;
  return { publicKey: keys.toString('base64', from, middle), keyId };
}

/** Slots by device id, in many small tables: one that grows is copied, and a large copy would be felt by all who wait. */
function idTable() {
  const shards = Array.from({ length: SHARDS }, () => new Map<DeviceId, number>());
  let count = 0;
  /** One message looks for its device several times in a row, and each look at a large table misses the processor's caches. */
  let last: { readonly deviceId: DeviceId; readonly slot: number | undefined } | undefined;
  const shardOf = (deviceId: DeviceId) => present(shards[shardIndex(deviceId)], 'the table of an id');
  return {
    get(deviceId: DeviceId): number | undefined {
      if (last?.deviceId === deviceId) return last.slot;
      const slot = shardOf(deviceId).get(deviceId);
      last = { deviceId, slot };
      return slot;
    },
    set(deviceId: DeviceId, slot: number): void {
      last = undefined;
      shardOf(deviceId).set(deviceId, slot);
      count++;
    },
    delete(deviceId: DeviceId): void {
      last = undefined;
      if (shardOf(deviceId).delete(deviceId)) count--;
    },
    size: () => count,
  };
}

/** A million devices make tables of some thousands, whose copies take less than a millisecond. */
const SHARDS = 256;

/** Ids differ in their last characters. */
function shardIndex(deviceId: string): number {
  const { length } = deviceId;
  const last = deviceId.charCodeAt(length - 1);
  const before = length > 1 ? deviceId.charCodeAt(length - 2) : 0;
  const third = length > 2 ? deviceId.charCodeAt(length - 3) : 0;
  return (last * 31 * 31 + before * 31 + third) & (SHARDS - 1);
}
