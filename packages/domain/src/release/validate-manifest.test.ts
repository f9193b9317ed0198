// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { aComponent, aManifest, digestOf } from '@outrider/testkit/small-fleet';
import type { Bytes, ReleaseCounter } from '../kernel/ids.ts';
import { isEligible } from './eligibility.ts';
import { RELEASE_ERRORS, type ReleaseErrorCode } from './errors.ts';
import type { ReleaseManifest, RollbackTwin } from './release.ts';
import { validateManifest } from './validate-manifest.ts';

const IMAGE = {
  digest: digestOf('b'),
  bytes: 1_000 as Bytes,
  blockBytes: 65_536 as Bytes,
  blocksDigest: digestOf('9'),
};
const MODEM = { component: 'modem', versionAtLeast: '2.0.0' };

const BROKEN: readonly (readonly [code: ReleaseErrorCode, manifest: ReleaseManifest])[] = [
  ['component-missing', aManifest({ components: [] })],
  ['component-duplicate', aManifest({ components: [aComponent('b'), aComponent('c')] })],
  ['hardware-id-missing', aManifest({ components: [aComponent('b', { hardwareIds: [] })] })],
  [
    'hardware-not-shared',
    aManifest({
      components: [
        aComponent('b', { hardwareIds: ['rev-a'] }),
        aComponent('c', { name: 'radio', hardwareIds: ['rev-b'] }),
      ],
    }),
  ],
  ['image-empty', aManifest({ components: [aComponent('b', { image: { ...IMAGE, bytes: 0 as Bytes } })] })],
  [
    'block-size-invalid',
    aManifest({ components: [aComponent('b', { image: { ...IMAGE, blockBytes: 5_000 as Bytes } })] }),
  ],
  ['block-size-invalid', aManifest({ components: [aComponent('b', { image: { ...IMAGE, blockBytes: 0 as Bytes } })] })],
  ['counter-not-positive', aManifest({ releaseCounter: 0 as ReleaseCounter })],
  ['floor-above-version', aManifest({ floorVersion: '1.1.1' })],
  ['dependency-on-itself', aManifest({ dependencies: [{ ...MODEM, component: 'main' }] })],
  ['dependency-duplicate', aManifest({ dependencies: [MODEM, MODEM] })],
  ['twin-id-same', withTwin({ releaseId: aManifest().releaseId })],
  ['twin-version-same', withTwin({ version: '1.1.0+again' })],
  ['twin-counter-too-low', withTwin({ releaseCounter: 2 as ReleaseCounter })],
  ['twin-components-differ', withTwin({ components: [aComponent('a', { name: 'radio' })] })],
  ['twin-hardware-missing', withTwin({ components: [aComponent('a', { hardwareIds: ['rev-a'] })] })],
];

describe('a release manifest', () => {
  test('that keeps all rules is valid, with and without a way back', () => {
    assert.ok(validateManifest(aManifest({ floorVersion: '1.1.0', dependencies: [MODEM] })).ok);
    const { rollbackTwin: _, ...first } = aManifest();
    assert.ok(validateManifest(first).ok);
  });

  for (const [code, manifest] of BROKEN) {
    test(`is refused by name: ${RELEASE_ERRORS[code]} (${code})`, () => {
      const result = validateManifest(manifest);
      assert.equal(!result.ok && result.error.code, code);
    });
  }

  test('has an example of every broken rule in this test', () => {
    assert.deepEqual(new Set(BROKEN.map(([code]) => code)), new Set(Object.keys(RELEASE_ERRORS)));
  });
});

describe('a device may have a release', () => {
  const running = { version: '1.0.0', releaseCounter: 1, components: [{ name: 'main' }] };
  const manifest = aManifest({ dependencies: [MODEM] });
  const withModem = (version?: string) => {
    const modem = version === undefined ? { name: 'modem' } : { name: 'modem', version };
    return isEligible({ manifest, hardwareId: 'rev-a', running: { ...running, components: [modem] } });
  };

  test('when what it depends on is there and new enough', () => {
    assert.ok(withModem('2.0.0'));
    assert.ok(!withModem('2.0.0-rc.1'));
  });

  test('not when the version of what it depends on is unknown', () => {
    assert.ok(!withModem());
  });

  test('not when one component of the bundle does not run on it', () => {
    const bundle = aManifest({
      components: [aComponent('b'), aComponent('c', { name: 'radio', hardwareIds: ['rev-b'] })],
    });
    assert.ok(!isEligible({ manifest: bundle, hardwareId: 'rev-a', running }));
    assert.ok(isEligible({ manifest: bundle, hardwareId: 'rev-b', running }));
  });
});

function withTwin(overrides: Partial<RollbackTwin>): ReleaseManifest {
  const { rollbackTwin } = aManifest();
  assert.ok(rollbackTwin !== undefined);
  return aManifest({ rollbackTwin: { ...rollbackTwin, ...overrides } });
}
