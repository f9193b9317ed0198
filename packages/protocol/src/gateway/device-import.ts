// SPDX-License-Identifier: Apache-2.0
import type { DeviceImport } from '@outrider/domain/gateway/device-import';
import type { FoundDevice } from '@outrider/domain/gateway/finder-ports';
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import { instantText } from '@outrider/domain/kernel/time';
import type { DeviceAttributes } from '@outrider/domain/policy/attributes';
import { encodeJson, parseText } from '../kernel/json-text.ts';
import { REQUEST_BYTES_MAX } from '../kernel/limits.ts';
import type { ParseError } from '../kernel/parse-error.ts';
import { optional, type Reader, record, whole } from '../kernel/reader.ts';
import { base64Of, deviceId } from '../kernel/values.ts';
import { deviceAttributes } from './device-record.ts';

/** The columns of a CSV of devices, in the order in which they are written; each is a member of an NDJSON line too. */
export const DEVICE_COLUMNS = [
  'deviceId',
  'deviceType',
  'model',
  'hardwareId',
  'region',
  'customer',
  'carrier',
  'tags',
  'publicKey',
  'attributesRevision',
  'version',
  'releaseCounter',
  'state',
  'lastContactAt',
  'registeredAt',
] as const;

/** One of the columns. */
export type DeviceColumn = (typeof DEVICE_COLUMNS)[number];

/** What only an export says: an import takes these columns and leaves them out. */
export const READ_ONLY_COLUMNS: readonly DeviceColumn[] = [
  'version',
  'releaseCounter',
  'state',
  'lastContactAt',
  'registeredAt',
];

/** Columns that every import must have. */
export const NEEDED_COLUMNS: readonly DeviceColumn[] = [
  'deviceId',
  'deviceType',
  'model',
  'hardwareId',
  'region',
  'customer',
  'carrier',
];

/** The device as one line of NDJSON, without the line's end. */
export function encodeDeviceLine(found: FoundDevice): string {
  const { record: device, attributesRevision } = found;
  const { version, releaseCounter } = device.status.running;
  return encodeJson({
    deviceId: device.deviceId,
    ...device.attributes,
    publicKey: device.publicKey.publicKey,
    attributesRevision,
    version,
    releaseCounter,
    state: device.status.state,
    lastContactAt: instantText(device.status.lastContactAt),
    registeredAt: instantText(device.registeredAt),
  });
}

/** The device as the cells of one row, in the order of `DEVICE_COLUMNS`. */
export function deviceCells({ record: device, attributesRevision }: FoundDevice): readonly string[] {
  const { attributes, status } = device;
  const cells: Readonly<Record<DeviceColumn, string>> = {
    deviceId: device.deviceId,
    ...attributes,
    tags: attributes.tags.join(' '),
    publicKey: device.publicKey.publicKey,
    attributesRevision: String(attributesRevision),
    version: status.running.version,
    releaseCounter: String(status.running.releaseCounter),
    state: status.state,
    lastContactAt: instantText(status.lastContactAt),
    registeredAt: instantText(device.registeredAt),
  };
  return DEVICE_COLUMNS.map((column) => cells[column]);
}

/** Reads one line of NDJSON. Members other than the columns are refused: a misspelt one would change nothing. Code: body-malformed. */
export function parseDeviceLine(text: string): Result<DeviceImport, ParseError> {
  return parseText(text, { noun: 'line', bytesMax: REQUEST_BYTES_MAX, reader: deviceImport });
}

/** Reads one row of CSV by the names of its columns; an empty cell of an optional column is none. Code: body-malformed. */
export function parseDeviceCells(cells: Readonly<Record<string, string>>): Result<DeviceImport, ParseError> {
  const { tags = '', publicKey = '', attributesRevision = '', ...others } = cells;
  return parseDeviceLine(
    encodeJson({
      ...others,
      tags: tags.split(' ').filter((tag) => tag !== ''),
      ...(publicKey === '' ? {} : { publicKey: unescaped(publicKey) }),
      // What is no number stays a text, and is refused as one.
      ...(attributesRevision === '' ? {} : { attributesRevision: wholeOr(attributesRevision) }),
    }),
  );
}

/** A line for an import, as `parseDeviceLine` reads it. */
export function encodeDeviceImport({ deviceId: id, attributes, publicKey, attributesRevision }: DeviceImport): string {
  return encodeJson({
    deviceId: id,
    ...attributes,
    ...(publicKey === undefined ? {} : { publicKey }),
    ...(attributesRevision === undefined ? {} : { attributesRevision }),
  });
}

/** A formula's first sign is escaped by an apostrophe on export; of our values only a base64 text can begin so. */
function unescaped(cell: string): string {
  return /^'[=+\-@]/.test(cell) ? cell.slice(1) : cell;
}

function wholeOr(text: string): number | string {
  return /^\d{1,15}$/.test(text) ? Number(text) : text;
}

interface FlatImport extends Omit<DeviceAttributes, 'tags'> {
  readonly deviceId: DeviceImport['deviceId'];
  readonly publicKey?: string;
  readonly attributesRevision?: number;
}

const line = record<Pick<FlatImport, 'deviceId' | 'publicKey' | 'attributesRevision'>>({
  deviceId,
  publicKey: optional(base64Of(32)),
  attributesRevision: optional(whole({ min: 1 })),
});

const deviceImport: Reader<DeviceImport> = (value) => {
  const unknown = unknownMember(value);
  if (unknown !== undefined) return err(unknown);
  const own = line(value);
  if (!own.ok) return own;
  // An NDJSON line may leave the tags out.
  const attributes = deviceAttributes(withTags(value));
  return attributes.ok ? ok({ ...own.value, attributes: attributes.value }) : attributes;
};

function unknownMember(value: unknown): ParseError | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const known: readonly string[] = DEVICE_COLUMNS;
  const name = Object.keys(value).find((one) => !known.includes(one));
  if (name === undefined) return undefined;
  return {
    code: 'body-malformed',
    path: `.${name.slice(0, 64)}`,
    seen: 'a value',
    allowed: `one of ${known.join(', ')}`,
  };
}

function withTags(value: unknown): unknown {
  return typeof value === 'object' && value !== null && !('tags' in value) ? { ...value, tags: [] } : value;
}
