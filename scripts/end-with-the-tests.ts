// SPDX-License-Identifier: Apache-2.0
import process from 'node:process';
import { after } from 'node:test';

/**
 * Loaded into each test file before it: a file whose tests have ended and that is still alive a while later has left a server,
 * a child or a socket behind, mostly because an assertion failed before its clean-up. It ends as a failure that names what is
 * open, instead of holding up the whole run until somebody breaks it off.
 */
const GRACE_MS = Number(process.env.OUTRIDER_TEST_GRACE_MS ?? 60_000);

// The runner itself loads this too, and has no tests of its own to wait for.
if (process.env.NODE_TEST_CONTEXT !== undefined) {
  after(() => {
    const timer = setTimeout(() => {
      const open = process.getActiveResourcesInfo().filter((name) => name !== 'PipeWrap');
      process.stderr.write(`The tests of this file ended and it still runs; left open: ${open.join(', ')}\n`);
      process.exit(1);
    }, GRACE_MS);
    timer.unref();
  });
}
