// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import type { SlotName } from '@outrider/domain/device/ports';

/** Where a device keeps what: everything below one folder. */
export interface DeviceFolders {
  readonly journal: string;
  readonly staging: string;
  /** What the device trusts of both repositories. */
  readonly trust: string;
  readonly slots: Readonly<Record<SlotName, string>>;
}

/** The folders of a device below its data folder. */
export function deviceFolders(folder: string): DeviceFolders {
  return {
    journal: join(folder, 'journal.json'),
    staging: join(folder, 'staging'),
    trust: join(folder, 'trust'),
    slots: { a: join(folder, 'slots', 'a'), b: join(folder, 'slots', 'b') },
  };
}

/** An image in a slot: one file for each component. */
export function imagePath(folders: DeviceFolders, slot: SlotName, component: string): string {
  return join(folders.slots[slot], `${component}${IMAGE_SUFFIX}`);
}

export const IMAGE_SUFFIX = '.img';
