// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Sha256 } from '../kernel/ids.ts';
import { ok } from '../kernel/result.ts';
import { fleetInstant } from '../kernel/time.ts';
import { mayLackQuote } from './judge-claim.ts';
import { type QuoteTools, verifyQuote } from './judge-quote.ts';
import { bytesOfHex, type EnrolledTpm, parseAttest, type TpmQuote } from './tpm-quote.ts';

const sha256 = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex') as Sha256;
const MANIFEST = sha256('a version manifest');
const VALUES = [sha256('firmware'), sha256('its settings'), sha256('secure boot')];

/** As swtpm writes it, registers 0, 2 and 7; each part can be another. */
function attestOf(parts: Partial<Record<keyof typeof PARTS, string>> = {}): string {
  return Object.values({ ...PARTS, ...parts }).join('');
}
const PARTS = {
  magic: 'ff544347',
  type: '8018',
  signer: `0022000b${'a6'.repeat(32)}`,
  extraData: `0020${MANIFEST}`,
  clock: '00000000000005f1000000010000000001',
  firmware: '2019102300163636',
  banks: '00000001',
  bank: '000b',
  select: '03850000',
  digest: `0020${sha256(bytesOfHex(VALUES.join('')))}`,
};

/** What these tests sign: the digest of the bytes under the name of the key. */
const tools: QuoteTools = {
  verify: (key, bytes, signature) => signature === `${key} ${sha256(bytes)}`,
  digestBytes: sha256,
};

function quoteOf(attest = attestOf(), change: Partial<TpmQuote> = {}): TpmQuote {
  const publicKey = change.publicKey ?? 'key';
  return { attest, publicKey, signature: `${publicKey} ${sha256(bytesOfHex(attest))}`, pcrs: VALUES, ...change };
}

const ENROLLED: EnrolledTpm = {
  publicKey: 'key',
  pcrs: [0, 2, 7].map((index, place) => ({ index, digest: VALUES[place] as Sha256 })),
  enrolledAt: fleetInstant(1),
};

function faultOf(quote: TpmQuote, enrolled?: EnrolledTpm): string | undefined {
  const judged = verifyQuote(quote, { manifestSha256: MANIFEST, tools, ...(enrolled && { enrolled }) });
  return judged.ok ? undefined : judged.error.code;
}

describe('the quote of a TPM', () => {
  test('about this version manifest enrols key and registers, and later ones are held against them', () => {
    assert.deepEqual(verifyQuote(quoteOf(), { manifestSha256: MANIFEST, tools }), ok(ENROLLED.pcrs));
    assert.equal(faultOf(quoteOf(), ENROLLED), undefined);
  });

  test('by another key, or not signed by its own, is refused by name', () => {
    assert.equal(faultOf(quoteOf(attestOf(), { publicKey: 'other' }), ENROLLED), 'quote-key-differs');
    assert.equal(faultOf(quoteOf(attestOf(), { signature: 'none' })), 'quote-signature-invalid');
  });

  test('made for another version manifest is refused by name', () => {
    assert.equal(faultOf(quoteOf(attestOf({ extraData: `0020${sha256('before')}` }))), 'quote-nonce-wrong');
    assert.equal(faultOf(quoteOf(attestOf({ extraData: '0000' }))), 'quote-nonce-wrong');
  });

  test('of other registers than were enrolled, or of changed ones, is refused by name, and the register is named', () => {
    const values = VALUES.with(2, sha256('no secure boot'));
    const digest = `0020${sha256(bytesOfHex(values.join('')))}`;
    assert.equal(faultOf(quoteOf(attestOf(), { pcrs: values })), 'quote-values-wrong');
    assert.equal(faultOf(quoteOf(attestOf(), { pcrs: VALUES.slice(1) })), 'quote-values-wrong');
    const changed = verifyQuote(quoteOf(attestOf({ digest }), { pcrs: values }), {
      ...{ manifestSha256: MANIFEST, tools, enrolled: ENROLLED },
    });
    assert.deepEqual(!changed.ok && changed.error, {
      code: 'quote-pcr-changed',
      detail: `Register 7 holds ${sha256('no secure boot')}`,
    });
    assert.equal(faultOf(quoteOf(attestOf({ select: '03450000' })), ENROLLED), 'quote-pcr-changed');
  });

  test('cut anywhere, longer, of another kind or another bank is no quote, even when it is signed', () => {
    const whole = attestOf();
    for (let digits = 2; digits < whole.length; digits += 2) {
      assert.equal(faultOf(quoteOf(whole.slice(0, digits))), 'quote-malformed', `cut after ${digits / 2} bytes`);
    }
    assert.equal(faultOf(quoteOf(`${whole}00`)), 'quote-malformed');
    const wrong = [
      { magic: 'ff544348' },
      { type: '8017' },
      { signer: `0060${'a6'.repeat(96)}` },
      { banks: '00000002' },
      { banks: '00000000' },
      { bank: '0004' },
      { select: '03000000' },
      { select: `09${'00'.repeat(9)}` },
      { digest: `0014${'00'.repeat(20)}` },
    ];
    for (const parts of wrong)
      assert.equal(faultOf(quoteOf(attestOf(parts))), 'quote-malformed', JSON.stringify(parts));
  });

  test('of any bytes is read or refused by name, never thrown at', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const parsed = parseAttest(Uint8Array.from([...bytesOfHex('ff5443478018'), ...bytes]));
        return parsed.ok || parsed.error.code === 'quote-malformed';
      }),
      { numRuns: 500 },
    );
  });
});

test('a claim may lack its quote as the plan says, on the way back, and from a device that never enrolled a TPM', () => {
  const isWayBack = false;
  assert.equal(mayLackQuote({ isWayBack, hasEnrolled: false }), true);
  assert.equal(mayLackQuote({ isWayBack, hasEnrolled: true }), false);
  assert.equal(mayLackQuote({ isWayBack: true, hasEnrolled: true }), true);
  assert.equal(mayLackQuote({ needs: 'quote', isWayBack: true, hasEnrolled: false }), false);
  assert.equal(mayLackQuote({ needs: 'manifest', isWayBack, hasEnrolled: true }), true);
});
