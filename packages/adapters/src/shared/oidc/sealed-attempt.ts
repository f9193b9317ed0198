// SPDX-License-Identifier: Apache-2.0
import type { CivilMs } from '@outrider/domain/trust/credentials';
import { EncryptJWT, errors, jwtDecrypt } from 'jose';
import type { SignInAttempt } from './code-flow.ts';

/** A sign-in that takes longer is begun again: ten minutes are enough for a second factor. */
export const ATTEMPT_S = 600;

/** Seals an attempt for a cookie, so that any server of the installation can finish what another began. `key`: 64 hexadecimal digits. */
export async function sealAttempt(attempt: SignInAttempt, key: string, nowMs: CivilMs): Promise<string> {
  const nowS = Math.floor(nowMs / 1_000);
  return await new EncryptJWT({ ...attempt })
    .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
    .setExpirationTime(nowS + ATTEMPT_S)
    .encrypt(Buffer.from(key, 'hex'));
}

/** The attempt in a cookie; undefined when it is none of ours, was changed, or is too old. */
export async function openAttempt(sealed: string, key: string, nowMs: CivilMs): Promise<SignInAttempt | undefined> {
  try {
    const { payload } = await jwtDecrypt(sealed, Buffer.from(key, 'hex'), {
      currentDate: new Date(nowMs),
      contentEncryptionAlgorithms: ['A256GCM'],
      keyManagementAlgorithms: ['dir'],
      requiredClaims: ['exp', 'state', 'nonce', 'verifier'],
    });
    return { state: String(payload.state), nonce: String(payload.nonce), verifier: String(payload.verifier) };
  } catch (cause) {
    if (cause instanceof errors.JOSEError) return undefined;
    throw cause;
  }
}
