// SPDX-License-Identifier: Apache-2.0
import { firstFailing, type Predicate } from '../kernel/predicate.ts';
import type { ReleaseManifest } from './release.ts';
import { compareVersions } from './version.ts';

/** A device as far as a release asks about it. */
export interface EligibilitySubject {
  readonly manifest: ReleaseManifest;
  readonly hardwareId: string;
  readonly running: {
    readonly version: string;
    readonly releaseCounter: number;
    readonly components: readonly { readonly name: string; readonly version?: string }[];
  };
}

/** The part of the refusals that lies in device and release alone. */
export type EligibilityCode =
  | 'hardware-mismatch'
  | 'counter-too-low'
  | 'already-running'
  | 'below-floor'
  | 'dependency-missing';

/** Whether this device may have this release at all: hardware, counter, floor and dependencies. */
export function isEligible(subject: EligibilitySubject): boolean {
  return firstFailing(ELIGIBILITY, subject) === ELIGIBILITY.length;
}

/** The conditions of eligibility, those that change least first. */
export const ELIGIBILITY: readonly Predicate<EligibilitySubject, EligibilityCode>[] = [
  {
    code: 'hardware-mismatch',
    claim: 'Every component of the bundle runs on the hardware of the device',
    holds: ({ manifest, hardwareId }) => manifest.components.every((one) => one.hardwareIds.includes(hardwareId)),
    seen: ({ hardwareId }) => hardwareId,
    needed: ({ manifest }) => manifest.components.map((one) => `${one.name}: ${one.hardwareIds.join(' ')}`).join('; '),
  },
  {
    code: 'counter-too-low',
    claim: 'The release is not older than what the device runs (rollback attack)',
    holds: ({ manifest, running }) => running.releaseCounter <= manifest.releaseCounter,
    seen: ({ running }) => `counter ${running.releaseCounter}`,
    needed: ({ manifest }) => `at most ${manifest.releaseCounter}`,
  },
  {
    code: 'already-running',
    claim: 'The device does not run the release yet',
    holds: ({ manifest, running }) => running.releaseCounter !== manifest.releaseCounter,
    seen: ({ running }) => `version ${running.version}, counter ${running.releaseCounter}`,
    needed: ({ manifest }) => `a counter below ${manifest.releaseCounter}`,
  },
  {
    code: 'below-floor',
    claim: 'The device does not jump over a floor',
    holds: ({ manifest, running }) =>
      manifest.floorVersion === undefined || compareVersions(running.version, manifest.floorVersion) >= 0,
    seen: ({ running }) => running.version,
    needed: ({ manifest }) =>
      manifest.floorVersion === undefined ? 'any version' : `${manifest.floorVersion} or later`,
  },
  {
    code: 'dependency-missing',
    claim: 'Every component that the release depends on is there',
    holds: ({ manifest, running }) => manifest.dependencies.every((one) => isMet(one, running.components)),
    seen: ({ running }) =>
      running.components.map((one) => `${one.name} ${one.version ?? 'of no known version'}`).join(', '),
    needed: ({ manifest }) =>
      manifest.dependencies.map((one) => `${one.component} ${one.versionAtLeast} or later`).join(', ') || 'nothing',
  },
];

/** A component whose version the device does not tell meets no dependency. */
function isMet(
  dependency: ReleaseManifest['dependencies'][number],
  components: EligibilitySubject['running']['components'],
): boolean {
  return components.some(
    ({ name, version }) =>
      name === dependency.component &&
      version !== undefined &&
      compareVersions(version, dependency.versionAtLeast) >= 0,
  );
}
