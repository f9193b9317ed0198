// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import type { Overview } from '@outrider/protocol/decision/overview';
import { propertyOptions } from '@outrider/testkit/seed';
import fc from 'fast-check';
import { recordedWorld } from '../../recorded-world.ts';
import type { Terminal } from '../../terminal.ts';
import { afterKey, type Dialog, promptOf } from './pause-dialog.ts';
import { topFrame } from './top-frame.ts';
import { durationText } from './vitals-lines.ts';

const OVERVIEW = {
  at: 1_800_000_000_000,
  isConducted: false,
  revision: 12,
  pausedScopes: ['region:north'],
  vitals: {
    ...{ upMs: 11_520_000, isFresh: true, snapshotAgeMs: 312, checkInsPerSecond: 123.4, permitsPerSecond: 1.25 },
    ...{ reportsPerSecond: 0.9, permitLatency: { count: 75, p50Ms: 2.1, p99Ms: 12.3 }, requestLatency: { count: 0 } },
    ...{ eventLoopLagP99Ms: 3.2, memoryBytes: 212_000_000 },
    database: { isReachable: true, connectionsInUse: 2, connectionsMax: 8, waiting: 0 },
  },
  devices: {
    total: 2_003,
    states: [
      { state: 'idle', count: 1_990 },
      { state: 'downloading', count: 13 },
    ],
  },
  rollouts: [
    {
      ...{ rolloutId: 'to-1.2.0', releaseId: 'camera-1.2.0', deviceType: 'camera', state: 'rolling-back' },
      ...{ stateSince: 1_799_999_000_000, reason: 'Revert in rev-c: ln E 11.51 reached 7.78' },
      funnel: {
        ...{
          population: 2_003,
          mayDownload: 400,
          permitted: 24,
          underWay: 6,
          verified: 15,
          reverted: 2,
          installFailed: 1,
        },
        arms: [
          { arm: 'treated', enrolled: 24, silent: 0, crashed: 0, sensorFaults: 0 },
          { arm: 'control', enrolled: 55, silent: 0, crashed: 0, sensorFaults: 0 },
        ],
      },
      exposure: {
        ...{ waveName: 'tenth', waveNumber: 3, waveCount: 5, waveStartedAt: 1_799_999_000_000, pi: 0.2, cap: 40 },
        ...{ granted: 24, isComplete: false },
      },
      segments: [
        { segment: 'rev-c', population: 286, cap: 24, granted: 8, isHalted: true },
        { segment: 'rev-a', population: 900, cap: 20, granted: 8, isHalted: false },
      ],
      segmentCount: 3,
      figures: [{ metric: 'revert', segment: 'rev-c', lnE: 11.51, threshold: 7.78, harmUpper: 0.6 }],
      figureCount: 28,
      verdict: { rolloutId: 'to-1.2.0', at: 1_799_999_000_000, kind: 'halt', reason: 'Revert in rev-c' },
    },
  ],
  rolloutCount: 3,
  decisions: [
    { rolloutId: 'to-1.2.0', at: 1_799_999_000_000, kind: 'halt', reason: 'Revert in rev-c', since: 1, count: 1 },
    { rolloutId: 'to-1.2.0', at: 1_799_998_000_000, kind: 'hold', reason: 'The wave bakes', since: 1, count: 12 },
  ],
} as unknown as Overview;

let answer: { readonly status: number; readonly body: string } = { status: 200, body: JSON.stringify(OVERVIEW) };
const asked: string[] = [];
const server = createServer((request, response) => {
  let body = '';
  request.on('data', (part) => {
    body += part;
  });
  request.on('end', () => {
    asked.push(`${request.method} ${request.url} ${body}`.trim());
    const isPause = request.method === 'POST';
    response.writeHead(isPause ? 200 : answer.status).end(isPause ? '{"revision":13,"openPermits":[{}]}' : answer.body);
  });
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const connection = ['--server', url, '--token', 't'];
after(() => server.close());

test('no frame is wider or taller than its terminal, and what is left out is said', () => {
  const size = fc.record({ columns: fc.integer({ min: 1, max: 300 }), rows: fc.integer({ min: 1, max: 60 }) });
  fc.assert(
    fc.property(size, fc.string({ maxLength: 400 }), ({ columns, rows }, prompt) => {
      const lines = topFrame({ overview: OVERVIEW, url, prompt, fault: prompt }, { columns, rows });
      assert.ok(lines.length <= rows);
      for (const { text } of lines) assert.ok(text.length <= columns && !/\p{Cc}/u.test(text));
    }),
    propertyOptions(),
  );
  const short = topFrame({ overview: OVERVIEW, url, prompt: 'q quit' }, { columns: 100, rows: 12 });
  assert.match(short.at(-3)?.text ?? '', /^\d+ more lines; a larger terminal shows them$/);
  assert.equal(short.at(-1)?.text, 'q quit');
});

test('a glance tells funnel, exposure against cap, evidence over its threshold, verdict and the server', () => {
  const text = topFrame({ overview: OVERVIEW, url }, { columns: 120 })
    .map((line) => line.text)
    .join('\n');
  for (const part of [
    /revision 12 {3}PAUSED region:north/,
    /check-ins 123\/s {3}permits 1\.3\/s {3}reports 0\.9\/s {3}permit p99 12 ms {3}request p99 -/,
    /policy 312 ms old {3}database ok 2\/8 in use, 0 waiting {3}loop 3 ms late {3}212 MB {3}up 3 h 12 min/,
    /devices 2003: 1990 idle, 13 downloading/,
    /to-1\.2\.0 {3}camera-1\.2\.0 {3}rolling-back for 16 min 40 s {3}wave tenth \(3 of 5\)/,
    /exposure \[#\.*\] granted 24 {2}cap 40 {2}of 2003 {2}pi 0\.20/,
    /2003 > 400 may download > 24 permitted > 15 verified {3}\(6 under way, 2 reverted, 1 failed, 55 in control\)/,
    /segments rev-c 8\/24 of 286 HALTED, rev-a 8\/20 of 900, 1 more/,
    /revert {4}rev-c +\[=+\] +11\.5 of +7\.8 OVER/,
    /verdict {2}halt: Revert in rev-c: ln E 11\.51 reached 7\.78/,
    /and 2 more/,
    /hold \(12 times\): The wave bakes/,
  ]) {
    assert.match(text, part);
  }
});

test('a pause takes four deliberate keys, and any other of them leaves everything as it was', () => {
  assert.deepEqual(typed('p', 'g', 'b', 'a', 'd', '\r', 'y').effect, {
    ...{ kind: 'pause', target: { kind: 'global' }, reason: 'bad' },
  });
  assert.deepEqual(typed('p', 'g', '\r', 'y').effect, {
    ...{ kind: 'pause', target: { kind: 'global' }, reason: 'Paused from outrider top' },
  });
  for (const keys of [
    ['p', 'x', 'y'],
    ['p', 'g', '\u001b', 'y'],
    ['p', 'g', '\r', 'n'],
    ['p', '7', '\r', 'y'],
    ['y'],
  ]) {
    const { dialog, effect } = typed(...keys);
    assert.deepEqual([dialog.kind, effect.kind], ['watching', 'none'], keys.join(' '));
  }
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 3 }), { maxLength: 3 }), (keys) => {
      assert.notEqual(typed(...keys).effect.kind, 'pause');
    }),
    propertyOptions(),
  );
  assert.equal(typed('p', 'g', 'q').effect.kind, 'none', 'a q in a reason is a letter');
  assert.equal(typed('p', 'g', '\u0003').effect.kind, 'quit');
  assert.match(promptOf(typed('p', 'g', 'x').dialog), /^Pause everything\. Why\? .* x_$/);
});

test('without a terminal there is one look as text, and --json gives what the API said', async () => {
  const world = recordedWorld();
  const text = await world.run('top', ...connection);
  assert.deepEqual([text.code, text.log], [0, '']);
  assert.match(text.output, /^Outrider http.*\n/);
  assert.ok(!text.output.includes('\u001b'));
  const json = await world.run('top', '--once', '--json', ...connection);
  assert.deepEqual(JSON.parse(json.output), OVERVIEW);
  const away = await world.run('top', '--server', 'http://127.0.0.1:9', '--token', 't');
  assert.deepEqual([away.code, away.output], [5, '']);
  world.remove();
});

for (const [claim, environment, isColoured] of [
  ['in colour', {}, true],
  ['without colour where NO_COLOR asks for it', { NO_COLOR: '1' }, false],
] as const) {
  test(`at a terminal it draws ${claim}, pauses when it is told to, waits for a server that is away, and cleans up`, async () => {
    const seat = aSeat();
    const world = recordedWorld({ environment: { ...environment, USER: 'ada' }, terminal: () => seat.terminal });
    const running = world.run('top', ...connection);
    await seat.until(/q quit {3}p pause/);
    assert.equal(seat.written().includes('\u001b[33m'), isColoured);
    for (const key of ['p', 'g', 'bad smell', '\r', 'y']) seat.press(key);
    await seat.until(/Paused everything at revision 13; devices that still hold a permit: 1/);
    assert.ok(asked.includes('POST /api/v1/scopes/pause {"scope":"global","reason":"bad smell","author":"ada"}'));
    answer = {
      status: 503,
      body: '{"type":"urn:outrider:problem:store-away","title":"T","status":503,"code":"store-away","detail":"The database is away"}',
    };
    await seat.until(/The database is away/);
    answer = { status: 200, body: JSON.stringify(OVERVIEW) };
    seat.press('q');
    const { code, log } = await running;
    assert.deepEqual([code, log, seat.isClosed()], [0, '', true]);
    assert.ok(
      seat.written().startsWith('\u001b[?1049h\u001b[?25l') && seat.written().endsWith('\u001b[?25h\u001b[?1049l'),
    );
    world.remove();
  });
}

test('times are told in two units, and never more exactly than that', () => {
  const cases = [0, 999, 1_000, 61_000, 3_600_000, 11_520_000, 90_061_000];
  assert.deepEqual(cases.map(durationText), ['0 ms', '999 ms', '1 s', '1 min 1 s', '1 h', '3 h 12 min', '1 d 1 h']);
});

function typed(...keys: readonly string[]) {
  let dialog: Dialog = { kind: 'watching' };
  let effect: ReturnType<typeof afterKey>[1] = { kind: 'none' };
  for (const key of keys) [dialog, effect] = afterKey(dialog, key, OVERVIEW);
  return { dialog, effect };
}

/** A terminal and the person at it. */
function aSeat() {
  let screen = '';
  let listener: (key: string) => void = () => {};
  let isClosed = false;
  let look: () => void = () => {};
  const terminal: Terminal = {
    columns: () => 140,
    rows: () => 40,
    write(text) {
      screen += text;
      look();
    },
    onKey(heard) {
      listener = heard;
    },
    onResize: () => {},
    close() {
      isClosed = true;
    },
  };
  return {
    terminal,
    press: (key: string) => listener(key),
    written: () => screen,
    isClosed: () => isClosed,
    until(pattern: RegExp): Promise<void> {
      const from = screen.length;
      return new Promise((resolve) => {
        look = () => {
          if (pattern.test(screen.slice(pattern.source.startsWith('q quit') ? 0 : from))) resolve();
        };
        look();
      });
    },
  };
}
