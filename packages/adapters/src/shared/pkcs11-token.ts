// SPDX-License-Identifier: Apache-2.0
import type { DynamicLibrary, dlopen } from 'node:ffi';
import { getBuiltinModule } from 'node:process';
import { assert } from '@outrider/domain/kernel/assert';
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import type { DistantKey } from '@outrider/protocol/trust/key-reference';

/** Which key pair on which token, by which library. */
type TokenKey = Omit<Extract<DistantKey, { kind: 'pkcs11' }>, 'kind'>;

/** Why a token gave no answer; `said` is the name or number that PKCS#11 has for it. */
export interface TokenFault {
  readonly code: 'module-missing' | 'token-absent' | 'pin-wrong' | 'pin-locked' | 'key-absent' | 'token-failed';
  readonly said: string;
}

/** How a token signs: Ed25519 over the bytes themselves, ECDSA over their digest. */
export type TokenMechanism = 'eddsa' | 'ecdsa';

/** The signature of a private key over these bytes, 64 of Ed25519 or r and s of P-256. Waits as long as the token does, for a touch perhaps. */
export function signOnToken(
  key: TokenKey,
  { bytes, mechanism }: { readonly bytes: Uint8Array; readonly mechanism: TokenMechanism },
  pin: string,
): Result<Buffer, TokenFault> {
  return withSession(key, (session) => {
    const pinBytes = Buffer.from(pin, 'utf8');
    session.call('C_Login', session.handle, USER, pinBytes, BigInt(pinBytes.byteLength));
    const object = session.find(PRIVATE_KEY, key.id);
    session.call('C_SignInit', session.handle, numbers(mechanism === 'eddsa' ? CKM_EDDSA : CKM_ECDSA, 0n, 0n), object);
    const [signature, length] = [Buffer.alloc(SIGNATURE_BYTES_MAX), numbers(BigInt(SIGNATURE_BYTES_MAX))];
    session.call('C_Sign', session.handle, bytes, BigInt(bytes.byteLength), signature, length);
    return signature.subarray(0, Number(length.readBigUInt64LE()));
  });
}

/** The point of a public key (CKA_EC_POINT) as the token has it: 32 bytes of Ed25519, 65 of P-256, mostly inside an OCTET STRING. Needs no PIN. */
export function publicPointOnToken(key: TokenKey): Result<Buffer, TokenFault> {
  return withSession(key, (session) => {
    const object = session.find(PUBLIC_KEY, key.id);
    const value = Buffer.alloc(POINT_BYTES_MAX);
    const asked = session.attributes([CKA_EC_POINT, value]);
    session.call('C_GetAttributeValue', session.handle, object, asked, 1n);
    return value.subarray(0, Number(asked.readBigUInt64LE(LENGTH_AT)));
  });
}

/** Numbers of PKCS#11 v3.0. A CK_ULONG has eight bytes here: 64-bit Linux and macOS, whose order of bytes is little-endian. */
const [CKM_ECDSA, CKM_EDDSA] = [0x1041n, 0x1057n];
const [CKA_CLASS, CKA_ID, CKA_EC_POINT] = [0n, 0x102n, 0x181n];
const [PUBLIC_KEY, PRIVATE_KEY] = [2n, 3n];
const SERIAL_SESSION = 4n;
const USER = 1n;
const LENGTH_AT = 16;
const [SIGNATURE_BYTES_MAX, POINT_BYTES_MAX, TOKEN_INFO_BYTES, LABEL_BYTES, SLOTS_MAX] = [512, 512, 512, 32, 256];

const FUNCTIONS = {
  C_Initialize: { arguments: ['pointer'], return: 'uint64' },
  C_Finalize: { arguments: ['pointer'], return: 'uint64' },
  C_GetSlotList: { arguments: ['uint8', 'pointer', 'pointer'], return: 'uint64' },
  C_GetTokenInfo: { arguments: ['uint64', 'pointer'], return: 'uint64' },
  C_OpenSession: { arguments: ['uint64', 'uint64', 'pointer', 'pointer', 'pointer'], return: 'uint64' },
  C_CloseSession: { arguments: ['uint64'], return: 'uint64' },
  C_Login: { arguments: ['uint64', 'uint64', 'pointer', 'uint64'], return: 'uint64' },
  C_FindObjectsInit: { arguments: ['uint64', 'pointer', 'uint64'], return: 'uint64' },
  C_FindObjects: { arguments: ['uint64', 'pointer', 'uint64', 'pointer'], return: 'uint64' },
  C_FindObjectsFinal: { arguments: ['uint64'], return: 'uint64' },
  C_GetAttributeValue: { arguments: ['uint64', 'uint64', 'pointer', 'uint64'], return: 'uint64' },
  C_SignInit: { arguments: ['uint64', 'pointer', 'uint64'], return: 'uint64' },
  C_Sign: { arguments: ['uint64', 'pointer', 'uint64', 'pointer', 'pointer'], return: 'uint64' },
} as const;

type Functions = ReturnType<typeof dlopen<typeof FUNCTIONS>>['functions'];

interface Session {
  readonly handle: bigint;
  /** Throws TokenRefusal for every answer but CKR_OK. */
  call<Name extends keyof Functions>(name: Name, ...words: Parameters<Functions[Name]>): void;
  find(kind: bigint, id: string): bigint;
  readonly attributes: Attributes;
}

/** A row of CK_ATTRIBUTE: type, pointer, length. The caller keeps the values until the call is over. */
type Attributes = (...entries: readonly (readonly [bigint, Buffer])[]) => Buffer;

function withSession(key: TokenKey, work: (session: Session) => Buffer): Result<Buffer, TokenFault> {
  const ffi = getBuiltinModule('node:ffi');
  if (ffi === undefined) return err({ code: 'module-missing', said: 'this Node was built without node:ffi' });
  let library: { readonly lib: DynamicLibrary; readonly functions: Functions };
  try {
    library = ffi.dlopen(key.module, FUNCTIONS);
  } catch (cause) {
    return err({ code: 'module-missing', said: cause instanceof Error ? cause.message : String(cause) });
  }
  const { lib, functions } = library;
  const call: Session['call'] = (name, ...words) => {
    // The name and its own parameters go together; over all names at once the compiler cannot see that.
    const answer = (functions[name] as (...given: readonly unknown[]) => bigint)(...words);
    if (answer !== 0n) throw new TokenRefusal(name, answer);
  };
  try {
    call('C_Initialize', null);
    const handle = openSession(slotOf(key.token, call), call);
    const attributes: Attributes = (...entries) =>
      numbers(...entries.flatMap(([type, value]) => [type, ffi.getRawPointer(value), BigInt(value.byteLength)]));
    const find = (kind: bigint, id: string) => findObject({ handle, call, attributes }, kind, id);
    return ok(Buffer.from(work({ handle, call, find, attributes })));
  } catch (cause) {
    if (!(cause instanceof TokenRefusal)) throw cause;
    return err(cause.fault());
  } finally {
    functions.C_Finalize(null);
    lib.close();
  }
}

function slotOf(token: string, call: Session['call']): bigint {
  const [list, count] = [Buffer.alloc(8 * SLOTS_MAX), numbers(BigInt(SLOTS_MAX))];
  call('C_GetSlotList', 1, list, count);
  for (let index = 0; index < Number(count.readBigUInt64LE()); index++) {
    const slot = list.readBigUInt64LE(8 * index);
    const info = Buffer.alloc(TOKEN_INFO_BYTES);
    call('C_GetTokenInfo', slot, info);
    if (info.subarray(0, LABEL_BYTES).toString('utf8').trimEnd() === token) return slot;
  }
  throw new TokenRefusal('C_GetSlotList', CKR_TOKEN_NOT_PRESENT);
}

function openSession(slot: bigint, call: Session['call']): bigint {
  const handle = numbers(0n);
  call('C_OpenSession', slot, SERIAL_SESSION, null, null, handle);
  return handle.readBigUInt64LE();
}

function findObject({ handle, call, attributes }: Omit<Session, 'find'>, kind: bigint, id: string): bigint {
  const [found, count] = [numbers(0n), numbers(0n)];
  const [wantedClass, wantedId] = [numbers(kind), Buffer.from(id, 'hex')];
  call('C_FindObjectsInit', handle, attributes([CKA_CLASS, wantedClass], [CKA_ID, wantedId]), 2n);
  call('C_FindObjects', handle, found, 1n, count);
  call('C_FindObjectsFinal', handle);
  assert(wantedClass.byteLength + wantedId.byteLength > 8, 'values that are kept as long as the token looks at them');
  if (count.readBigUInt64LE() === 0n) throw new TokenRefusal('C_FindObjects', CKR_KEY_HANDLE_INVALID);
  return found.readBigUInt64LE();
}

/** A row of CK_ULONG. */
function numbers(...values: readonly bigint[]): Buffer {
  const row = Buffer.alloc(8 * values.length);
  for (const [index, value] of values.entries()) row.writeBigUInt64LE(value, 8 * index);
  return row;
}

const CKR_TOKEN_NOT_PRESENT = 0xe0n;
const CKR_KEY_HANDLE_INVALID = 0x60n;

const MEANINGS: Readonly<Record<string, TokenFault['code']>> = {
  [String(CKR_TOKEN_NOT_PRESENT)]: 'token-absent',
  [String(0xe1n)]: 'token-absent',
  [String(CKR_KEY_HANDLE_INVALID)]: 'key-absent',
  [String(0xa0n)]: 'pin-wrong',
  [String(0xa1n)]: 'pin-wrong',
  [String(0xa2n)]: 'pin-wrong',
  [String(0xa4n)]: 'pin-locked',
};

/** The token answered with another number than CKR_OK. */
class TokenRefusal extends Error {
  override readonly name = 'TokenRefusal';
  readonly function: string;
  readonly answer: bigint;

  constructor(name: string, answer: bigint) {
    super(`${name} answered 0x${answer.toString(16)}`);
    this.function = name;
    this.answer = answer;
  }

  fault(): TokenFault {
    return { code: MEANINGS[String(this.answer)] ?? 'token-failed', said: this.message };
  }
}
