// SPDX-License-Identifier: Apache-2.0
import { bootContract } from './contracts/boot.ts';
import { storageContract } from './contracts/storage.ts';
import { memoryBoot } from './memory-boot.ts';
import { memoryDisk, memoryStorage } from './memory-storage.ts';

bootContract('memory', async (content) => {
  let last: ReturnType<typeof memoryBoot> | undefined;
  return {
    async powerOn() {
      last = memoryBoot(last?.saved() ?? content);
      return last;
    },
  };
});

storageContract('memory', async (images) => {
  const disk = memoryDisk(images);
  return { powerOn: async () => memoryStorage(disk) };
});
