// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import type { World } from '../world.ts';
import { releaseBuildVerbs } from './release-build.ts';
import { releaseCatalogueVerbs } from './release-catalogue.ts';

/** `outrider release`: from a folder to a signed release, and into the catalogue. */
export function releaseNoun(program: Command, world: World): void {
  const release = program.command('release').description('build, sign, publish and withdraw releases');
  releaseBuildVerbs(release, world);
  releaseCatalogueVerbs(release, world);
}
