// SPDX-License-Identifier: Apache-2.0
import { parseId } from '../../kernel/ids.ts';
import type { DeviceAttributes } from '../../policy/attributes.ts';
import type { DdiDevice, ToldAttributes } from './ddi-device.ts';

/** What people leave open when they add a device: the device may say it itself. */
export const UNTOLD = 'unknown';

/** Keys of one device, and characters of one value: as hawkBit limits them. */
export const TOLD_KEYS_MAX = 100;
/** Characters of a value. */
export const TOLD_CHARACTERS_MAX = 128;

/** How the told attributes change what was told before; hawkBit's default is `merge`. */
export type TellMode = 'merge' | 'replace' | 'remove';

/** The device after it told its attributes; beyond `TOLD_KEYS_MAX` keys the rest is left out. */
export function withTold(device: DdiDevice, told: ToldAttributes, mode: TellMode): DdiDevice {
  const before = mode === 'replace' ? {} : (device.told?.data ?? {});
  const removed = mode === 'remove' ? Object.keys(told.data) : [];
  const merged = mode === 'remove' ? before : { ...before, ...told.data };
  const kept = Object.entries(merged).filter(([name]) => !removed.includes(name));
  return { ...device, told: { at: told.at, data: Object.fromEntries(kept.slice(0, TOLD_KEYS_MAX)) } };
}

/**
 * The attributes with what people left `unknown` filled in by what the device told under the same name; undefined when
 * nothing changes. Type, hardware and tags are people's alone: they decide what is installed, and when.
 */
export function attributesWithTold(attributes: DeviceAttributes, told: ToldAttributes): DeviceAttributes | undefined {
  const filled = MAY_TELL.flatMap((name): readonly (readonly [string, string])[] => {
    const value = told.data[name];
    return attributes[name] === UNTOLD && value !== undefined && value !== UNTOLD && parseId('value', value).ok
      ? [[name, value]]
      : [];
  });
  return filled.length === 0 ? undefined : { ...attributes, ...Object.fromEntries(filled) };
}

const MAY_TELL = ['model', 'region', 'customer', 'carrier'] as const;
