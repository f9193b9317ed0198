// SPDX-License-Identifier: Apache-2.0
import { createHash, createPublicKey } from 'node:crypto';
import type { KeyId } from '@outrider/domain/kernel/ids';
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import type { PublicKey, Signature } from '@outrider/domain/trust/envelope';
import {
  type DistantKey,
  ECDSA_SCHEME,
  type EcdsaScheme,
  type KeyReference,
  P256_INFO_BYTES,
} from '@outrider/protocol/trust/key-reference';
import { digestBytes } from './digest.ts';
import { createVerifier, publicKeyBytes, publicKeyOf } from './ed25519.ts';
import { createMetadataVerifier, metadataKey } from './metadata-keys.ts';
import { publicPointOnToken, signOnToken, type TokenFault } from './pkcs11-token.ts';
import { type ProgramFault, runBriefly } from './run-briefly.ts';
import { integer, sequence } from './x509/der-write.ts';

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
/** A point of Ed25519, and one of P-256 that is not compressed. */
const [POINT_BYTES, P256_POINT_BYTES] = [32, 65];

const verifier = createVerifier();
const metadataVerifier = createMetadataVerifier();

/** A public key, of Ed25519 where no scheme is named. */
export interface DistantPublicKey extends PublicKey {
  readonly scheme?: EcdsaScheme;
}

/** The signature of the key that a reference stands for, over the UTF-8 bytes of a message; verified before it is handed on. */
export async function signFromAfar(
  { signedBy, ...key }: DistantPublicKey & Pick<KeyReference, 'signedBy'>,
  message: string,
  around: DistantSurroundings,
): Promise<Result<Signature, DistantKeyFault>> {
  const { keyId, scheme } = key;
  const bytes = Buffer.from(message, 'utf8');
  const raw =
    signedBy.kind === 'pkcs11'
      ? onToken(signedBy, { bytes, scheme }, around.pin)
      : await byProgram(signedBy, { bytes, scheme }, around);
  if (!raw.ok) return raw;
  const signature = raw.value.toString('base64');
  if (isSignedBy(key, message, raw.value)) return ok({ keyId, signature });
  const who = signedBy.kind === 'pkcs11' ? `The token ${signedBy.token}` : `The program ${signedBy.program}`;
  return fault('signature-wrong', `${who} signed with another key than ${keyId}; make a reference to the right one`);
}

function isSignedBy({ keyId, publicKey, scheme }: DistantPublicKey, message: string, signature: Buffer): boolean {
  return scheme === undefined
    ? verifier.verify({ keyId, publicKey }, message, signature.toString('base64'))
    : metadataVerifier.verify(metadataKey({ publicKey, scheme }), message, signature.toString('hex'));
}

/** The public half of a key pair on a token; needs no PIN. */
export function publicKeyOnToken(key: OnToken): Result<DistantPublicKey, DistantKeyFault> {
  const point = publicPointOnToken(key);
  if (!point.ok) return err(faultOfToken(key, point.error));
  const raw = bareOf(point.value);
  if (raw.byteLength === POINT_BYTES) return ok(publicKeyOf(raw));
  const info = raw.byteLength === P256_POINT_BYTES ? publicKeyOfInfo(Buffer.concat([P256_PREFIX, raw])) : undefined;
  if (info !== undefined) return ok(info);
  return fault(
    'key-absent',
    `The key ${key.id} on the token ${key.token} is neither Ed25519 nor P-256; make one on it and name that`,
  );
}

/** Bare, or in an OCTET STRING, as the maker read the standard. */
function bareOf(point: Buffer): Buffer {
  const isWrapped =
    (point.byteLength === POINT_BYTES + 2 || point.byteLength === P256_POINT_BYTES + 2) &&
    point[0] === 0x04 &&
    point[1] === point.byteLength - 2;
  return isWrapped ? point.subarray(2) : point;
}

/** Reads a public key of Ed25519 or P-256 as PEM; undefined for what is none. */
export function publicKeyOfPem(pem: string): DistantPublicKey | undefined {
  try {
    const info = createPublicKey(pem).export({ format: 'der', type: 'spki' });
    const raw = publicKeyBytes(info);
    return raw === undefined ? publicKeyOfInfo(info) : publicKeyOf(raw);
  } catch {
    // node:crypto refuses what is no public key.
    return undefined;
  }
}

/** A key of P-256 by its SubjectPublicKeyInfo; its id is the SHA-256 of that. */
function publicKeyOfInfo(info: Buffer): DistantPublicKey | undefined {
  const isP256 = info.byteLength === P256_INFO_BYTES && P256_PREFIX.equals(info.subarray(0, P256_PREFIX.byteLength));
  if (!isP256) return undefined;
  // The constructor of a key id: a SHA-256 in hexadecimal.
  const keyId = digestBytes(info) as string as KeyId;
  return { keyId, publicKey: info.toString('base64'), scheme: ECDSA_SCHEME };
}

/** DER of a P-256 public key up to its point, which is not compressed (RFC 5480 §2). */
const P256_PREFIX = Buffer.from('3059301306072a8648ce3d020106082a8648ce3d030107034200', 'hex');

interface Asked {
  readonly bytes: Buffer;
  readonly scheme: EcdsaScheme | undefined;
}

function onToken(key: OnToken, { bytes, scheme }: Asked, pin: string): Result<Buffer, DistantKeyFault> {
  const asked =
    scheme === undefined
      ? ({ bytes, mechanism: 'eddsa' } as const)
      : ({ bytes: createHash('sha256').update(bytes).digest(), mechanism: 'ecdsa' } as const);
  const signature = signOnToken(key, asked, pin);
  if (!signature.ok) return err(faultOfToken(key, signature.error));
  return ok(scheme === undefined ? signature.value : derOf(signature.value));
}

/** r and s, which a token gives one after the other, as DER, which X.509 and TUF have (RFC 3279 §2.2.3). */
function derOf(rs: Buffer): Buffer {
  // Too little for the two: it is handed on as it came, and verifies as nothing.
  if (rs.byteLength < 2) return rs;
  const half = rs.byteLength / 2;
  return sequence(integer(rs.subarray(0, half)), integer(rs.subarray(half)));
}

function faultOfToken({ module, token, id }: OnToken, { code, said }: TokenFault): DistantKeyFault {
  const details: Readonly<Record<TokenFault['code'], string>> = {
    'module-missing': `The PKCS#11 library ${module} cannot be used (${said}); install it, or make a reference that names another`,
    'token-absent': `No token ${token} is plugged in; plug it in and try again`,
    'pin-wrong': `The PIN does not open the token ${token}; give the right one, each wrong one counts`,
    'pin-locked': `The token ${token} has locked its PIN after wrong ones; unlock it with its SO PIN`,
    'key-absent': `The token ${token} holds no key ${id}; make a key on it, or make a reference that names another`,
    'token-failed': `The token ${token} did not sign: ${said}; nothing was signed, look the number up in PKCS#11`,
  };
  return { code, detail: details[code] };
}

async function byProgram(
  { program }: Extract<DistantKey, { kind: 'program' }>,
  { bytes, scheme }: Asked,
  { environment, timeoutMs = TIMEOUT_MS }: DistantSurroundings,
): Promise<Result<Buffer, DistantKeyFault>> {
  // What opens other keys is none of its business.
  const { OUTRIDER_PASSPHRASE: _, ...own } = environment;
  const answer = await runBriefly({ program, parameters: [], environment: own, input: bytes, timeoutMs });
  if (!answer.ok) {
    const { code, detail, said } = answer.error;
    const words = said === '' ? '' : `: ${said}`;
    return fault(code, `The program ${program} ${detail}${words}; nothing was signed, run it by hand to see why`);
  }
  const text = answer.value.toString('utf8').trim();
  const signature = Buffer.from(text, 'base64');
  const isOne = signature.toString('base64') === text;
  if (isOne && (scheme === undefined ? signature.byteLength === SIGNATURE_BYTES : isDer(signature)))
    return ok(signature);
  const seen = `answered ${answer.value.byteLength} bytes`;
  const wanted =
    scheme === undefined
      ? 'an Ed25519 signature is 88 characters of base64 alone'
      : 'a signature of ECDSA P-256 is DER in base64 alone';
  return fault('answer-malformed', `The program ${program} ${seen}, ${wanted}`);
}

/** Of P-256: a SEQUENCE of two integers of 33 bytes at most. */
function isDer(signature: Buffer): boolean {
  return signature.byteLength >= 8 && signature.byteLength <= 72 && signature[0] === 0x30;
}

function fault(code: DistantKeyFault['code'], detail: string): Result<never, DistantKeyFault> {
  return err({ code, detail });
}
