// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { matchesPattern } from './path-pattern.ts';

test('a pattern of a delegation matches within a segment and never across a slash', () => {
  const cases: readonly (readonly [string, string, boolean])[] = [
    ['camera/a', 'camera/*', true],
    ['camera/a/b', 'camera/*', false],
    ['camera', '*', true],
    ['camera/a', '*', false],
    ['camera/ab', 'camera/?b', true],
    ['camera/b', 'camera/?b', false],
    ['camera/1', 'camera/[0-9]', true],
    ['camera/x', 'camera/[!0-9]', true],
    ['camera/]', 'camera/[]]', true],
    ['camera/[x', 'camera/[x', true],
    ['camera/aXbXc', 'camera/a*b*c', true],
    ['camera/', 'camera/*', true],
    ['CAMERA/a', 'camera/*', false],
  ];
  for (const [path, pattern, expected] of cases) {
    assert.equal(matchesPattern(path, pattern), expected, `${path} against ${pattern}`);
  }
});

test('a pattern made of stars takes no longer than its length times the path', () => {
  const [path, pattern] = ['a'.repeat(5_000), `${'*a'.repeat(200)}b`];
  assert.equal(matchesPattern(path, pattern), false);
});

test('a path without special characters matches itself and nothing else', () => {
  const plain = fc.stringMatching(/^[a-z0-9./-]{1,20}$/);
  fc.assert(fc.property(plain, plain, (path, other) => matchesPattern(path, other) === (path === other)));
});
