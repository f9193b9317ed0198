// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { present } from '@outrider/domain/kernel/assert';
import { isAlive, stopProcess } from './postmaster.ts';

/** Enough that some of them end between two of our looks. */
const PROCESSES = 40;

test('a process that ends while it is looked at is simply not alive', async () => {
  for (let count = 0; count < PROCESSES; count++) {
    const child = spawn('true', { stdio: 'ignore' });
    const ended = once(child, 'exit');
    const pid = present(child.pid, 'a process');
    while (await isAlive(pid));
    await ended;
    assert.equal(await isAlive(pid), false);
  }
});

test('a process that is stopped is gone when the call returns', async () => {
  const child = spawn('sleep', ['60'], { stdio: 'ignore' });
  const pid = present(child.pid, 'a process');
  assert.equal(await isAlive(pid), true);
  await stopProcess(pid);
  assert.equal(await isAlive(pid), false);
});
