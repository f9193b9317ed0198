// SPDX-License-Identifier: Apache-2.0
import type { RunningSoftware } from '@outrider/domain/gateway/device-record';

/** What a process of the load is asked for: a part of the herd, numbered from `first` on. */
export interface HerdJob {
  readonly seed: string;
  readonly first: number;
  readonly count: number;
  readonly gateways: readonly { readonly port: number; readonly tlsPort: number }[];
  /** Devices come one after the other over so many kept connections; absent: each on its own, by mutual TLS. */
  readonly pooledConnections?: number;
  /** They come so many a second, and not all at once: what their process sees is the gateways' time and not its own. */
  readonly perSecond?: number;
  /** The CA of the installation: roots as PEM, the key that issues, as PEM. */
  readonly ca: { readonly roots: string; readonly issuer: string; readonly issuingKey: string };
  readonly running: RunningSoftware;
  /** The planted fault: whoever is turned away is back within two seconds. */
  readonly isRude: boolean;
  readonly limitMs: number;
}

/** Asked for in this order: what takes long is done before the outage ends. */
export type HerdOrder = { readonly kind: 'prepare'; readonly job: HerdJob } | { readonly kind: 'go' };

/** What a part of the herd saw. Times in milliseconds. */
export interface HerdResult {
  readonly answered: number;
  readonly attempts: number;
  /** Answers of 503, connections that broke or were refused, and all other answers that are not 200. */
  readonly shed: number;
  readonly broken: number;
  readonly otherStatus: number;
  /** Attempts before the instant that Retry-After had named. */
  readonly early: number;
  readonly longestAskedS: number;
  readonly latenciesMs: readonly number[];
  /** The longest that the answer of the same number lay in this process, which was busy with something else, or had no processor. */
  readonly ownLagsMs: readonly number[];
  readonly shedLatenciesMs: readonly number[];
  readonly setUpsMs: readonly number[];
  readonly pollAfterMs: readonly number[];
  /** When each attempt left, from the beginning on. */
  readonly attemptAtMs: readonly number[];
  readonly answeredAtMs: readonly number[];
  readonly permitIds: readonly string[];
  readonly reportKeys: readonly string[];
  readonly causes: Readonly<Record<string, number>>;
}
