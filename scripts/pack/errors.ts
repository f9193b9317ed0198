// SPDX-License-Identifier: Apache-2.0

/** Why no packages could be made: one sentence for people. */
export class PackError extends Error {
  override readonly name = 'PackError';
}
