// SPDX-License-Identifier: Apache-2.0
import { isNewContact } from '@outrider/domain/gateway/contact';
import { withContactIn } from '@outrider/domain/gateway/contact-history';
import type { DeviceStatus, KnownDevice, ReportedState, RunningSoftware } from '@outrider/domain/gateway/device-record';
import type { Ledger, Registry } from '@outrider/domain/gateway/ports';
import type { DeviceId } from '@outrider/domain/kernel/ids';
import { durationMs, type FleetInstant } from '@outrider/domain/kernel/time';
import type { Log, Schedule } from '../ports.ts';
import type { KnownDevices } from './known-devices.ts';
import { ownText } from './own-text.ts';

/** What a signed message tells about its device, beside its own business. */
export interface Contact {
  readonly sequence: number;
  readonly at: FleetInstant;
  readonly running?: RunningSoftware;
  readonly state?: ReportedState;
}

/** Writes what devices tell, in batches: a check-in waits for no write, and a hot row is written once a batch. */
export interface Contacts {
  /**
   * Takes in one message; a repeated or older one is no contact, so that nobody can replay a device back to life. Answers with
   * the device as it is known now.
   */
  note(device: KnownDevice, contact: Contact): KnownDevice;
  /** The same of a device that was taken out of memory in this very turn. */
  noteNow(known: KnownDevice, contact: Contact): KnownDevice;
  /** Writes what has been noted so far; durable when it returns. Throws when the store is away, and keeps all. */
  flush(): Promise<void>;
}

/** Notes wait this long for company: what a crash may lose is seen again at the next contact. */
const GATHER_MS = durationMs(200);

/** Wait before the next attempt while the store is away. */
const RETRY_MS = durationMs(500);

/** Rows of one statement: at 10,000 contacts a second some ten statements a second. */
const BATCH_ROWS_MAX = 1_000;

export function contacts(options: {
  readonly devices: KnownDevices;
  readonly registry: Registry;
  readonly ledger: Ledger;
  readonly schedule: Schedule;
  readonly log: Log;
}): Contacts {
  const { devices, registry, ledger, schedule, log } = options;
  /** Of devices that told something new. */
  const statuses = new Map<DeviceId, DeviceStatus>();
  /** Of those that only were heard of, some contacts of one device too: columns, since objects that wait cost the collector. */
  let heard = emptyColumns();
  const isSame = softwareEquality();
  const newContacts: { readonly deviceId: DeviceId; readonly at: FleetInstant }[] = [];
  let isScheduled = false;
  let underWay: Promise<void> = Promise.resolve();

  function scheduleFlush(delayMs: typeof GATHER_MS): void {
    if (isScheduled) return;
    isScheduled = true;
    schedule.after(delayMs, () => {
      isScheduled = false;
      flush().catch((cause: unknown) => {
        log.warn(
          { stage: 'gateway', code: 'contacts-waiting', cause, waiting: statuses.size + heard.deviceIds.length },
          String(cause),
        );
        scheduleFlush(RETRY_MS);
      });
    });
  }

  /** Contacts before statuses: after a crash in between, the old status makes the next message note the contact again. */
  async function writeAll(): Promise<void> {
    while (newContacts.length > 0) {
      const batch = newContacts.slice(0, BATCH_ROWS_MAX);
      await ledger.noteContacts(batch);
      newContacts.splice(0, batch.length);
    }
    while (statuses.size > 0) {
      const batch: { readonly deviceId: DeviceId; readonly status: DeviceStatus }[] = [];
      for (const [deviceId, status] of statuses) {
        if (batch.length === BATCH_ROWS_MAX) break;
        batch.push({ deviceId, status });
      }
      await registry.storeStatuses(batch);
      for (const { deviceId, status } of batch) if (statuses.get(deviceId) === status) statuses.delete(deviceId);
    }
    while (heard.deviceIds.length > 0) {
      const batch = columnsBetween(heard, 0, HEARD_ROWS_MAX);
      heard = columnsBetween(heard, HEARD_ROWS_MAX);
      try {
        await registry.storeContacts(batch);
      } catch (cause) {
        heard = joinedColumns(batch, heard);
        throw cause;
      }
    }
  }

  /** One writer at a time; each flush writes what was noted before it. */
  function flush(): Promise<void> {
    underWay = underWay.then(writeAll, writeAll);
    return underWay;
  }

  function noteNow(known: KnownDevice, contact: Contact): KnownDevice {
    const { record } = known;
    const before = record.status;
    if (contact.sequence <= before.sequence) return known;
    const running =
      contact.running === undefined || isSame(before.running, contact.running) ? before.running : contact.running;
    const state = contact.state ?? before.state;
    const status: DeviceStatus = {
      sequence: contact.sequence,
      lastContactAt: contact.at,
      contactHistory: withContactIn(before, contact.at),
      running,
      state,
    };
    const noted = { record: { ...record, status }, ledger: known.ledger };
    devices.keepNoted(noted);
    const { deviceId } = record;
    const isNews =
      running !== before.running || state !== before.state || (statuses.size > 0 && statuses.has(deviceId));
    if (isNews) statuses.set(ownText(deviceId), status);
    else noteHeard(heard, deviceId, status);
    if (known.ledger.length > 0) noteOnRows(known, contact.at);
    scheduleFlush(GATHER_MS);
    return noted;
  }

  function noteOnRows({ record, ledger: rows }: KnownDevice, at: FleetInstant): void {
    const before = record.status.lastContactAt;
    if (rows.some((row) => isNewContact(row, before, at))) newContacts.push({ deviceId: ownText(record.deviceId), at });
  }

  return {
    // While the message was answered, another one of the same device may have moved it on.
    note: (device, contact) => noteNow(devices.peek(device.record.deviceId) ?? device, contact),
    noteNow,
    flush,
  };
}

type Columns = Parameters<Registry['storeContacts']>[0];
/** Filled here, and only read by the store. */
type OpenColumns = { readonly [Name in keyof Columns]: Columns[Name][number][] };

function emptyColumns(): OpenColumns {
  return { deviceIds: [], sequences: [], lastContactsAt: [], since: [], slots: [] };
}

function noteHeard(
  columns: OpenColumns,
  deviceId: DeviceId,
  { sequence, lastContactAt, contactHistory }: DeviceStatus,
) {
  columns.deviceIds.push(ownText(deviceId));
  columns.sequences.push(sequence);
  columns.lastContactsAt.push(lastContactAt);
  columns.since.push(contactHistory?.since ?? lastContactAt);
  columns.slots.push(contactHistory?.slots ?? 0);
}

/** Rows of one statement about contacts: numbers alone, so more of them than of whole statuses. */
const HEARD_ROWS_MAX = 2_000;

function columnsBetween(columns: OpenColumns, from: number, to?: number): OpenColumns {
  return {
    deviceIds: columns.deviceIds.slice(from, to),
    sequences: columns.sequences.slice(from, to),
    lastContactsAt: columns.lastContactsAt.slice(from, to),
    since: columns.since.slice(from, to),
    slots: columns.slots.slice(from, to),
  };
}

/** While the store is away contacts wait; above this the oldest are let go, which devices make again. */
const HEARD_WAITING_MAX = 200_000;

function joinedColumns(before: OpenColumns, later: OpenColumns): OpenColumns {
  const joined = <T>(first: readonly T[], second: readonly T[]) => [...first, ...second].slice(-HEARD_WAITING_MAX);
  return {
    deviceIds: joined(before.deviceIds, later.deviceIds),
    sequences: joined(before.sequences, later.sequences),
    lastContactsAt: joined(before.lastContactsAt, later.lastContactsAt),
    since: joined(before.since, later.since),
    slots: joined(before.slots, later.slots),
  };
}

/** What is told in the same words comes as one value, which is compared with what many devices hold once, not in each message. */
function softwareEquality(): typeof isSameSoftware {
  const equals = new WeakMap<RunningSoftware, RunningSoftware>();
  return (kept, told) => {
    if (equals.get(told) === kept) return true;
    const isSame = isSameSoftware(kept, told);
    if (isSame) equals.set(told, kept);
    return isSame;
  };
}

/** As devices say it time and again: the value in memory is kept then, which many of them share. */
function isSameSoftware(kept: RunningSoftware, told: RunningSoftware): boolean {
  if (kept === told) return true;
  if (kept.version !== told.version || kept.releaseCounter !== told.releaseCounter) return false;
  if (kept.components.length !== told.components.length) return false;
  return kept.components.every((one, index) => {
    const other = told.components[index];
    return one.name === other?.name && one.digest === other.digest && one.version === other.version;
  });
}
