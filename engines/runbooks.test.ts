// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type SmallInstallation, smallInstallation } from './pages/small-installation.ts';

let installation: SmallInstallation;

before(async () => {
  installation = await smallInstallation();
});
after(() => installation.remove());

/** In this order: each page finds what the one before it left. */
const PAGES: readonly (readonly [page: string, claim: string])[] = [
  ['README.md', 'a release of one’s own reaches three devices, and a broken one is halted, as the README says'],
];

for (const [page, claim] of PAGES) {
  test(claim, async () => {
    assert.ok((await installation.follow(page)) > 0, `${page} has commands that are marked as runnable`);
  });
}
