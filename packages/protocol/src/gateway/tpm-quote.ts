// SPDX-License-Identifier: Apache-2.0
import type { TpmQuote } from '@outrider/domain/gateway/tpm-quote';
import { listOf, record } from '../kernel/reader.ts';
import { bytesText, sha256 } from '../kernel/values.ts';

/** Registers of one quote: a selection of four bytes. */
export const PCRS_MAX = 32;

/** A TPMS_ATTEST of a quote has 145 bytes. */
const ATTEST_DIGITS_MAX = 1_024;
/** RSA of 4,096 bits: a key of 550 bytes in DER, a signature of 512. */
const BASE64_CHARACTERS_MAX = 1_024;

/** Reads an attestation key in base64; whether it is one, its first use tells. */
export const attestationKey = bytesText(
  new RegExp(`^(?=.{4,${BASE64_CHARACTERS_MAX}}$)[A-Za-z0-9+/]+={0,2}$`),
  `base64 of at most ${BASE64_CHARACTERS_MAX} characters`,
);

/** Reads the quote of a TPM inside a report; nothing is verified yet. */
export const tpmQuote = record<TpmQuote>({
  attest: bytesText(
    new RegExp(`^(?=.{2,${ATTEST_DIGITS_MAX}}$)(?:[0-9a-f]{2})+$`),
    `whole bytes in lower-case hexadecimal, at most ${ATTEST_DIGITS_MAX / 2}`,
  ),
  signature: attestationKey,
  publicKey: attestationKey,
  pcrs: listOf(sha256, { countMin: 1, countMax: PCRS_MAX }),
});
