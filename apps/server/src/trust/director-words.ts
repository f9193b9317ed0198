// SPDX-License-Identifier: Apache-2.0
import type { DeviceId } from '@outrider/domain/kernel/ids';
import type { FleetInstant } from '@outrider/domain/kernel/time';
import { LIFETIMES } from '@outrider/domain/trust/tuf/ceremony';

/**
 * What the director said to devices last, to be said again while the same is offered: most offers are repeated for hours, and each
 * signature costs a gateway as much as the rest of the answer. A word goes only to a device that has spoken to nobody else since: one
 * that another gateway signed is newer, and devices take no older one.
 */
export interface DirectorWords {
  /** The word that says this, unless it is near its end or never was. */
  recall(deviceId: DeviceId, about: WordAbout, now: FleetInstant): string | undefined;
  /** Call it before a word is signed, and what it answers with the word: it is not kept when the device was forgotten meanwhile. */
  begin(deviceId: DeviceId): (word: Word) => void;
  /** The device may have heard another gateway. */
  forget(deviceId: DeviceId): void;
}

/** All that a word for one device depends on, beside the time. */
export interface WordAbout {
  /** Of the release on offer. */
  readonly payload: string;
  readonly isRollback: boolean;
  readonly hardwareId: string;
  /** The director's. */
  readonly keyId: string;
}

export interface Word extends WordAbout {
  readonly text: string;
  readonly expiresAt: FleetInstant;
}

/**
 * A word is said no more when so little of its day is left: twice as long as the director's word to the fleet holds. A device whose
 * clock is that far ahead takes no answer at all.
 */
const SPARE_MS = 2 * LIFETIMES['fleet-timestamp'];

/** A word has a kilobyte: some fifty megabytes, for the devices of the waves that are open. */
const WORDS_KEPT_MAX = 32_768;

export function directorWords(wordsMax = WORDS_KEPT_MAX): DirectorWords {
  /** Those that are being signed have no text yet. */
  const words = new Map<DeviceId, Word | symbol>();
  return {
    recall(deviceId, { payload, isRollback, hardwareId, keyId }, now) {
      const word = words.get(deviceId);
      if (word === undefined || typeof word === 'symbol' || word.expiresAt - now <= SPARE_MS) return undefined;
      const isSame = word.payload === payload && word.isRollback === isRollback && word.hardwareId === hardwareId;
      return isSame && word.keyId === keyId ? word.text : undefined;
    },
    begin(deviceId) {
      const mark = Symbol();
      words.delete(deviceId);
      // The one that was signed longest ago leaves first.
      const [oldest] = words.size >= wordsMax ? words.keys() : [];
      if (oldest !== undefined) words.delete(oldest);
      words.set(deviceId, mark);
      return (word) => {
        if (words.get(deviceId) === mark) words.set(deviceId, word);
      };
    },
    forget: (deviceId) => void words.delete(deviceId),
  };
}
