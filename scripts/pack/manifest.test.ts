// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PackError } from './errors.ts';
import { innerManifest, type Manifest, neededPackages, productManifest } from './manifest.ts';

const OWN: Manifest = {
  name: '@outrider/cli',
  version: '1.2.3',
  description: 'the command line',
  license: 'Apache-2.0',
  exports: { './compose': './src/compose.ts' },
  dependencies: { '@outrider/domain': '1.2.3', commander: '15.1.0' },
};
const INNER: Manifest = {
  name: '@outrider/domain',
  version: '1.2.3',
  description: 'the heart',
  license: 'Apache-2.0',
  exports: { './kernel/*': './src/kernel/*.ts' },
  dependencies: { pg: '8.0.0', 'tar-stream': '3.0.0' },
  optionalDependencies: { '@binaries/linux-x64': '1.0.0', 'engine-linux-x64': '2.0.0' },
};
const manifests = [OWN, INNER];

test('a product needs what its files import, at the declared versions, and nothing that only its neighbours import', () => {
  const needed = neededPackages({ imported: new Set(['commander', 'tar-stream']), texts: [''], manifests });
  assert.deepEqual(needed, { dependencies: { commander: '15.1.0', 'tar-stream': '3.0.0' }, optional: {} });
});

test('binaries that are found by a name made of the platform come along where a file names their scope', () => {
  const texts = ['const name = `@binaries/$' + '{platform}`;'];
  assert.deepEqual(neededPackages({ imported: new Set(), texts, manifests }).optional, {
    '@binaries/linux-x64': '1.0.0',
  });
});

test('an import that nobody declares stops the packing', () => {
  assert.throws(() => neededPackages({ imported: new Set(['left-pad']), texts: [], manifests }), PackError);
});

test('exports name compiled files, and one that is no source stops the packing', () => {
  assert.deepEqual(innerManifest(INNER), {
    name: '@outrider/domain',
    version: '1.2.3',
    license: 'Apache-2.0',
    type: 'module',
    exports: { './kernel/*': './dist/kernel/*.js' },
  });
  assert.throws(() => innerManifest({ ...INNER, exports: { './x': './vectors/x.json' } }), PackError);
});

test('a product carries our packages inside, asks the registry for the others, and names its companion without needing it', () => {
  const product = { folder: 'apps/cli', command: 'outrider', companions: ['@outrider/server'] };
  const needed = { dependencies: { commander: '15.1.0' }, optional: {} };
  const manifest: Record<string, unknown> = { ...productManifest({ product, own: OWN, inner: [INNER], needed }) };
  assert.deepEqual(manifest.dependencies, { commander: '15.1.0', '@outrider/domain': '1.2.3' });
  assert.deepEqual(manifest.bundleDependencies, ['@outrider/domain']);
  assert.deepEqual(manifest.peerDependencies, { '@outrider/server': '1.2.3' });
  assert.deepEqual(manifest.peerDependenciesMeta, { '@outrider/server': { optional: true } });
  assert.deepEqual(manifest.bin, { outrider: 'bin/outrider.mjs' });
  assert.equal('private' in manifest, false);
});
