// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createElement as h } from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
import { AT, overviewWith, rolloutWith } from '../example-overview.ts';
import { rolloutIn } from './app.ts';
import { FreshnessBanner } from './freshness-banner.ts';
import { OverviewPage, rolloutHref } from './overview-page.ts';

const HOSTILE = `<script>alert(1)</script><img src=x onerror="alert(1)">`;

test('what devices and people write stays text wherever the page shows it', () => {
  const rollout = rolloutWith({ reason: HOSTILE, state: 'paused' });
  const decision = { rolloutId: 'camera-to-1.2.0', at: AT, since: AT, kind: 'hold', reason: HOSTILE, count: 2 };
  const overview = overviewWith({ rollouts: [rollout], pausedScopes: [`region:${HOSTILE}`], decisions: [decision] });
  const pause = { author: HOSTILE, at: AT, reason: HOSTILE };
  const page = renderToStaticMarkup(h(OverviewPage, { overview, pause }));
  assert.doesNotMatch(page, /<script|<img|onerror="/);
  assert.equal(page.split('&lt;script&gt;').length - 1, 6);
});

test('a rollout shows how far its devices came, its evidence and why it stands where it stands', () => {
  const page = renderToStaticMarkup(h(OverviewPage, { overview: overviewWith({ rollouts: [rolloutWith()] }) }));
  assert.match(page, /1 rollout under way, nothing is stopped/);
  assert.match(page, /30 verified, 6 under way, 4 reverted or failed, of 1,000 devices/);
  assert.match(page, /ln E 2\.00 of 8\.00/);
  assert.match(page, /The deltas are made/);
});

test('the banner names the instant since which figures are stale', () => {
  const freshness = { kind: 'stale', sinceMs: AT, fault: 'unreachable' } as const;
  const banner = renderToStaticMarkup(h(FreshnessBanner, { freshness, nowMs: AT + 65_000 }));
  assert.match(banner, /role="alert"/);
  assert.match(banner, /Stale since 09:00:00 UTC \(1 min ago\)/);
  assert.equal(renderToStaticMarkup(h(FreshnessBanner, { freshness: { kind: 'live' }, nowMs: AT })), '');
});

test('every rollout has an address of its own that leads back to it, whatever its name', () => {
  for (const rolloutId of ['camera-to-1.2.0', 'a/b', 'ä %', '100%'])
    assert.equal(rolloutIn(rolloutHref(rolloutId).slice(1)), rolloutId);
  for (const place of ['', '/', '/rollouts/', '/rollouts/%zz']) assert.equal(rolloutIn(place), undefined);
});
