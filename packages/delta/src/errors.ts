// SPDX-License-Identifier: Apache-2.0

/** What the codec refuses. Codes never change, texts may. */
export type DeltaErrorCode =
  /** The delta is no `zstd-patch-1` frame for this base, or it was cut. */
  | 'delta-corrupt'
  /** More bytes came than the signed length: the stream was cut there. */
  | 'too-long'
  /** Fewer bytes came than the signed length. */
  | 'too-short'
  /** A block, or the whole, has another digest than the one that was signed. */
  | 'digest-mismatch'
  /** The block list does not belong to the image: wrong length or wrong digest. */
  | 'block-list-mismatch'
  /** Base and image together are larger than this codec takes. */
  | 'pair-too-large';

/**
 * Thrown inside a stream of chunks, where no value can be returned; caught once, by the caller that drives the stream,
 * who makes a `Result` of it.
 */
export class DeltaError extends Error {
  override readonly name = 'DeltaError';
  readonly code: DeltaErrorCode;

  constructor(code: DeltaErrorCode, detail: string, cause?: unknown) {
    super(detail, { cause });
    this.code = code;
  }
}
