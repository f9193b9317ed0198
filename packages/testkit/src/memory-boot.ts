// SPDX-License-Identifier: Apache-2.0

import { armed, type ChooserState, confirmed, powerOn, provisioned } from '@outrider/domain/device/boot-chooser';
import type { Boot, BootState, SlotContent } from '@outrider/domain/device/ports';

/** A boot chooser in memory, with the very rules of the file driver. */
export interface MemoryBoot extends Boot {
  /** What would be on disk. */
  readonly saved: () => ChooserState;
}

/** A device that runs `content` in slot a, confirmed; or one that goes on from what another chooser saved. */
export function memoryBoot(from: SlotContent | ChooserState): MemoryBoot {
  let chooser: ChooserState = 'contents' in from ? powerOn(from) : powerOn(provisioned(from));
  return {
    state: async (): Promise<BootState> => chooser,
    async arm(slot, content, tries) {
      chooser = armed(chooser, { slot, content, tries });
    },
    async confirm() {
      chooser = confirmed(chooser);
    },
    async reboot() {
      chooser = powerOn(chooser);
    },
    saved: () => chooser,
  };
}
