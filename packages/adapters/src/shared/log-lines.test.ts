// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createSmallDisk } from '@outrider/testkit/small-disk';
import { logLines } from './log-lines.ts';

const disk = await createSmallDisk(65_536);
const path = join(disk.folder, 'server.log');
const fd = openSync(path, 'a', 0o600);
after(async () => {
  closeSync(fd);
  await disk.remove();
});

test('a log on a full disk goes on once there is room, and says how many lines are missing', async () => {
  const lines = logLines(fd);
  const long = `${'x'.repeat(5_000)}\n`;
  lines.write('{"first":1}\n');
  await disk.fill();
  for (let count = 0; count < 7; count++) lines.write(long);
  await disk.free();
  lines.write('{"again":1}\n');
  const seen = readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line));
  assert.deepEqual(seen[0], { first: 1 });
  assert.deepEqual(seen.at(-1), { again: 1 });
  const { level, code, lines: missing } = seen[1];
  assert.deepEqual([level, code], ['warn', 'log-left-out']);
  // What is left of the block that the log has already may hold one.
  assert.ok(missing === 7 || missing === 6, String(missing));
});

test('a log whose reader is gone is no reason to end', () => {
  const closed = openSync(path, 'a');
  closeSync(closed);
  logLines(closed).write('nobody reads this\n');
});
