// SPDX-License-Identifier: Apache-2.0

/** Somebody who works beside the fleet, whatever is killed meanwhile. */
export interface Lane {
  /** Works until `isOver`, then finishes what is under way. */
  run(isOver: () => boolean): Promise<void>;
}
