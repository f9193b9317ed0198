// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { propertyOptions } from '@outrider/testkit/seed';
import fc from 'fast-check';
import { compareVersions, parseVersion } from './version.ts';

/** The example of SemVer 2.0.0 §11.4.4, lowest first, between those of §11.2. */
const IN_ORDER = [
  '0.9.9',
  '1.0.0-alpha',
  '1.0.0-alpha.1',
  '1.0.0-alpha.beta',
  '1.0.0-beta',
  '1.0.0-beta.2',
  '1.0.0-beta.11',
  '1.0.0-rc.1',
  '1.0.0',
  '2.0.0',
  '2.1.0',
  '2.1.1',
  '2.10.0',
];

describe('versions', () => {
  test('precede each other as in the example of SemVer', () => {
    for (const [left, a] of IN_ORDER.entries()) {
      for (const [right, b] of IN_ORDER.entries()) {
        assert.equal(Math.sign(compareVersions(a, b)), Math.sign(left - right), `${a} against ${b}`);
      }
    }
  });

  test('are equal in precedence when only the build differs', () => {
    assert.equal(compareVersions('1.0.0+20260101', '1.0.0+exp.sha.5114f85'), 0);
  });

  test('compare by value where a number would lose digits', () => {
    assert.ok(compareVersions('9007199254740993.0.0', '9007199254740992.0.0') > 0);
  });

  for (const text of [
    '1',
    '1.2',
    'v1.2.3',
    '01.2.3',
    '1.2.3-01',
    '1.2.3-',
    '1.2.3+',
    '1.2.3 ',
    '1.2.3-a..b',
    '-1.0.0',
  ]) {
    test(`are not written as "${text}"`, () => {
      const parsed = parseVersion(text);
      assert.deepEqual(!parsed.ok && parsed.error, { code: 'version-malformed', seen: text });
    });
  }

  test('longer than any file name are refused', () => {
    assert.equal(parseVersion(`1.0.0-${'a'.repeat(200)}`).ok, false);
  });

  test('stand in one total order', () => {
    fc.assert(
      fc.property(anyVersion(), anyVersion(), anyVersion(), (a, b, c) => {
        assert.equal(Math.sign(compareVersions(a, b)), -Math.sign(compareVersions(b, a)) + 0);
        if (compareVersions(a, b) <= 0 && compareVersions(b, c) <= 0) assert.ok(compareVersions(a, c) <= 0);
      }),
      propertyOptions({ runs: 500 }),
    );
  });

  test('follow every pre-release of their own', () => {
    fc.assert(
      fc.property(anyCore(), anyPreRelease(), (core, preRelease) => {
        assert.ok(compareVersions(`${core}-${preRelease}`, core) < 0);
      }),
      propertyOptions(),
    );
  });
});

function anyCore(): fc.Arbitrary<string> {
  return fc.tuple(fc.nat(12), fc.nat(12), fc.nat(12)).map((parts) => parts.join('.'));
}

function anyPreRelease(): fc.Arbitrary<string> {
  const identifier = fc.oneof(fc.nat(20).map(String), fc.stringMatching(/^[a-zA-Z-][0-9a-zA-Z-]{0,3}$/));
  return fc.array(identifier, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('.'));
}

function anyVersion(): fc.Arbitrary<string> {
  const suffixed = fc.tuple(anyCore(), anyPreRelease()).map(([core, preRelease]) => `${core}-${preRelease}`);
  return fc.oneof(anyCore(), suffixed);
}
