// SPDX-License-Identifier: Apache-2.0
import type { ChooserState } from '@outrider/domain/device/boot-chooser';
import type { Boot, Storage } from '@outrider/domain/device/ports';
import { err } from '@outrider/domain/kernel/result';
import type { MemoryBoot } from '@outrider/testkit/memory-boot';
import type { PowerGate } from './power-gate.ts';

/** What happened to the slots of a device. */
export type SlotEvent =
  | { readonly kind: 'written'; readonly slot: string }
  | { readonly kind: 'armed'; readonly slot: string; readonly counter: number }
  | { readonly kind: 'booted' }
  | { readonly kind: 'confirmed' };

/** Thrown where a journal cannot be written: the program ends, and its supervisor starts it again. */
export class DiskFull extends Error {
  override readonly name = 'DiskFull';
}

/** The present chooser behind the power gate: each change is one record, written or not. */
export function gatedBoot(
  current: () => MemoryBoot,
  gate: PowerGate,
  onSlots: (event: SlotEvent, chooser: ChooserState) => void,
): Boot {
  return {
    state: () => current().state(),
    async arm(slot, content, tries) {
      gate.pass('arm');
      onSlots({ kind: 'armed', slot, counter: content.releaseCounter }, current().saved());
      await current().arm(slot, content, tries);
    },
    async confirm() {
      gate.pass('confirm');
      await current().confirm();
      onSlots({ kind: 'confirmed' }, current().saved());
    },
    async reboot() {
      gate.pass('reboot');
      await current().reboot();
      onSlots({ kind: 'booted' }, current().saved());
    },
  };
}

/** A disk that may be full: what is on it stays, nothing new fits. */
export function fillable(storage: Storage, isFull: () => boolean): Storage {
  const full = () => err({ code: 'disk-full', detail: 'The disk is full' } as const);
  return {
    ...storage,
    storeJournal(text) {
      if (isFull()) return Promise.reject(new DiskFull('The journal does not fit on the disk'));
      return storage.storeJournal(text);
    },
    stage: async (digest, chunks, bytesMax) => (isFull() ? full() : storage.stage(digest, chunks, bytesMax)),
    install: async (order) => (isFull() ? full() : storage.install(order)),
  };
}
