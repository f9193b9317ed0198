// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { delay } from '@outrider/adapters/shared/delay';
import type { FleetClock } from '@outrider/domain/kernel/clock';
import type { Sha256 } from '@outrider/domain/kernel/ids';
import { below, type Prng } from '@outrider/domain/kernel/prng';
import type { Reader } from '@outrider/protocol/kernel/reader';
import { releaseBody } from '../demo/management.ts';
import type { ReleaseHouse } from '../product/release-house.ts';
import { releaseIdOf } from '../product/signed-release.ts';
import { firstImage, nextImage, type SmallImage } from '../sim/small-image.ts';
import type { Acknowledgements } from './acknowledged.ts';
import type { Ask } from './api.ts';
import type { Lane } from './lane.ts';

const BREATH_MS = 40;
/** Of these many uploads one is a whole release, with its image, its block list and a delta to it. */
const RELEASE_EVERY = 6;
const BLOB_BYTES_MAX = 65_536;
const DEVICE_TYPE = 'display';

/** A build server: uploads blobs and publishes releases, one after the other, and withdraws some. */
export function publisher(options: {
  readonly ask: Ask;
  readonly house: ReleaseHouse;
  readonly clock: FleetClock;
  readonly acknowledgements: Acknowledgements;
  readonly source: Prng;
}): Lane {
  const { ask, house, clock, acknowledgements, source } = options;
  let rounds = 0;
  let newest: SmallImage | undefined;

  async function upload(content: Uint8Array): Promise<boolean> {
    // The constructor of the brand: the platform's own hash.
    const digest = createHash('sha256').update(content).digest('hex') as Sha256;
    const answer = await ask({ method: 'PUT', path: `/blobs/${digest}`, body: content, reader: anything });
    if (answer !== undefined) acknowledgements.noteBlob(digest);
    return answer !== undefined;
  }

  async function uploadNoise(): Promise<void> {
    const bytes = 1 + below(source, BLOB_BYTES_MAX);
    await upload(Uint8Array.from({ length: bytes }, () => below(source, 256)));
  }

  async function publish(): Promise<void> {
    const image = newest === undefined ? await firstImage(source) : await nextImage(source, newest);
    if (!(await upload(image.bytes)) || !(await upload(image.blocks))) return;
    const version = `1.0.${rounds}`;
    const product = { deviceType: DEVICE_TYPE, version, releaseCounter: rounds * 10, image: image.image, notes: '' };
    const { manifest, ...release } = await house.sign(product, undefined, clock.now());
    const published = await ask({ method: 'POST', path: '/releases', body: releaseBody(release), reader: anything });
    if (published === undefined) return;
    acknowledgements.noteRelease(manifest.releaseId, 'published');
    newest = image;
    if (below(source, 3) > 0) return;
    const path = `/releases/${releaseIdOf(DEVICE_TYPE, version)}/withdraw`;
    const body = { reason: `Not this one, round ${rounds}` };
    if ((await ask({ method: 'POST', path, body, reader: anything })) === undefined) return;
    acknowledgements.noteRelease(manifest.releaseId, 'withdrawn');
  }

  return {
    async run(isOver) {
      while (!isOver()) {
        rounds++;
        if (rounds % RELEASE_EVERY === 0) await publish();
        else await uploadNoise();
        await delay(BREATH_MS);
      }
    },
  };
}

/** An answer whose content does not matter: that it came is all. */
const anything: Reader<object> = () => ({ ok: true, value: {} });
