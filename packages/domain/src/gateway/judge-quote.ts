// SPDX-License-Identifier: Apache-2.0
import type { Sha256 } from '../kernel/ids.ts';
import { err, ok, type Result } from '../kernel/result.ts';
import type { QuoteFaultCode } from './quote-faults.ts';
import { bytesOfHex, type EnrolledTpm, type PcrValue, parseAttest, type TpmQuote } from './tpm-quote.ts';

/** Primitives for quotes. Adapter: `adapters/shared/quote-tools.ts` over node:crypto. Never throws: malformed is false. */
export interface QuoteTools {
  /** True when `signature` is that of the key, as `TpmQuote` spells them, over these bytes. */
  verify(publicKey: string, bytes: Uint8Array, signature: string): boolean;
  digestBytes(bytes: Uint8Array): Sha256;
}

/** What a quote is held against. */
export interface QuoteWorld {
  /** SHA-256 of the payload of the version manifest that it travels with. */
  readonly manifestSha256: Sha256;
  /** Absent: it is the first one of the device, which enrols its key and its registers. */
  readonly enrolled?: EnrolledTpm;
  readonly tools: QuoteTools;
}

/** Why not, and what was seen where that tells more. */
export interface QuoteFault {
  readonly code: QuoteFaultCode;
  readonly detail?: string;
}

/**
 * What the registers hold, if the quote is by the enrolled key, about this very version manifest, and shows the registers as they
 * were enrolled. Nothing is parsed before its signature holds. Codes: those of `QuoteFaultCode` but quote-missing.
 */
export function verifyQuote(quote: TpmQuote, world: QuoteWorld): Result<readonly PcrValue[], QuoteFault> {
  const { manifestSha256, enrolled, tools } = world;
  if (enrolled !== undefined && quote.publicKey !== enrolled.publicKey) return err({ code: 'quote-key-differs' });
  const bytes = bytesOfHex(quote.attest);
  if (!tools.verify(quote.publicKey, bytes, quote.signature)) return err({ code: 'quote-signature-invalid' });
  const attest = parseAttest(bytes);
  if (!attest.ok) return attest;
  const { extraData, pcrIndices, pcrDigest } = attest.value;
  if (extraData !== manifestSha256) return err({ code: 'quote-nonce-wrong' });
  const isWhole = quote.pcrs.length === pcrIndices.length;
  if (!isWhole || tools.digestBytes(bytesOfHex(quote.pcrs.join(''))) !== pcrDigest) {
    return err({ code: 'quote-values-wrong' });
  }
  const pcrs = quote.pcrs.map((digest, place) => ({ index: pcrIndices[place] ?? 0, digest }));
  const changed = enrolled && changeBetween(enrolled.pcrs, pcrs);
  return changed === undefined ? ok(pcrs) : err({ code: 'quote-pcr-changed', detail: changed });
}

/** The first difference, for a person. */
function changeBetween(before: readonly PcrValue[], now: readonly PcrValue[]): string | undefined {
  const [quoted, enrolled] = [now, before].map((one) => one.map(({ index }) => index).join(','));
  if (quoted !== enrolled) return `Registers ${quoted} were quoted, enrolled are ${enrolled}`;
  const changed = now.find(({ digest }, place) => digest !== before[place]?.digest);
  return changed && `Register ${changed.index} holds ${changed.digest}`;
}
