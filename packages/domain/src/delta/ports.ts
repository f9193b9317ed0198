// SPDX-License-Identifier: Apache-2.0
import type { Sha256 } from '../kernel/ids.ts';
import type { Delta } from './delta.ts';

/** Which deltas exist. The bytes are blobs. */
export interface DeltaStore {
  storeDelta(delta: Delta): Promise<void>;
  /** All deltas to any of these images. */
  loadDeltasTo(digests: readonly Sha256[]): Promise<readonly Delta[]>;
}
