// SPDX-License-Identifier: Apache-2.0
import { isNewContact } from '@outrider/domain/gateway/contact';
import { withContactIn } from '@outrider/domain/gateway/contact-history';
import type { DeviceStatus, KnownDevice, ReportedState, RunningSoftware } from '@outrider/domain/gateway/device-record';
import type { Ledger, Registry } from '@outrider/domain/gateway/ports';
import type { DeviceId } from '@outrider/domain/kernel/ids';
import { durationMs, type FleetInstant } from '@outrider/domain/kernel/time';
import type { Log, Schedule } from '../ports.ts';
import type { KnownDevices } from './known-devices.ts';

/** What a signed message tells about its device, beside its own business. */
export interface Contact {
  readonly sequence: number;
  readonly at: FleetInstant;
  readonly running?: RunningSoftware;
  readonly state?: ReportedState;
}

/** Writes what devices tell, in batches: a check-in waits for no write, and a hot row is written once a batch. */
export interface Contacts {
  /** Takes in one message; a repeated or older one is no contact, so that nobody can replay a device back to life. */
  note(device: KnownDevice, contact: Contact): void;
  /** Writes what has been noted so far; durable when it returns. Throws when the store is away, and keeps all. */
  flush(): Promise<void>;
}

/** Notes wait this long for company: what a crash may lose is seen again at the next contact. */
const GATHER_MS = durationMs(50);

/** Wait before the next attempt while the store is away. */
const RETRY_MS = durationMs(500);

/** Rows of one statement. */
const BATCH_ROWS_MAX = 500;

export function contacts(options: {
  readonly devices: KnownDevices;
  readonly registry: Registry;
  readonly ledger: Ledger;
  readonly schedule: Schedule;
  readonly log: Log;
}): Contacts {
  const { devices, registry, ledger, schedule, log } = options;
  const statuses = new Map<DeviceId, DeviceStatus>();
  const newContacts: { readonly deviceId: DeviceId; readonly at: FleetInstant }[] = [];
  let isScheduled = false;
  let underWay: Promise<void> = Promise.resolve();

  function scheduleFlush(delayMs: typeof GATHER_MS): void {
    if (isScheduled) return;
    isScheduled = true;
    schedule.after(delayMs, () => {
      isScheduled = false;
      flush().catch((cause: unknown) => {
        log.warn({ stage: 'gateway', code: 'contacts-waiting', cause, waiting: statuses.size }, String(cause));
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
      const batch = [...statuses].slice(0, BATCH_ROWS_MAX).map(([deviceId, status]) => ({ deviceId, status }));
      await registry.storeStatuses(batch);
      for (const { deviceId, status } of batch) if (statuses.get(deviceId) === status) statuses.delete(deviceId);
    }
  }

  /** One writer at a time; each flush writes what was noted before it. */
  function flush(): Promise<void> {
    underWay = underWay.then(writeAll, writeAll);
    return underWay;
  }

  return {
    note(device, contact) {
      // While the message was answered, another one of the same device may have moved it on.
      const known = devices.peek(device.record.deviceId) ?? device;
      const { record } = known;
      if (contact.sequence <= record.status.sequence) return;
      const status: DeviceStatus = {
        sequence: contact.sequence,
        lastContactAt: contact.at,
        contactHistory: withContactIn(record.status, contact.at),
        running: contact.running ?? record.status.running,
        state: contact.state ?? record.status.state,
      };
      devices.keep({ ...known, record: { ...record, status } });
      statuses.set(record.deviceId, status);
      const before = record.status.lastContactAt;
      if (known.ledger.some((row) => isNewContact(row, before, contact.at))) {
        newContacts.push({ deviceId: record.deviceId, at: contact.at });
      }
      scheduleFlush(GATHER_MS);
    },
    flush,
  };
}
