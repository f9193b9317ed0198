// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { armed, type ChooserState, confirmed, powerOn, provisioned } from '@outrider/domain/device/boot-chooser';
import type { Boot, SlotContent } from '@outrider/domain/device/ports';
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import { encodeChooser, parseChooser } from '@outrider/protocol/device/chooser';
import { readTextIfPresent, writeFileDurably } from '../shared/files.ts';

/** Why a device's boot chooser cannot be opened. */
export interface FileBootError {
  readonly code: 'not-provisioned' | 'chooser-malformed';
  readonly detail: string;
}

/**
 * A boot chooser in one file, replaced as a whole. Opening it is power-on: the chooser picks a slot and takes a try, so
 * that a power cut during a trial costs a try, as on a real device. `onReboot` ends the process when the supervisor is to
 * start it anew; without it the reboot happens in place. Codes: not-provisioned, chooser-malformed.
 */
export async function openFileBoot(folder: string, onReboot?: () => never): Promise<Result<Boot, FileBootError>> {
  const path = join(folder, CHOOSER_FILE);
  const text = await readTextIfPresent(path);
  if (text === undefined) {
    return err({ code: 'not-provisioned', detail: `There is no ${path}: the device has no factory image yet` });
  }
  const parsed = parseChooser(text);
  if (!parsed.ok) {
    const { path: place, seen, allowed } = parsed.error;
    const detail = `The file ${path} is malformed at ${place}: it is ${seen}, allowed is ${allowed}`;
    return err({ code: 'chooser-malformed', detail });
  }
  let chooser = parsed.value;
  async function become(next: ChooserState): Promise<void> {
    if (next === chooser) return;
    await writeFileDurably(path, encodeChooser(next));
    chooser = next;
  }
  await become(powerOn(chooser));
  return ok({
    state: async () => chooser,
    arm: (slot, content, tries) => become(armed(chooser, { slot, content, tries })),
    confirm: () => become(confirmed(chooser)),
    async reboot() {
      onReboot?.();
      await become(powerOn(chooser));
    },
  });
}

/** Writes the first chooser: slot a holds the factory's images and is confirmed. Storage must hold them already. */
export async function provisionBoot(folder: string, content: SlotContent): Promise<void> {
  await writeFileDurably(join(folder, CHOOSER_FILE), encodeChooser(provisioned(content)));
}

/** Whether a chooser was ever written here. */
export async function isProvisioned(folder: string): Promise<boolean> {
  return (await readTextIfPresent(join(folder, CHOOSER_FILE))) !== undefined;
}

const CHOOSER_FILE = 'boot.json';
