// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { canonicalJson, type Json } from '@outrider/domain/kernel/canonical-json';
import type { Bytes, KeyId, ReleaseId } from '@outrider/domain/kernel/ids';
import type { PublishedRelease, ReleaseManifest } from '@outrider/domain/release/release';
import { at, counterOf, digestOf, idOf } from './store-fixtures.ts';
import { type OpenStore, useStore } from './use-store.ts';

/** What every catalogue of releases must do: published is for good, withdrawn is a mark. */
export function catalogueContract(adapter: string, open: OpenStore): void {
  describe(`catalogue: ${adapter}`, () => {
    test('a release comes back exactly as it was signed', () =>
      useStore(open, async ({ catalogue }) => {
        const one = release('r1', '1.0.0', 1);
        assert.deepEqual(await catalogue.publish(one, BY), { ok: true, value: one });
        assert.deepEqual(await catalogue.loadRelease(one.manifest.releaseId), one);
        assert.equal(await catalogue.loadRelease(idOf<ReleaseId>('r2')), undefined);
      }));

    test('nothing is published over: not the id, not the version, not a counter a device may have seen', () =>
      useStore(open, async ({ catalogue }) => {
        await catalogue.publish(release('r1', '1.0.0', 1), BY);
        await catalogue.publish(withTwin(release('r2', '1.1.0', 2), 'r2-back', 3), BY);
        const refused = [
          release('r1', '2.0.0', 9),
          release('r2-back', '2.0.0', 9),
          release('r9', '1.1.0', 9),
          release('r9', '2.0.0', 2),
          release('r9', '2.0.0', 3),
          withTwin(release('r9', '2.0.0', 9), 'r1', 10),
        ];
        for (const one of refused) {
          const published = await catalogue.publish(one, BY);
          assert.equal(published.ok ? 'published' : published.error.code, 'release-exists', canonicalOf(one.manifest));
        }
        assert.ok((await catalogue.publish(release('r3', '2.0.0', 4), BY)).ok);
        const otherType = release('r4', '1.0.0', 1);
        const lamp = { ...otherType, manifest: { ...otherType.manifest, deviceType: 'lamp' } };
        assert.ok((await catalogue.publish(lamp, BY)).ok, 'another device type counts for itself');
      }));

    test('of many who publish the same version at once one wins', () =>
      useStore(open, async ({ catalogue }) => {
        const attempts = await Promise.all(
          Array.from({ length: 6 }, (_, index) => catalogue.publish(release(`r${index}`, '1.0.0', index + 1), BY)),
        );
        assert.equal(attempts.filter((one) => one.ok).length, 1);
      }));

    test('a release is withdrawn once, with the first reason, and stays in the catalogue', () =>
      useStore(open, async ({ catalogue }) => {
        const one = release('r1', '1.0.0', 1);
        await catalogue.publish(one, BY);
        const withdrawn = { ...one, withdrawnAt: at(5), withdrawnReason: 'a bad battery curve' };
        const first = await catalogue.withdraw(
          one.manifest.releaseId,
          { at: at(5), reason: 'a bad battery curve' },
          BY,
        );
        assert.deepEqual(first, { ok: true, value: withdrawn });
        assert.deepEqual(await catalogue.withdraw(one.manifest.releaseId, { at: at(9), reason: 'again' }, BY), first);
        assert.deepEqual(await catalogue.listReleases(), [withdrawn]);
        const unknown = await catalogue.withdraw(idOf<ReleaseId>('r9'), { at: at(9), reason: 'again' }, BY);
        assert.deepEqual(unknown, { ok: false, error: { code: 'release-unknown' } });
      }));

    test('the list is in order of publication, of all device types or of one', () =>
      useStore(open, async ({ catalogue }) => {
        const [second, first] = [release('b', '1.1.0', 2), release('a', '1.0.0', 1)];
        await catalogue.publish(first, BY);
        await catalogue.publish(second, BY);
        assert.deepEqual(await catalogue.listReleases('camera'), [first, second]);
        assert.deepEqual(await catalogue.listReleases('lamp'), []);
      }));
  });
}

/** Who publishes in the contracts. */
export const BY = { actor: 'build-server', requestId: 'request-1' };

export function release(id: string, version: string, counter: number): PublishedRelease {
  const image = {
    digest: digestOf(version),
    // The constructors of sizes, for tests.
    bytes: 1_000 as Bytes,
    blockBytes: 65_536 as Bytes,
    blocksDigest: digestOf(`blocks of ${version}`),
  };
  const manifest: ReleaseManifest = {
    schema: 1,
    releaseId: idOf<ReleaseId>(id),
    deviceType: 'camera',
    version,
    releaseCounter: counterOf(counter),
    components: [{ name: 'main', hardwareIds: ['rev-a', 'rev-b'], image }],
    dependencies: [],
    notes: 'Fewer restarts – and "quotes", \\ and é',
  };
  return { manifest, envelope: sealed(manifest), publishedAt: at(0) };
}

export function withTwin(one: PublishedRelease, id: string, counter: number): PublishedRelease {
  const { components } = one.manifest;
  const rollbackTwin = {
    releaseId: idOf<ReleaseId>(id),
    version: '1.0.0',
    releaseCounter: counterOf(counter),
    components,
  };
  const manifest = { ...one.manifest, rollbackTwin };
  return { ...one, manifest, envelope: sealed(manifest) };
}

/** No store looks into a signature. */
function sealed(manifest: ReleaseManifest): PublishedRelease['envelope'] {
  const signature = `${'A'.repeat(86)}==`;
  return {
    payloadType: 'application/vnd.outrider.release-manifest+json',
    payload: canonicalOf(manifest),
    signatures: [{ keyId: idOf<KeyId>(digestOf('a key')), signature }],
  };
}

function canonicalOf(manifest: ReleaseManifest): string {
  // An interface has no index signature, so the compiler cannot see that its members are JSON.
  return canonicalJson(manifest as unknown as Json);
}
