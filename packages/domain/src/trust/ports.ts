// SPDX-License-Identifier: Apache-2.0

import type { Sha256 } from '../kernel/ids.ts';
import type { FleetInstant } from '../kernel/time.ts';
import type { AuditHead, AuditNote, AuditRow } from './audit.ts';
import type { CivilMs, KnownPerson, PersonBlock, PersonSession, ServiceToken } from './credentials.ts';
import type { PublicKey, Signature } from './envelope.ts';

/** Checks Ed25519 signatures. Adapter: `adapters/shared/ed25519.ts` over node:crypto. Never throws: malformed is false. */
export interface SignatureVerifier {
  /** True when `signature` (base64) is the key's signature over the UTF-8 bytes of `message`. */
  verify(key: PublicKey, message: string, signature: string): boolean;
}

/** A private key in this process, that signs at once: the server's, a device's, an opened key file. */
export interface Signer {
  readonly publicKey: PublicKey;
  sign(message: string): Signature;
}

/**
 * A private key that may be elsewhere: on a token behind PKCS#11, or at a key management service. It takes seconds, asks somebody to
 * touch something, or refuses by throwing. Adapters: an opened key file, `adapters/shared/distant-key.ts`.
 */
export interface PatientSigner {
  readonly publicKey: PublicKey;
  /** Absent: Ed25519. Another one signs metadata alone, in DER, and its public key is a SubjectPublicKeyInfo in base64. */
  readonly scheme?: 'ecdsa-sha2-nistp256';
  sign(message: string): Promise<Signature>;
}

/** SHA-256 of UTF-8 text by the platform (hardware). Adapter: `adapters/shared/digest.ts`. */
export type DigestText = (text: string) => Sha256;

/** The audit log as it is read. It has no writing side: each change brings its note to the port that makes it. */
export interface AuditLog {
  loadHead(): Promise<AuditHead>;
  /** Entries after a sequence, ascending, at most `limit`; those of an actor, of an action, from an instant of fleet time on. */
  loadEntries(page: AuditPage): Promise<readonly AuditRow[]>;
}

/** Which entries of the audit log are asked for. */
export interface AuditPage {
  /** Zero: from the first on. */
  readonly after: number;
  readonly limit: number;
  readonly since?: FleetInstant;
  readonly actor?: string;
  readonly action?: string;
}

/** What is kept of people: their sessions, their service tokens, and who is shut out. */
export interface PeopleStore {
  /** False, and nothing is stored: there is a token of this name that has not been revoked. */
  createToken(token: ServiceToken, note: AuditNote): Promise<boolean>;
  loadToken(tokenId: string): Promise<ServiceToken | undefined>;
  /** All that were ever made, oldest first. */
  listTokens(): Promise<readonly ServiceToken[]>;
  /** In force for every request that begins after it returned. False: there is none, or it was revoked before. */
  revokeToken(tokenId: string, atMs: CivilMs, note: AuditNote): Promise<boolean>;
  noteTokenUse(tokenId: string, atMs: CivilMs): Promise<void>;
  /** With the entry in the audit log that says who came, and how. */
  createSession(session: PersonSession, note: AuditNote): Promise<void>;
  loadSession(digest: Sha256): Promise<PersonSession | undefined>;
  noteSessionUse(digest: Sha256, atMs: CivilMs): Promise<void>;
  endSession(digest: Sha256): Promise<void>;
  /** Forgets sessions that began before an instant. */
  forgetSessions(beforeMs: CivilMs): Promise<void>;
  /** Notes that somebody was here; answers what is known of them. */
  notePerson(seen: { readonly personId: string; readonly name: string; readonly atMs: CivilMs }): Promise<KnownPerson>;
  loadPerson(personId: string): Promise<KnownPerson | undefined>;
  listPeople(): Promise<readonly KnownPerson[]>;
  /** Shuts somebody out: their sessions end, their tokens count as revoked. Absent `block`: lets them in again. */
  blockPerson(personId: string, block: PersonBlock | undefined, note: AuditNote): Promise<void>;
}
