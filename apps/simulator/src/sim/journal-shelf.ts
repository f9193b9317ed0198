// SPDX-License-Identifier: Apache-2.0
import type { AgentPorts } from '@outrider/agent/compose';
import type { Storage } from '@outrider/domain/device/ports';
import type { Journal } from '@outrider/domain/device/state';
import { encodeJournal } from '@outrider/protocol/device/journal';

/**
 * Journals as values, and as text only when one is read back: an agent stores one before each effect and reads it after a
 * reboot. Journals are immutable, so that what is read is what would have been written. One shelf a device, for all that
 * runs on it: it lasts as the disk does.
 */
export interface JournalShelf {
  /** Writes a mark that stands for the journal. */
  readonly writer: NonNullable<AgentPorts['journalWriter']>;
  /** The storage with the marks on its disk, and the text for whoever reads. */
  over(storage: Storage): Storage;
}

export function journalShelf(): JournalShelf {
  let count = 0;
  let given: Shelved | undefined;
  let onDisk: Shelved | undefined;
  return {
    writer: () => (journal) => {
      given = { mark: `journal ${++count}`, journal };
      return given.mark;
    },
    over: (storage) => ({
      ...storage,
      storeJournal(mark) {
        const written = given;
        // Where the power went before, the former one is still there.
        return storage.storeJournal(mark).then(() => {
          if (written?.mark === mark) onDisk = written;
        });
      },
      async loadJournal() {
        const mark = await storage.loadJournal();
        return mark !== undefined && onDisk?.mark === mark ? encodeJournal(onDisk.journal) : mark;
      },
    }),
  };
}

interface Shelved {
  readonly mark: string;
  readonly journal: Journal;
}
