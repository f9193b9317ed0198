// SPDX-License-Identifier: Apache-2.0

/** What somebody needs at three in the morning: what happened, what cannot have gone wrong, what to do next. */
export type CodeText = readonly [means: string, safe: string, act: string];

/** What cannot have gone wrong, of many codes. */
export const UNTOUCHED = 'Nothing was changed.';
export const NOTHING_STORED = 'Nothing of the request was stored.';

/** The codes of one place where they are met, and one page of docs/errors. */
export interface ErrorArea {
  /** The name of its page. */
  readonly name: string;
  readonly title: string;
  /** Where such a code is seen. */
  readonly intro: string;
  readonly codes: Readonly<Record<string, CodeText>>;
  /** What stands beside a code, such as a number. */
  readonly marks?: Readonly<Record<string, string>>;
}
