// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FleetInstant } from '@outrider/domain/kernel/time';
import type { Exclusion, Freeze } from '@outrider/domain/policy/freeze';
import { createElement as h } from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
import { parseExclusions, parseFreezes } from '../live/rollout-answer.ts';
import { StandingOrderList } from './standing-orders.ts';

const NOW = Date.parse('2026-11-28T20:00:00Z') as FleetInstant;
const times = {
  kind: 'weekly',
  timeZone: 'Europe/Berlin',
  from: { day: 5, minute: 960 },
  until: { day: 1, minute: 360 },
} as const;
const FREEZE: Freeze = {
  freezeId: 'weekends',
  audience: { kind: 'attribute', name: 'region', in: ['eu'] },
  ...{ times, reason: '<b>nobody</b> is at work', isIncludingRollback: false },
};
const over: Exclusion = { exclusionId: 'bygone', of: { kind: 'tag', tag: 'x' }, reason: 'r', expiresAt: NOW };
const exhibits: Exclusion = { exclusionId: 'exhibits', of: { kind: 'tag', tag: 'exhibit' }, reason: 'on show' };

const pageOf = (freezes: readonly Freeze[], exclusions: readonly Exclusion[], now = NOW) =>
  renderToStaticMarkup(h(StandingOrderList, { freezes, exclusions, now }));

test('the page names the freeze that holds, for whom, and until when', () => {
  const page = pageOf([FREEZE], []);
  assert.match(page, /frozen/);
  assert.match(page, /weekends.*&lt;b&gt;nobody.*region in eu/);
  assert.match(page, /dateTime="2026-11-30T05:00:00/i);
  const tuesday = pageOf([FREEZE], [], Date.parse('2026-12-01T12:00:00Z') as FleetInstant);
  assert.doesNotMatch(tuesday, /frozen|dateTime/i);
});

test('the page names exclusions that hold, and says nothing where nobody has ordered anything', () => {
  assert.match(pageOf([], [exhibits, over]), /exhibits.*on show.*tag exhibit/);
  assert.doesNotMatch(pageOf([], [exhibits, over]), /bygone/);
  assert.equal(pageOf([], [over]), '');
});

test('the lists of the server are read', () => {
  const freezes = parseFreezes(JSON.stringify({ revision: 3, items: [FREEZE] }));
  const exclusions = parseExclusions(JSON.stringify({ revision: 3, items: [exhibits] }));
  assert.deepEqual(
    [freezes.ok && freezes.value.items, exclusions.ok && exclusions.value.items],
    [[FREEZE], [exhibits]],
  );
});
