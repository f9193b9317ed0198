// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { createHash, createPublicKey, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import type { DeviceId, Sha256 } from '@outrider/domain/kernel/ids';
import { placeOf, reachOf } from '@outrider/domain/policy/charter-place';
import { verifyCharter } from '@outrider/domain/policy/verify-charter';
import type { PublicKey } from '@outrider/domain/trust/envelope';
import { parseCharter, parseSignedCharter, parseWaveOpening } from './charter.ts';

/** What a device in any language has to find out about one charter. */
const CHECK = vectors('charter-check');
const SIGNED = parseSignedCharter(vectors('signed-charter').accepted[0].text);

describe('the golden charter', () => {
  test('is verified by its own role, as the golden file says', () => {
    assert.ok(SIGNED.ok);
    const verified = verifyCharter(SIGNED.value, checkBy(CHECK.role));
    assert.ok(verified.ok);
    assert.equal(verified.value.sha256, CHECK.sha256);
    assert.deepEqual(verified.value.isSigned, CHECK.isSigned);
    assert.equal(verified.value.document.releaseSha256, CHECK.releaseSha256);
    assert.equal(digestText(CHECK.releasePayload), CHECK.releaseSha256);
  });

  test('gives every golden device the place that `sha256sum` gives, and the waves that reach it', () => {
    const document = parseCharter(SIGNED.ok ? SIGNED.value.document.payload : '');
    assert.ok(document.ok);
    const { salt } = document.value.plan;
    assert.ok(CHECK.devices.length > 20);
    for (const { deviceId, segment, place, reach } of CHECK.devices as readonly GoldenDevice[]) {
      const digest = createHash('sha256').update(`${salt}|order|${deviceId}`).digest();
      assert.equal(digest.readUInt32BE(0), place, deviceId);
      assert.equal(placeOf(salt, deviceId), place, deviceId);
      assert.deepEqual(reachOf(document.value, { deviceId, segment }), reach, deviceId);
    }
  });

  test('is worth nothing with one signature, or with two by one group', () => {
    assert.ok(SIGNED.ok);
    const { document } = SIGNED.value;
    const [one] = document.signatures;
    assert.ok(one !== undefined);
    for (const signatures of [[one], [one, one], []]) {
      const verified = verifyCharter({ ...SIGNED.value, document: { ...document, signatures } }, checkBy(CHECK.role));
      assert.equal(!verified.ok && verified.error.code, 'charter-unsigned');
    }
    const oneGroup = { threshold: 1, groups: [{ name: 'both', keys: keysOf(CHECK.role) }] };
    const verified = verifyCharter(SIGNED.value, checkBy(oneGroup));
    assert.equal(!verified.ok && verified.error.code, 'charter-unsigned', 'the charter itself asks for two groups');
  });

  test('does not open a wave by an opening that too few signed, or that is for another charter', () => {
    assert.ok(SIGNED.ok);
    const [opening] = SIGNED.value.openings;
    assert.ok(opening !== undefined);
    const cut = { ...opening, signatures: opening.signatures.slice(1) };
    const other = { ...opening, payload: opening.payload.replace(CHECK.sha256, 'f'.repeat(64)) };
    for (const openings of [[], [cut], [other], [SIGNED.value.document]]) {
      const verified = verifyCharter({ ...SIGNED.value, openings }, checkBy(CHECK.role));
      assert.deepEqual(verified.ok && verified.value.isSigned, [true, true, true, false, false]);
    }
  });
});

interface GoldenDevice {
  readonly deviceId: DeviceId;
  readonly segment: string;
  readonly place: number;
  readonly reach: readonly boolean[];
}

function checkBy(role: Parameters<typeof verifyCharter>[1]['role']) {
  return {
    role,
    verifier: { verify: verifySignature },
    digestText,
    parseCharter,
    parseOpening: parseWaveOpening,
  };
}

function keysOf(role: { readonly groups: readonly { readonly keys: readonly PublicKey[] }[] }): readonly PublicKey[] {
  return role.groups.flatMap((group) => group.keys);
}

function verifySignature({ publicKey }: PublicKey, message: string, signature: string): boolean {
  const x = Buffer.from(publicKey, 'base64').toString('base64url');
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  return verify(null, Buffer.from(message, 'utf8'), key, Buffer.from(signature, 'base64'));
}

function digestText(text: string): Sha256 {
  return createHash('sha256').update(text, 'utf8').digest('hex') as Sha256;
}

function vectors(name: string) {
  return JSON.parse(readFileSync(new URL(`../../vectors/v1/${name}.json`, import.meta.url), 'utf8'));
}
