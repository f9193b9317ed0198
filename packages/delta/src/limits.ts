// SPDX-License-Identifier: Apache-2.0
import type { Bytes } from '@outrider/domain/kernel/ids';

/**
 * Base and image together. Both are held in memory by this format (base as dictionary, window over the output), so the
 * limit bounds the memory of the server's encoder and of the device. 512 MiB is the largest power of two that zstd's
 * window (2^WINDOW_LOG_MAX) still covers with room to spare on devices of 1 GiB. Larger images come whole.
 */
export const PAIR_BYTES_MAX = 536_870_912 as Bytes;

/** log2 of PAIR_BYTES_MAX: no decoder accepts a larger window. */
export const WINDOW_LOG_MAX = 29;

/** zstd's smallest window. */
export const WINDOW_LOG_MIN = 10;

/** log2 of the window that covers base and image, so that every byte of the base can be referred to. */
export function windowLogFor(pairBytes: number): number {
  return Math.min(WINDOW_LOG_MAX, Math.max(WINDOW_LOG_MIN, Math.ceil(Math.log2(Math.max(1, pairBytes)))));
}
