// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Boot, SlotContent } from '@outrider/domain/device/ports';
import type { ReleaseCounter, Sha256 } from '@outrider/domain/kernel/ids';

/** A device under test: `powerOn` starts it from what is durable, the first time from the factory. */
export interface BootBench {
  powerOn(): Promise<Boot>;
}

/** What every boot chooser must do. `provision` gives a device that holds `FACTORY` in slot a. */
export function bootContract(adapter: string, provision: (content: SlotContent) => Promise<BootBench>): void {
  describe(`boot chooser: ${adapter}`, () => {
    test('a new device runs its factory slot, confirmed', async () => {
      const boot = await (await provision(FACTORY)).powerOn();
      assert.deepEqual(await boot.state(), {
        running: 'a',
        confirmed: 'a',
        contents: { a: FACTORY, b: undefined },
        bootCount: 1,
      });
    });

    test('an armed slot runs after the reboot and not before, and costs a try', async () => {
      const boot = await (await provision(FACTORY)).powerOn();
      await boot.arm('b', NEXT, 3);
      assert.equal((await boot.state()).running, 'a');
      assert.deepEqual((await boot.state()).contents.b, NEXT);
      await boot.reboot();
      const { running, confirmed, trial } = await boot.state();
      assert.deepEqual(
        { running, confirmed, trial },
        { running: 'b', confirmed: 'a', trial: { slot: 'b', triesLeft: 2 } },
      );
    });

    test('a confirmed trial runs for good, whatever is cut afterwards', async () => {
      const bench = await provision(FACTORY);
      const boot = await bench.powerOn();
      await boot.arm('b', NEXT, 1);
      await boot.reboot();
      await boot.confirm();
      const later = await (await bench.powerOn()).state();
      assert.equal(later.running, 'b');
      assert.equal(later.confirmed, 'b');
      assert.equal(later.trial, undefined);
    });

    test('a trial that is never confirmed ends in the old slot after its tries, power cuts included', async () => {
      const bench = await provision(FACTORY);
      await (await bench.powerOn()).arm('b', NEXT, 2);
      const runs: string[] = [];
      for (let count = 0; count < 4; count++) runs.push((await (await bench.powerOn()).state()).running);
      assert.deepEqual(runs, ['b', 'b', 'a', 'a']);
      assert.equal((await (await bench.powerOn()).state()).trial, undefined);
    });

    test('every start is counted', async () => {
      const bench = await provision(FACTORY);
      for (let count = 1; count <= 3; count++) assert.equal((await (await bench.powerOn()).state()).bootCount, count);
    });

    test('the confirmed slot cannot be armed: there is always a way back', async () => {
      const boot = await (await provision(FACTORY)).powerOn();
      await assert.rejects(async () => boot.arm('a', NEXT, 3), { name: 'AssertionError' });
      assert.deepEqual((await boot.state()).contents.a, FACTORY);
    });

    test('confirming without a trial changes nothing', async () => {
      const boot = await (await provision(FACTORY)).powerOn();
      const before = await boot.state();
      await boot.confirm();
      assert.deepEqual(await boot.state(), before);
    });
  });
}

const FACTORY: SlotContent = {
  version: '1.0.0',
  releaseCounter: 1 as ReleaseCounter,
  components: [{ name: 'main', digest: 'a'.repeat(64) as Sha256 }],
};

const NEXT: SlotContent = {
  version: '1.1.0',
  releaseCounter: 3 as ReleaseCounter,
  components: [{ name: 'main', digest: 'b'.repeat(64) as Sha256 }],
};
