// SPDX-License-Identifier: Apache-2.0

/** A registration token, taken apart. */
export interface TokenText {
  /** 32 random bytes in hexadecimal. */
  readonly secret: string;
  /** SHA-256 of the root, in DER, that the device shall find behind its server. Absent: the server has no CA. */
  readonly serverRoot?: string;
}

/** Writes a token as one word: `ort1.<secret>`, and `.<digest of the root>` after it where there is one. */
export function encodeTokenText({ secret, serverRoot }: TokenText): string {
  return ['ort1', secret, ...(serverRoot === undefined ? [] : [serverRoot])].join('.');
}

/**
 * The root that a token names; undefined for one that names none, or that is of another form: a token of the whole fleet is
 * any word.
 */
export function serverRootOf(token: string): string | undefined {
  return TOKEN_WITH_ROOT.exec(token)?.[1];
}

const TOKEN_WITH_ROOT = /^ort1\.[0-9a-f]{64}\.([0-9a-f]{64})$/;
