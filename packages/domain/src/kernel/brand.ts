// SPDX-License-Identifier: Apache-2.0

declare const brand: unique symbol;

/**
 * A value of type `T` that only a parser or a constructor may make. The brand lives in the type alone: at run time it
 * is the bare value. A `unique symbol` cannot be copied wrong, as string brands were. Source: Excalidraw's mistake.
 */
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };
