// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { changeFiles, collectChanges } from './changelog.ts';
import { checkoutRoot } from './gates.ts';

const OLD = '# Changelog\n\nWhat changed.\n\n## 0.1.0\n\n### Features\n\n- The first\n';

test('what could hurt a vehicle stands first, and older versions stay below', () => {
  const text = collectChanges(OLD, '0.2.0', [
    { name: 'a.md', text: 'Features: Rollouts show\ntheir wave\n' },
    { name: 'b.md', text: 'Safety: No permit after a pause\nFeatures: A pause by region\n' },
  ]);
  assert.equal(
    text,
    '# Changelog\n\nWhat changed.\n\n## 0.2.0\n\n### Safety\n\n- No permit after a pause\n\n### Features\n\n- Rollouts show their wave\n- A pause by region\n\n## 0.1.0\n\n### Features\n\n- The first\n',
  );
});

test('a change of no kind, no change at all and a version that exists are refused', () => {
  assert.throws(
    () => collectChanges(OLD, '0.2.0', [{ name: 'a.md', text: 'Fixed it' }]),
    /changes\/a\.md begins with "Fixed it", allowed is "Safety: "/,
  );
  assert.throws(() => collectChanges(OLD, '0.2.0', []), /nothing in changes/);
  assert.throws(() => collectChanges(OLD, '0.1.0', [{ name: 'a.md', text: 'Safety: x' }]), /section 0\.1\.0 already/);
});

test('the changes that wait for a version can be collected', () => {
  const files = changeFiles(join(checkoutRoot(), 'changes'));
  if (files.length > 0) assert.match(collectChanges(OLD, '0.2.0', files), /\n## 0\.2\.0\n/);
});
