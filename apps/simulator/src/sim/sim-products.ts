// SPDX-License-Identifier: Apache-2.0
import { prng } from '@outrider/domain/kernel/prng';
import type { ProductVersion } from '../product/signed-release.ts';
import { firstImage, nextImage, type SmallImage } from './small-image.ts';

/** A version of the product with its image at hand. */
export interface SimProduct {
  readonly product: ProductVersion;
  readonly image: SmallImage;
}

/** The device type of a simulation: it has only one. */
export const SIM_DEVICE_TYPE = 'camera';

/** The version that is good, and the one after it that is not. */
export const GOOD_VERSION = '1.1.0';
export const BAD_VERSION = '1.2.0';

/** The versions of a simulation: what is in the field, a good release, and one with a defect. */
export async function simProducts(
  seed: string,
): Promise<{ readonly first: SimProduct; readonly good: SimProduct; readonly bad: SimProduct }> {
  const source = prng(`${seed}/images`);
  const first = await firstImage(source);
  const good = await nextImage(source, first);
  const bad = await nextImage(source, good);
  return {
    first: { product: productOf('1.0.0', 10, first), image: first },
    good: { product: productOf(GOOD_VERSION, 20, good), image: good },
    bad: { product: productOf(BAD_VERSION, 30, bad), image: bad },
  };
}

function productOf(version: string, releaseCounter: number, { image }: SmallImage): ProductVersion {
  return { deviceType: SIM_DEVICE_TYPE, version, releaseCounter, image, notes: `Simulated version ${version}` };
}
