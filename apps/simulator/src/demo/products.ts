// SPDX-License-Identifier: Apache-2.0
import { createReadStream } from 'node:fs';
import type { Delta } from '@outrider/domain/delta/delta';
import type { ImageSource } from '../play/control-plane.ts';
import type { ProductVersion } from '../product/signed-release.ts';
import type { World } from '../world/world.ts';
import { type BuiltImage, buildImage } from './images.ts';
import type { DeltaReport } from './report.ts';

/** A version of the demonstration's product with its image on disk. */
export interface DemoProduct extends ProductVersion {
  readonly imagePath: string;
  readonly source: ImageSource;
}

/** In the field, good, and bad: the first two are neighbouring builds of one real program. */
export interface DemoProducts {
  readonly first: DemoProduct;
  readonly good: DemoProduct;
  readonly bad: DemoProduct;
}

/** Where the bad release fails: nowhere else, and there always. */
export const DEFECT_HARDWARE_ID = 'rev-c';
const BAD_VERSION = '1.2.0';

/** What is true and what no server is told. */
export function demoWorld(seed: string): World {
  const defect = { version: BAD_VERSION, hardwareId: DEFECT_HARDWARE_ID, revertProbability: 1 };
  return { schema: 1, seed, defects: [defect] };
}

/** Builds the images of all three versions. The defect is in the launcher, where real devices meet it. */
export async function buildProducts(folder: string, deviceType: string): Promise<DemoProducts> {
  const first = await buildImage(folder, { version: '1.0.0', program: 'former' });
  const good = await buildImage(folder, { version: '1.1.0', program: 'newer' });
  const recipe = { version: BAD_VERSION, program: 'newer', failsOnHardwareId: DEFECT_HARDWARE_ID } as const;
  const bad = await buildImage(folder, recipe);
  return {
    first: productOf(deviceType, 10, first),
    good: productOf(deviceType, 20, good),
    bad: productOf(deviceType, 30, bad),
  };
}

/** The deltas of a release between versions we know, against the whole image each stands for. */
export function deltaReports(deltas: readonly Delta[], { first, good, bad }: DemoProducts): readonly DeltaReport[] {
  const products = new Map([first, good, bad].map((one) => [one.image.digest, one]));
  return deltas.flatMap(({ fromDigest, toDigest, format, bytes }) => {
    const [from, to] = [products.get(fromDigest), products.get(toDigest)];
    if (from === undefined || to === undefined) return [];
    return [{ from: from.version, to: to.version, format, fullBytes: to.image.bytes, deltaBytes: bytes }];
  });
}

function productOf(deviceType: string, releaseCounter: number, built: BuiltImage): DemoProduct {
  const { version, image, blocks, path } = built;
  return {
    deviceType,
    version,
    releaseCounter,
    image,
    notes: `esbuild with a launcher, version ${version}`,
    imagePath: path,
    source: { image, blocks, content: () => createReadStream(path) },
  };
}
