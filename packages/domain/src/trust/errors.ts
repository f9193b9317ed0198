// SPDX-License-Identifier: Apache-2.0
import type { KeyId } from '../kernel/ids.ts';

/** Why a signed document is not trusted. */
export type TrustError =
  | {
      readonly code: 'threshold-not-met';
      readonly threshold: number;
      /** Groups with at least one valid signature. */
      readonly groupsSigned: readonly string[];
      /** Known keys whose signature over this very document is not valid. */
      readonly keysInvalid: readonly KeyId[];
    }
  | { readonly code: 'role-invalid'; readonly detail: string };

/** One sentence for each code of the stage. */
export const TRUST_ERRORS = {
  'threshold-not-met': 'Fewer groups than the threshold demands have validly signed the document',
  'role-invalid': 'The role itself cannot be trusted: its threshold is out of range or a key stands in two groups',
} as const satisfies Readonly<Record<TrustError['code'], string>>;
