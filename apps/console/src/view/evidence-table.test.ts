// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Drift } from '@outrider/domain/decision/base-rates/drift';
import { createElement as h } from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
import { DriftTable } from './evidence-table.ts';

const seen = { baseRate: 0.0005, observed: 0.0003, worst: 0.0009, worstLower: 0.0004, worstUpper: 0.002 };

test('the page says which base rate devices have come near to, and which they have passed', () => {
  const drifts: readonly Drift[] = [
    { ...seen, metric: 'revert', level: 'near' },
    { ...seen, metric: 'install', level: 'over' },
  ];
  const page = renderToStaticMarkup(h(DriftTable, { drifts }));
  const [, revert = '', install = ''] = page.split('<tr').slice(1);
  assert.match(revert, /Near/);
  assert.match(install, /Over/);
  for (const row of [revert, install]) assert.match(row, /0\.05.*0\.03.*0\.09/);
  assert.equal(renderToStaticMarkup(h(DriftTable, { drifts: [] })), '');
});
