// SPDX-License-Identifier: Apache-2.0
import { createPublicKey } from 'node:crypto';
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import type { PublicKey, Signature } from '@outrider/domain/trust/envelope';
import type { DistantKey, KeyReference } from '@outrider/protocol/trust/key-reference';
import { createVerifier, publicKeyBytes, publicKeyOf } from './ed25519.ts';
import { publicPointOnToken, signOnToken, type TokenFault } from './pkcs11-token.ts';
import { type ProgramFault, runBriefly } from './run-briefly.ts';

/** Why a key that is elsewhere has not signed. */
export interface DistantKeyFault {
  readonly code: ProgramFault['code'] | TokenFault['code'] | 'answer-malformed' | 'signature-wrong';
  /** One sentence with what to do. */
  readonly detail: string;
}

/** What reaching a key takes beside its reference. */
export interface DistantSurroundings {
  /** Of the process: a program needs what its service needs. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Of the token. */
  readonly pin: string;
  /** For a program; absent: a minute. */
  readonly timeoutMs?: number;
}

type OnToken = Extract<DistantKey, { kind: 'pkcs11' }>;

const TIMEOUT_MS = 60_000;
const SIGNATURE_BYTES = 64;
const POINT_BYTES = 32;

const verifier = createVerifier();

/** The signature of the key that a reference stands for, over the UTF-8 bytes of a message; verified before it is handed on. */
export async function signFromAfar(
  { signedBy, keyId, publicKey }: KeyReference,
  message: string,
  around: DistantSurroundings,
): Promise<Result<Signature, DistantKeyFault>> {
  const bytes = Buffer.from(message, 'utf8');
  const raw =
    signedBy.kind === 'pkcs11' ? onToken(signedBy, bytes, around.pin) : await byProgram(signedBy, bytes, around);
  if (!raw.ok) return raw;
  const signature = raw.value.toString('base64');
  if (verifier.verify({ keyId, publicKey }, message, signature)) return ok({ keyId, signature });
  const who = signedBy.kind === 'pkcs11' ? `The token ${signedBy.token}` : `The program ${signedBy.program}`;
  return fault('signature-wrong', `${who} signed with another key than ${keyId}; make a reference to the right one`);
}

/** The public half of a key pair on a token; needs no PIN. */
export function publicKeyOnToken(key: OnToken): Result<PublicKey, DistantKeyFault> {
  const point = publicPointOnToken(key);
  if (!point.ok) return err(faultOfToken(key, point.error));
  // Bare, or in an OCTET STRING, as the maker read the standard.
  const isWrapped =
    point.value.byteLength === POINT_BYTES + 2 && point.value[0] === 0x04 && point.value[1] === POINT_BYTES;
  const raw = isWrapped ? point.value.subarray(2) : point.value;
  if (raw.byteLength === POINT_BYTES) return ok(publicKeyOf(raw));
  return fault(
    'key-absent',
    `The key ${key.id} on the token ${key.token} is no Ed25519 key; make one on it and name that`,
  );
}

/** Reads an Ed25519 public key as PEM; undefined for what is none. */
export function publicKeyOfPem(pem: string): PublicKey | undefined {
  try {
    const raw = publicKeyBytes(createPublicKey(pem).export({ format: 'der', type: 'spki' }));
    return raw && publicKeyOf(raw);
  } catch {
    // node:crypto refuses what is no public key.
    return undefined;
  }
}

function onToken(key: OnToken, bytes: Buffer, pin: string): Result<Buffer, DistantKeyFault> {
  const signature = signOnToken(key, bytes, pin);
  return signature.ok ? signature : err(faultOfToken(key, signature.error));
}

function faultOfToken({ module, token, id }: OnToken, { code, said }: TokenFault): DistantKeyFault {
  const details: Readonly<Record<TokenFault['code'], string>> = {
    'module-missing': `The PKCS#11 library ${module} cannot be used (${said}); install it, or make a reference that names another`,
    'token-absent': `No token ${token} is plugged in; plug it in and try again`,
    'pin-wrong': `The PIN does not open the token ${token}; give the right one, each wrong one counts`,
    'pin-locked': `The token ${token} has locked its PIN after wrong ones; unlock it with its SO PIN`,
    'key-absent': `The token ${token} holds no key ${id}; make an Ed25519 key on it, or make a reference that names another`,
    'token-failed': `The token ${token} did not sign: ${said}; nothing was signed, look the number up in PKCS#11`,
  };
  return { code, detail: details[code] };
}

async function byProgram(
  { program }: Extract<DistantKey, { kind: 'program' }>,
  input: Buffer,
  { environment, timeoutMs = TIMEOUT_MS }: DistantSurroundings,
): Promise<Result<Buffer, DistantKeyFault>> {
  // What opens other keys is none of its business.
  const { OUTRIDER_PASSPHRASE: _, ...own } = environment;
  const answer = await runBriefly({ program, parameters: [], environment: own, input, timeoutMs });
  if (!answer.ok) {
    const { code, detail, said } = answer.error;
    const words = said === '' ? '' : `: ${said}`;
    return fault(code, `The program ${program} ${detail}${words}; nothing was signed, run it by hand to see why`);
  }
  const text = answer.value.toString('utf8').trim();
  const signature = Buffer.from(text, 'base64');
  if (signature.byteLength === SIGNATURE_BYTES && signature.toString('base64') === text) return ok(signature);
  const seen = `answered ${answer.value.byteLength} bytes`;
  return fault(
    'answer-malformed',
    `The program ${program} ${seen}, an Ed25519 signature is 88 characters of base64 alone`,
  );
}

function fault(code: DistantKeyFault['code'], detail: string): Result<never, DistantKeyFault> {
  return err({ code, detail });
}
