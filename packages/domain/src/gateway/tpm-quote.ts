// SPDX-License-Identifier: Apache-2.0
import type { Sha256 } from '../kernel/ids.ts';
import { err, ok, type Result } from '../kernel/result.ts';
import type { FleetInstant } from '../kernel/time.ts';

/** The word of a TPM 2.0 about its registers, with the hash of a version manifest in it. Travels with the report. */
export interface TpmQuote {
  /** The TPMS_ATTEST that the TPM signed, in lower-case hexadecimal. */
  readonly attest: string;
  /** Over exactly these bytes, base64: ECDSA on P-256 (DER), or RSASSA-PKCS1-v1_5; with SHA-256. */
  readonly signature: string;
  /** The attestation key, SubjectPublicKeyInfo in DER, base64. */
  readonly publicKey: string;
  /** The registers of the SHA-256 bank that were quoted, by ascending number: their values. */
  readonly pcrs: readonly Sha256[];
}

/** A register of the SHA-256 bank, and what it held. */
export interface PcrValue {
  readonly index: number;
  readonly digest: Sha256;
}

/** What a device showed with its first quote: later ones are held against it. */
export interface EnrolledTpm {
  readonly publicKey: string;
  /** By ascending number. */
  readonly pcrs: readonly PcrValue[];
  readonly enrolledAt: FleetInstant;
}

/** A TPMS_ATTEST of the kind quote, as far as it is looked at. */
export interface Attest {
  /** What it was asked to sign with, in hexadecimal. */
  readonly extraData: string;
  /** Registers of the SHA-256 bank, ascending. */
  readonly pcrIndices: readonly number[];
  /** SHA-256 over their values, one after another, in hexadecimal. */
  readonly pcrDigest: string;
}

/** Why bytes are no quote of ours: what was seen and what is allowed, in a sentence. */
export interface AttestError {
  readonly code: 'quote-malformed';
  readonly detail: string;
}

/** TPM_GENERATED_VALUE: a restricted key signs nothing that begins with it, unless the TPM itself made it. */
const TPM_GENERATED = 0xff54_4347;
const TPM_ST_ATTEST_QUOTE = 0x8018;
const TPM_ALG_SHA256 = 0x000b;
/** clock (8), resetCount (4), restartCount (4), safe (1), firmwareVersion (8). */
const CLOCK_AND_FIRMWARE_BYTES = 25;
/** The largest TPM2B that is looked at: a name is 34 bytes, a digest 32. */
const SIZED_BYTES_MAX = 64;
/** 24 registers, in three bytes; a platform may have a fourth. */
const SELECT_BYTES_MAX = 4;
const SHA256_BYTES = 32;

/**
 * Reads a TPMS_ATTEST: big-endian, exactly to its last byte, one bank, at least one register. Source: TCG TPM 2.0 Library
 * Part 2, §10.12.8 TPMS_ATTEST and §10.12.1 TPMS_QUOTE_INFO. Code: quote-malformed.
 */
export function parseAttest(bytes: Uint8Array): Result<Attest, AttestError> {
  const source = reader(bytes);
  if (source.uint(4) !== TPM_GENERATED) return malformed('it does not begin with TPM_GENERATED_VALUE');
  if (source.uint(2) !== TPM_ST_ATTEST_QUOTE) return malformed('it is an attestation of another kind than a quote');
  const signer = source.sized();
  const extraData = source.sized();
  source.take(CLOCK_AND_FIRMWARE_BYTES);
  const banks = source.uint(4);
  if (source.isShort() || signer === undefined || extraData === undefined) return malformed(TOO_SHORT);
  if (banks !== 1) return malformed(`it quotes ${banks} banks of registers, allowed is one`);
  if (source.uint(2) !== TPM_ALG_SHA256) return malformed('it quotes another bank than that of SHA-256');
  const selectBytes = source.uint(1);
  if (selectBytes > SELECT_BYTES_MAX) return malformed(`its selection has ${selectBytes} bytes`);
  const pcrIndices = selected(source.take(selectBytes));
  const pcrDigest = source.sized();
  if (source.isShort() || pcrDigest === undefined) return malformed(TOO_SHORT);
  if (pcrDigest.length !== SHA256_BYTES) return malformed('its digest of the registers is none of SHA-256');
  if (pcrIndices.length === 0) return malformed('it quotes no register');
  if (!source.isAtEnd()) return malformed('bytes follow its end');
  return ok({ extraData: hexOf(extraData), pcrIndices, pcrDigest: hexOf(pcrDigest) });
}

/** The bytes of a text of hexadecimal digits, as a parser has taken it. */
export function bytesOfHex(hex: string): Uint8Array {
  return Uint8Array.from({ length: hex.length / 2 }, (_, index) =>
    Number.parseInt(hex.slice(2 * index, 2 * index + 2), 16),
  );
}

function malformed(detail: string): Result<never, AttestError> {
  return err({ code: 'quote-malformed', detail: `The quote cannot be read: ${detail}` });
}

const TOO_SHORT = 'it ends too early, or a part of it is too long';

/** Reads from the front. What goes beyond the end reads as zero and is noted: the caller asks once. */
function reader(bytes: Uint8Array) {
  let at = 0;
  let isShort = false;
  function take(count: number): Uint8Array {
    if (at + count > bytes.length) isShort = true;
    const part = bytes.subarray(at, at + count);
    at = Math.min(at + count, bytes.length);
    return part;
  }
  function uint(size: number): number {
    let value = 0;
    for (const byte of take(size)) value = value * 256 + byte;
    return value;
  }
  return {
    take,
    uint,
    /** A TPM2B: its length in two bytes, then so many. Undefined: too long. */
    sized(): Uint8Array | undefined {
      const size = uint(2);
      return size > SIZED_BYTES_MAX ? undefined : take(size);
    },
    isShort: () => isShort,
    isAtEnd: () => at === bytes.length,
  };
}

/** Bit n of the selection, counted from the lowest of its first byte, is register n. */
function selected(select: Uint8Array): readonly number[] {
  const indices: number[] = [];
  for (const [place, byte] of select.entries()) {
    for (let bit = 0; bit < 8; bit++) if (byte & (1 << bit)) indices.push(8 * place + bit);
  }
  return indices;
}

function hexOf(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
