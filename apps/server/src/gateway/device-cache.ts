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
import {
  deviceRows,
  KEY_BYTES,
  placeOf,
  ROW,
  ROW_BYTES,
  ROW_DOUBLES,
  ROW_HALVES,
  ROW_WORDS,
  type RowPage,
} from './device-rows.ts';
import type { HashKey } from './id-hash.ts';
import { idTable, NO_ROW } from './id-table.ts';
import { interned } from './interned.ts';

/**
 * Devices in memory, packed: about 170 bytes each beside their ledger rows, where the objects that they are unpacked to take
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

export interface DeviceCacheOptions {
  readonly devicesMax: number;
  /** Of the table of ids. */
  readonly hashKey: HashKey;
}

export function deviceCache({ devicesMax, hashKey }: DeviceCacheOptions): DeviceCache {
  assert(Number.isSafeInteger(devicesMax) && devicesMax > 0, `room for at least one device, got ${devicesMax}`);
  const rows = deviceRows();
  const ids = idTable(rows, hashKey);
  const attributes = interned<DeviceAttributes>(encodeJson, sharedTexts());
  const software = interned<DeviceStatus['running']>(encodeJson);
  /** Most devices have no row of a ledger, or not for long: a flag says which. */
  const ledgers = new Map<number, readonly LedgerRow[]>();
  let hand = 0;

  function freeRow(): number {
    if (ids.size() >= devicesMax) evictOne();
    return rows.take();
  }

  /** The clock: whoever was heard from since the hand came by last is spared once, as long as that does not keep everybody waiting. */
  function evictOne(): void {
    for (let spared = 0; ; ) {
      hand = (hand + 1) % rows.end();
      if (ids.isFree(hand)) continue;
      const { bytes } = rows.pageOf(hand);
      const at = placeOf(hand) * ROW_BYTES + ROW.bytes.flags;
      const flags = bytes[at] ?? 0;
      if ((flags & HEARD) === 0 || spared === SPARED_MAX) {
        remove(present(ids.idAt(hand), 'the device of a row that is taken'));
        return;
      }
      bytes[at] = flags & ~HEARD;
      spared++;
    }
  }

  function remove(deviceId: DeviceId): void {
    const row = ids.get(deviceId);
    if (row === NO_ROW) return;
    const { words } = rows.pageOf(row);
    const word = placeOf(row) * ROW_WORDS;
    attributes.release(words[word + ROW.words.attributes] ?? 0);
    software.release(words[word + ROW.words.running] ?? 0);
    ledgers.delete(row);
    ids.delete(deviceId);
    rows.giveBack(row);
  }

  return {
    get(deviceId) {
      const row = ids.get(deviceId);
      if (row === NO_ROW) return undefined;
      const page = rows.pageOf(row);
      const at = placeOf(row);
      const { words, doubles } = page;
      const status = statusAt(page, at, software.at(words[at * ROW_WORDS + ROW.words.running] ?? 0));
      const hasRows = (flagsAt(page, at) & WITH_ROWS) !== 0;
      return {
        record: {
          deviceId,
          publicKey: keyAt(page, at),
          attributes: attributes.at(words[at * ROW_WORDS + ROW.words.attributes] ?? 0),
          registeredAt: doubles[at * ROW_DOUBLES + ROW.doubles.registeredAt] as FleetInstant,
          status,
        },
        ledger: hasRows ? present(ledgers.get(row), 'the rows of a device that has some') : NO_ROWS,
      };
    },
    has: (deviceId) => ids.get(deviceId) !== NO_ROW,
    set({ record, ledger }) {
      const { deviceId, status } = record;
      const known = ids.get(deviceId);
      const row = known === NO_ROW ? freeRow() : known;
      const page = rows.pageOf(row);
      const at = placeOf(row);
      const { words, doubles, bytes } = page;
      const word = at * ROW_WORDS;
      // Taken before the former are released: a set that both share must not leave in between.
      const attributesIndex = attributes.take(record.attributes);
      const runningIndex = software.take(status.running);
      if (known === NO_ROW) {
        ids.set(deviceId, row);
        bytes[at * ROW_BYTES + ROW.bytes.flags] = 0;
      } else {
        attributes.release(words[word + ROW.words.attributes] ?? 0);
        software.release(words[word + ROW.words.running] ?? 0);
      }
      words[word + ROW.words.attributes] = attributesIndex;
      words[word + ROW.words.running] = runningIndex;
      doubles[at * ROW_DOUBLES + ROW.doubles.registeredAt] = record.registeredAt;
      writeKey(page, at, record.publicKey);
      writeStatus(page, at, status);
      setFlag(page, at, WITH_ROWS, ledger.length > 0);
      if (ledger.length === 0) ledgers.delete(row);
      else ledgers.set(row, ledger);
    },
    setStatus(deviceId, status) {
      const row = ids.get(deviceId);
      assert(row !== NO_ROW, 'a device that is in memory');
      const page = rows.pageOf(row);
      const at = placeOf(row);
      const { words } = page;
      const running = at * ROW_WORDS + ROW.words.running;
      const former = words[running] ?? 0;
      if (software.at(former) !== status.running) {
        words[running] = software.take(status.running);
        software.release(former);
      }
      writeStatus(page, at, status);
    },
    delete: remove,
    isMarked(deviceId) {
      const row = ids.get(deviceId);
      return row !== NO_ROW && (flagsAt(rows.pageOf(row), placeOf(row)) & MARKED) !== 0;
    },
    setMarked(deviceId, isMarked) {
      const row = ids.get(deviceId);
      if (row !== NO_ROW) setFlag(rows.pageOf(row), placeOf(row), MARKED, isMarked);
    },
    size: () => ids.size(),
  };
}

/**
 * Sets of attributes differ, and are made of the same texts: one object each, so that what a look at a set touches is what others have
 * touched before, and lies in the processor's caches.
 */
function sharedTexts(): (value: DeviceAttributes) => DeviceAttributes {
  const texts = new Map<string, string>();
  const lists = new Map<string, readonly string[]>();
  return (value) => {
    if (texts.size > TEXTS_MAX) texts.clear();
    if (lists.size > TEXTS_MAX) lists.clear();
    const textOf = (text: string) => once(texts, text, text);
    const tags = once(lists, encodeJson(value.tags), value.tags.map(textOf));
    return {
      ...value,
      deviceType: textOf(value.deviceType),
      model: textOf(value.model),
      hardwareId: textOf(value.hardwareId),
      region: textOf(value.region),
      customer: textOf(value.customer),
      carrier: textOf(value.carrier),
      tags,
    };
  };
}

function once<T>(known: Map<string, T>, key: string, value: T): T {
  const found = known.get(key);
  if (found !== undefined) return found;
  known.set(key, value);
  return value;
}

/** Beyond that they are learned anew: a fleet with serial numbers among its tags shares little. */
const TEXTS_MAX = 10_000;

/** By one who comes: some 30 us. Where all have been heard from, a walk by a million would be felt, and who goes is as good as any other. */
const SPARED_MAX = 1_000;

const HEARD = 1;
const WITH_HISTORY = 2;
const MARKED = 4;
const WITH_ROWS = 8;

function flagsAt({ bytes }: RowPage, at: number): number {
  return bytes[at * ROW_BYTES + ROW.bytes.flags] ?? 0;
}

function setFlag(page: RowPage, at: number, flag: number, isSet: boolean): void {
  const flags = flagsAt(page, at);
  page.bytes[at * ROW_BYTES + ROW.bytes.flags] = isSet ? flags | flag : flags & ~flag;
}

function writeStatus(page: RowPage, at: number, status: DeviceStatus): void {
  const { doubles, halves, bytes } = page;
  const { contactHistory } = status;
  const double = at * ROW_DOUBLES;
  const byte = at * ROW_BYTES;
  doubles[double + ROW.doubles.sequence] = status.sequence;
  doubles[double + ROW.doubles.lastContactAt] = status.lastContactAt;
  doubles[double + ROW.doubles.since] = contactHistory?.since ?? 0;
  halves[at * ROW_HALVES + ROW.halves.slots] = contactHistory?.slots ?? 0;
  bytes[byte + ROW.bytes.state] = STATES.indexOf(status.state);
  const isHistoryKept = contactHistory === undefined ? 0 : WITH_HISTORY;
  bytes[byte + ROW.bytes.flags] = (flagsAt(page, at) & ~WITH_HISTORY) | HEARD | isHistoryKept;
}

function statusAt(page: RowPage, at: number, running: DeviceStatus['running']): DeviceStatus {
  const { doubles, halves, bytes } = page;
  const double = at * ROW_DOUBLES;
  const sequence = doubles[double + ROW.doubles.sequence] ?? 0;
  // What was written here were instants.
  const lastContactAt = doubles[double + ROW.doubles.lastContactAt] as FleetInstant;
  const state = present(STATES[bytes[at * ROW_BYTES + ROW.bytes.state] ?? 0], 'a state that was written');
  if ((flagsAt(page, at) & WITH_HISTORY) === 0) return { sequence, lastContactAt, running, state };
  const since = doubles[double + ROW.doubles.since] as FleetInstant;
  const slots = halves[at * ROW_HALVES + ROW.halves.slots] ?? 0;
  return { sequence, lastContactAt, running, state, contactHistory: { since, slots } };
}

const NO_ROWS: readonly LedgerRow[] = [];
// The table has the states and nothing else.
const STATES = Object.keys(REPORTED_STATES) as readonly ReportedState[];

type PublicKey = KnownDevice['record']['publicKey'];

function writeKey({ bytes }: RowPage, at: number, { publicKey, keyId }: PublicKey): void {
  const from = at * ROW_BYTES + ROW.bytes.key;
  bytes.write(publicKey, from, KEY_BYTES, 'base64');
  bytes.write(keyId, from + KEY_BYTES, KEY_BYTES, 'hex');
}

function keyAt({ bytes }: RowPage, at: number): PublicKey {
  const from = at * ROW_BYTES + ROW.bytes.key;
  const middle = from + KEY_BYTES;
  // Keys have one text each: base64 with padding and no spare bits, and lower-case hexadecimal, as their parsers demand.
  const keyId = bytes.toString('hex', middle, middle + KEY_BYTES) as KeyId;
  return { publicKey: bytes.toString('base64', from, middle), keyId };
}
