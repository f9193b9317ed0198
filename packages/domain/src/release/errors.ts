// SPDX-License-Identifier: Apache-2.0

/** A rule that a release manifest breaks: where, what stands there and what may stand there. */
export interface ReleaseError {
  readonly code: ReleaseErrorCode;
  /** The field, for example `rollbackTwin.releaseCounter`. */
  readonly field: string;
  readonly seen: string;
  readonly allowed: string;
}

/** The rules of a manifest, each named by what breaks it. Codes never change. */
export type ReleaseErrorCode = keyof typeof RELEASE_ERRORS;

/** One sentence for each rule of a release manifest. */
export const RELEASE_ERRORS = {
  'component-missing': 'A bundle holds at least one component',
  'component-duplicate': 'A component stands in a bundle once',
  'hardware-id-missing': 'A component names at least one hardware revision it runs on',
  'hardware-not-shared': 'Every device runs all components, so at least one hardware revision is named by all of them',
  'image-empty': 'An image has at least one byte',
  'block-size-invalid': 'Blocks are a power of two from 4 KiB to 4 MiB: small enough to buffer, large enough to list',
  'counter-not-positive': 'Release counters start at 1: zero is a device from before its first release',
  'floor-above-version': 'A release is never above its own floor: no device could ever take it',
  'dependency-on-itself': 'A dependency names a component outside the bundle: those inside come together anyway',
  'dependency-duplicate': 'A component is named by one dependency',
  'twin-id-same': 'The rollback twin is an entry of its own with its own id',
  'twin-version-same': 'The rollback twin brings back another version than the release',
  'twin-counter-too-low': 'The rollback twin has a higher counter than the release, or no device would take it',
  'twin-components-differ': 'The rollback twin brings back every component of the release, in the same order',
  'twin-hardware-missing':
    'The rollback twin runs on all hardware of the release, or some device would have no way back',
} as const;
