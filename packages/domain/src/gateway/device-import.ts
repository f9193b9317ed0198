// SPDX-License-Identifier: Apache-2.0
import { canonicalJson, type Json } from '../kernel/canonical-json.ts';
import type { DeviceId } from '../kernel/ids.ts';
import { err, ok, type Result } from '../kernel/result.ts';
import type { FleetInstant } from '../kernel/time.ts';
import type { DeviceAttributes } from '../policy/attributes.ts';
import { describeReach, type Reach, reaches, WHOLE_REACH } from '../trust/reach.ts';
import type { DeviceRecord } from './device-record.ts';

/** What somebody says about one device: that it will come, or what its attributes shall be. */
export interface DeviceImport {
  readonly deviceId: DeviceId;
  readonly attributes: DeviceAttributes;
  /** Base64 of the 32 bytes of its Ed25519 key: only this key may register under the id. */
  readonly publicKey?: string;
  /** The revision of the attributes that the author saw; needed to change what is stored. */
  readonly attributesRevision?: number;
}

/** A device that was announced and has not registered yet. */
export interface ExpectedDevice {
  readonly deviceId: DeviceId;
  readonly attributes: DeviceAttributes;
  readonly publicKey?: string;
  readonly attributesRevision: number;
  readonly expectedSince: FleetInstant;
}

/** What the registry holds of the device before the line, if anything. */
export type ImportedBefore =
  | {
      readonly kind: 'registered';
      readonly attributes: DeviceAttributes;
      readonly publicKey: string;
      readonly attributesRevision: number;
    }
  | {
      readonly kind: 'expected';
      readonly attributes: DeviceAttributes;
      readonly publicKey?: string;
      readonly attributesRevision: number;
    };

/** What a line did, or would do. */
export interface AppliedImport {
  readonly kind: 'announced' | 'updated' | 'unchanged';
  readonly attributesRevision: number;
}

/** Why a line was refused; nothing of it was taken in. */
export interface DeviceImportError {
  readonly code: DeviceImportCode;
  readonly detail: string;
}

/** The closed union of reasons; codes never change. */
export type DeviceImportCode = keyof typeof DEVICE_IMPORT_ERRORS;

/** One sentence for each code. */
export const DEVICE_IMPORT_ERRORS = {
  'line-malformed': 'The line is no device: a field is missing, unknown or not what it should be',
  'device-repeated': 'An earlier line of the same batch is about the same device',
  'device-differs': 'The device is known with other attributes, and the line does not say which revision it changes',
  'attributes-stale': 'The attributes have been changed since the revision that the line names',
  'import-key-differs': 'The device is known with another public key; a device keeps its key',
  'beyond-reach': 'The device is, or would come to be, beyond the customers and regions of whoever imports it',
} as const;

/**
 * What a line does to what is stored. The same attributes change nothing whatever revision is named, so that an import that
 * broke off can simply be run again. Nobody moves a device out of their reach or into it: both where it was and where it would be
 * lie inside. Codes: beyond-reach, device-differs, attributes-stale, import-key-differs.
 */
export function decideImport(
  before: ImportedBefore | undefined,
  line: DeviceImport,
  reach: Reach = WHOLE_REACH,
): Result<AppliedImport, DeviceImportError> {
  const isInside = reaches(reach, line.attributes) && (before === undefined || reaches(reach, before.attributes));
  if (!isInside)
    return err({
      code: 'beyond-reach',
      detail: `You reach ${describeReach(reach)}; leave the line to somebody who reaches further`.slice(0, 500),
    });
  if (before === undefined) return ok({ kind: 'announced', attributesRevision: 1 });
  const { attributesRevision } = before;
  const isKeyNew = before.publicKey === undefined && line.publicKey !== undefined;
  if (line.publicKey !== undefined && before.publicKey !== undefined && line.publicKey !== before.publicKey) {
    const detail = `The device is ${before.kind} with another public key; leave the key out, or give the device a new id`;
    return err({ code: 'import-key-differs', detail });
  }
  if (isSame(before.attributes, line.attributes) && !isKeyNew) return ok({ kind: 'unchanged', attributesRevision });
  if (line.attributesRevision === attributesRevision) {
    return ok({ kind: 'updated', attributesRevision: attributesRevision + 1 });
  }
  if (line.attributesRevision === undefined) {
    const detail = `The device is ${before.kind} with other values; export it, change them there and import it with its attributesRevision, now ${attributesRevision}`;
    return err({ code: 'device-differs', detail });
  }
  const detail = `The line changes revision ${line.attributesRevision}, the device is at ${attributesRevision}; export it again and look at what has changed`;
  return err({ code: 'attributes-stale', detail });
}

/** Why a device that registers is not the one that was expected. */
export type UnexpectedCode = 'device-key-differs' | 'device-not-as-expected';

/**
 * Whether a device that registers is the one that was announced. Its key and its hardware must be: an image for another
 * hardware could follow. For all else the announcement holds, whatever the device says of itself.
 */
export function admitExpected(
  expected: Pick<ExpectedDevice, 'attributes' | 'publicKey'>,
  device: DeviceRecord,
): Result<DeviceAttributes, { readonly code: UnexpectedCode }> {
  if (expected.publicKey !== undefined && expected.publicKey !== device.publicKey.publicKey) {
    return err({ code: 'device-key-differs' });
  }
  const isSameHardware = (['deviceType', 'model', 'hardwareId'] as const).every(
    (name) => expected.attributes[name] === device.attributes[name],
  );
  return isSameHardware ? ok(expected.attributes) : err({ code: 'device-not-as-expected' });
}

/** Tags are a set: their order says nothing. */
function isSame(left: DeviceAttributes, right: DeviceAttributes): boolean {
  return textOf(left) === textOf(right);
}

function textOf(attributes: DeviceAttributes): string {
  const comparable = { ...attributes, tags: [...new Set(attributes.tags)].sort() };
  // An interface has no index signature, so the compiler cannot see that its members are JSON.
  return canonicalJson(comparable as Json);
}
