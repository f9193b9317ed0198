// SPDX-License-Identifier: Apache-2.0
import type { ContactHistory } from '@outrider/domain/gateway/contact-history';
import {
  type DeviceRecord,
  type DeviceStatus,
  type KnownDevice,
  REPORTED_STATES,
  type ReportedState,
  type RunningComponent,
  type RunningSoftware,
} from '@outrider/domain/gateway/device-record';
import { err, type Result } from '@outrider/domain/kernel/result';
import { type DeviceAttributes, TAGS_MAX } from '@outrider/domain/policy/attributes';
import { encodeJson, parseText } from '../kernel/json-text.ts';
import { COMPONENTS_MAX, DOCUMENT_BYTES_MAX, REQUEST_BYTES_MAX } from '../kernel/limits.ts';
import type { ParseError } from '../kernel/parse-error.ts';
import { below, keyOf, listOf, malformed, optional, record, whole } from '../kernel/reader.ts';
import { deviceId, instant, label, releaseCounter, sha256, version } from '../kernel/values.ts';
import { publicKey } from '../trust/envelope.ts';
import { ledgerRow } from './ledger.ts';

/** Twelve slots of six hours, a bit each. */
const SLOTS_MAX = 4_095;
/** Rows of one device in all ledgers of live rollouts. */
const LEDGER_ROWS_MAX = 1_024;

/** Writes what the registry holds of a device. */
export function encodeDeviceRecord(device: DeviceRecord): string {
  return encodeJson(device);
}

/** Reads what the registry holds of a device. Code: body-malformed. */
export function parseDeviceRecord(body: string): Result<DeviceRecord, ParseError> {
  return parseText(body, { noun: 'device-record', bytesMax: REQUEST_BYTES_MAX, reader: deviceRecord });
}

/** Writes a device with its ledger rows. */
export function encodeKnownDevice(device: KnownDevice): string {
  return encodeJson(device);
}

/** Reads a device with its ledger rows. Code: body-malformed. */
export function parseKnownDevice(body: string): Result<KnownDevice, ParseError> {
  return parseText(body, { noun: 'known-device', bytesMax: DOCUMENT_BYTES_MAX, reader: knownDevice });
}

/** Reads the attributes of a device. */
export const deviceAttributes = record<DeviceAttributes>({
  deviceType: label,
  model: label,
  hardwareId: label,
  region: label,
  customer: label,
  carrier: label,
  tags: listOf(label, { countMax: TAGS_MAX }),
});

/** Reads what a device runs. */
export const runningSoftware = record<RunningSoftware>({
  version,
  releaseCounter,
  components: listOf(record<RunningComponent>({ name: label, digest: sha256, version: optional(version) }), {
    countMax: COMPONENTS_MAX,
  }),
});

/** The same from a device itself, which cannot have two images in the slots of one component. What is stored is read as it is. */
export function toldSoftware(value: unknown): Result<RunningSoftware, ParseError> {
  const read = runningSoftware(value);
  if (!read.ok || read.value.components.length < 2) return read;
  const names = new Set<string>();
  for (const [index, { name }] of read.value.components.entries()) {
    if (names.has(name)) {
      const twice = malformed(name, 'each component once');
      return twice.ok ? twice : err(below(`.components[${index}].name`, twice.error));
    }
    names.add(name);
  }
  return read;
}

/** Reads the state that a device says it is in. */
export const reportedState = keyOf<ReportedState>(REPORTED_STATES);

const deviceStatus = record<DeviceStatus>({
  sequence: whole({ min: 0 }),
  lastContactAt: instant,
  contactHistory: optional(record<ContactHistory>({ since: instant, slots: whole({ min: 0, max: SLOTS_MAX }) })),
  running: runningSoftware,
  state: reportedState,
});

const deviceRecord = record<DeviceRecord>({
  deviceId,
  publicKey,
  attributes: deviceAttributes,
  registeredAt: instant,
  status: deviceStatus,
});

const knownDevice = record<KnownDevice>({
  record: deviceRecord,
  ledger: listOf(ledgerRow, { countMax: LEDGER_ROWS_MAX }),
});
