// SPDX-License-Identifier: Apache-2.0

/** Why the word of a TPM is not believed. Codes never change. */
export type QuoteFaultCode =
  | 'quote-missing'
  | 'quote-key-differs'
  | 'quote-signature-invalid'
  | 'quote-malformed'
  | 'quote-nonce-wrong'
  | 'quote-values-wrong'
  | 'quote-pcr-changed';

/** One sentence for each code. */
export const QUOTE_FAULTS = {
  'quote-missing': 'The claim came without the quote of a TPM, and one is asked of this device',
  'quote-key-differs': 'The quote is by another attestation key than the one that the device enrolled',
  'quote-signature-invalid': 'The quote is not signed by its attestation key, on P-256 or with RSA, with SHA-256',
  'quote-malformed': 'The signed bytes are no TPMS_ATTEST of the kind quote about the SHA-256 bank',
  'quote-nonce-wrong': 'The quote was made for another version manifest',
  'quote-values-wrong': 'The values of the registers are not those that the TPM quoted',
  'quote-pcr-changed': 'A register holds another value than when the device enrolled its TPM, or others were quoted',
} as const satisfies Readonly<Record<QuoteFaultCode, string>>;
