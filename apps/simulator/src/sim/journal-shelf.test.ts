// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newJournal } from '@outrider/domain/device/state';
import type { DeviceId } from '@outrider/domain/kernel/ids';
import { fleetInstant } from '@outrider/domain/kernel/time';
import { encodeJournal } from '@outrider/protocol/device/journal';
import { memoryDisk, memoryStorage, PowerCut } from '@outrider/testkit/memory-storage';
import { journalShelf } from './journal-shelf.ts';

const journal = newJournal('camera-1' as DeviceId, fleetInstant(1_000));

test('a device whose power goes before a journal is stored reads the former one, and a new program reads it too', async () => {
  const disk = memoryDisk({});
  let isCut = false;
  const gate = () => {
    if (isCut) throw new PowerCut('The power went');
  };
  const shelf = journalShelf();
  const storage = shelf.over(memoryStorage(disk, gate));
  assert.equal(await storage.loadJournal(), undefined);
  const write = shelf.writer();
  await storage.storeJournal(write(journal));
  const later = { ...journal, sequence: 7 };
  isCut = true;
  await assert.rejects(storage.storeJournal(write(later)), PowerCut);
  assert.equal(await shelf.over(memoryStorage(disk)).loadJournal(), encodeJournal(journal));
  isCut = false;
  await storage.storeJournal(shelf.writer()(later));
  assert.equal(await storage.loadJournal(), encodeJournal(later));
});
