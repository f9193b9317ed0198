// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type OpenStore, useStore } from './use-store.ts';

/** What every store of an installation's settings must do. */
export function installationContract(adapter: string, open: OpenStore): void {
  describe(`installation: ${adapter}`, () => {
    test('a setting is absent, then set, then replaced', () =>
      useStore(open, async ({ installation }) => {
        assert.equal(await installation.loadSetting('fleet-time'), undefined);
        await installation.storeSetting('fleet-time', '1');
        await installation.storeSetting('fleet-time', '2');
        assert.equal(await installation.loadSetting('fleet-time'), '2');
      }));

    test('of two servers that settle a secret at once both go on with the same one', () =>
      useStore(open, async ({ installation }) => {
        const settled = await Promise.all(['a', 'b', 'c'].map((value) => installation.settleSetting('secret', value)));
        assert.equal(new Set(settled).size, 1);
        assert.equal(await installation.settleSetting('secret', 'late'), settled[0]);
      }));
  });
}
