// SPDX-License-Identifier: Apache-2.0

/** Which devices a rollout is for: a closed language of predicates over attributes, as JSON. Never a "target". */
export type Audience =
  | { readonly kind: 'everyone' }
  | { readonly kind: 'all-of'; readonly of: readonly Audience[] }
  | { readonly kind: 'any-of'; readonly of: readonly Audience[] }
  | { readonly kind: 'not'; readonly of: Audience }
  | { readonly kind: 'attribute'; readonly name: AttributeName; readonly in: readonly string[] }
  | { readonly kind: 'tag'; readonly tag: string }
  | { readonly kind: 'device'; readonly in: readonly string[] }
  /** SemVer, `atLeast` inclusive, `below` exclusive, of the version the device runs. */
  | { readonly kind: 'version'; readonly atLeast?: string; readonly below?: string };

/** The attributes that audiences and segments may ask about. */
export type AttributeName = 'model' | 'hardwareId' | 'region' | 'customer' | 'carrier';
