// SPDX-License-Identifier: Apache-2.0

/** One breach of one rule in one place. */
export interface Finding {
  /** The rule's name, for example `R1` or `file-size`. */
  readonly rule: string;
  /** Path from the root of the tree, with forward slashes. */
  readonly path: string;
  /** Counted from 1; absent when the whole file or tree is meant. */
  readonly line?: number;
  readonly message: string;
}
