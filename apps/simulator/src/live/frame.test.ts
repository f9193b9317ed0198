// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { machineInstant } from '@outrider/domain/kernel/time';
import { propertyOptions } from '@outrider/testkit/seed';
import fc from 'fast-check';
import { frameLines, plainLine } from './frame.ts';
import type { LiveState } from './live-state.ts';
import { liveView } from './terminal.ts';

const STATE: LiveState = {
  heading: 'Outrider demonstration, round 1',
  phase: 'bad release',
  fleetDays: 12.3,
  elapsedMs: 61_000,
  requests: 90_210,
  rollout: {
    version: '1.2.0',
    state: 'rolling-back',
    waveName: 'canary',
    waveNumber: 2,
    waveCount: 5,
    population: 2_003,
    cap: 43,
    granted: 17,
    pi: 0.2,
    holdReason: 'no control window has closed',
    arms: [
      {
        arm: 'treated',
        enrolled: 17,
        confirmed: 12,
        reverted: 3,
        installFailed: 0,
        silent: 0,
        crashed: 1,
        sensorFaults: 0,
      },
      { arm: 'control', enrolled: 55, silent: 1, crashed: 2, sensorFaults: 0 },
    ],
    evidence: [
      { metric: 'silent24', segment: 'overall', lnE: -0.2, threshold: 7.2 },
      { metric: 'revert', segment: 'rev-c', lnE: 9.9, threshold: 7.8 },
    ],
  },
  agents: [{ id: 'agent-c', hardwareId: 'rev-c', state: 'reverted', activeVersion: '1.1.0', slot: 'b' }],
  events: ['day 12.2: halted, revert of rev-c'],
};

test('the live view never writes wider than the terminal', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 300 }),
      fc.nat({ max: 5_000 }),
      fc.nat({ max: 5_000 }),
      (columns, cap, granted) => {
        const rollout = STATE.rollout === undefined ? undefined : { ...STATE.rollout, cap, granted };
        for (const line of frameLines({ ...STATE, ...(rollout && { rollout }) }, columns))
          assert.ok(line.length <= columns);
      },
    ),
    propertyOptions(),
  );
});

test('evidence over its threshold is named first and marked in words', () => {
  const lines = frameLines(STATE, 100);
  const first = lines.findIndex((line) => line.includes('revert     rev-c'));
  const second = lines.findIndex((line) => line.includes('silent24'));
  assert.ok(first > 0 && first < second);
  assert.match(lines[first] ?? '', /9\.9 of {3}7\.8 OVER/);
});

test('a log gets plain lines without control characters, and not more than one in three seconds', () => {
  const written: string[] = [];
  let nowMs = 0;
  const view = liveView({
    stream: { write: (text) => written.push(text) },
    clock: { now: () => machineInstant(nowMs) },
    isColoured: false,
  });
  for (; nowMs < 10_000; nowMs += 100) if (view.isDue()) view.show(STATE);
  assert.equal(written.length, 4);
  assert.equal(written[0], `${plainLine(STATE)}\n`);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must be absent
  assert.doesNotMatch(written.join(''), /[\u0000-\u0009\u000B-\u001F]/);
});
