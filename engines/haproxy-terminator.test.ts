// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { fetchHaproxy, startHaproxy } from './haproxy/start-haproxy.ts';
import { terminatorInFront } from './way/terminator-in-front.ts';

const folder = await mkdtemp(join(tmpdir(), 'outrider-haproxy-'));
after(() => rm(folder, { recursive: true, force: true }));
const haproxy = await fetchHaproxy(folder);

terminatorInFront({ name: "Debian's HAProxy", cutAfterMs: 30_000 }, (world) => startHaproxy(haproxy, world));
