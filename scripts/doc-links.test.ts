// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { anchorsOf, checkLinks, linksOf } from './doc-links.ts';
import { checkoutRoot } from './gates.ts';

test('every link between pages leads to a file and a heading that exist, and every page is found from the README', () => {
  const { pages, links, broken, unreachable } = checkLinks(checkoutRoot());
  assert.ok(pages.length > 30 && links > 100, `looked at ${links} links of ${pages.length} pages`);
  assert.deepEqual(broken, []);
  assert.deepEqual(unreachable, []);
});

test('a link to a file or a heading that is not there is named, and so is a page that nobody links', () => {
  const root = mkdtempSync(join(tmpdir(), 'outrider-links-'));
  try {
    mkdirSync(join(root, 'docs'));
    writeFileSync(
      join(root, 'README.md'),
      '[a](docs/a.md) [b](docs/a.md#none) [c](docs/gone.md) [d](docs/a.md#one-two)',
    );
    writeFileSync(join(root, 'docs', 'a.md'), '## One, *two*\n');
    writeFileSync(join(root, 'docs', 'alone.md'), 'nobody links this\n');
    const { broken, unreachable } = checkLinks(root);
    assert.deepEqual(broken, ['README.md: docs/a.md#none', 'README.md: docs/gone.md']);
    assert.deepEqual(unreachable, ['docs/alone.md']);
  } finally {
    rmSync(root, { recursive: true });
  }
});

test('links are found outside of code alone, headings as a forge names them', () => {
  assert.deepEqual(linksOf('[a](b.md)\n```\n[c](d.md)\n```\n`[e](f.md)` [g](https://h.example)'), ['b.md']);
  assert.deepEqual(
    [...anchorsOf('# A release of your own\n```\n# no\n```\n## `x`: 3 am?')],
    ['a-release-of-your-own', 'x-3-am'],
  );
});
