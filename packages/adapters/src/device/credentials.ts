// SPDX-License-Identifier: Apache-2.0
import { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import type { GivenCredentials } from '@outrider/domain/gateway/registration';
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import { type FleetInstant, fleetInstant } from '@outrider/domain/kernel/time';
import { encodeGivenCredentials, parseGivenCredentials } from '@outrider/protocol/gateway/registration';
import { describeParseError } from '@outrider/protocol/kernel/parse-error';
import { readTextIfPresent, writeFileDurably } from '../shared/files.ts';
import type { IdentityError } from './device-identity.ts';

/** What a device holds for mutual TLS. */
export interface Credentials extends GivenCredentials {
  readonly roots: readonly X509Certificate[];
  /** The time that the CA has signed: the device's clock cannot be earlier in truth, whatever it shows. */
  readonly timeFloor: FleetInstant;
}

const CREDENTIALS_FILE = 'credentials.json';
/** Two roots while they are exchanged, with room. */
const CERTIFICATES_MAX = 16;

/** What was given last, or undefined before that. Code: identity-malformed. */
export async function loadCredentials(folder: string): Promise<Result<Credentials | undefined, IdentityError>> {
  const path = join(folder, CREDENTIALS_FILE);
  const text = await readTextIfPresent(path);
  if (text === undefined) return ok(undefined);
  const parsed = parseGivenCredentials(text);
  const credentials = parsed.ok ? credentialsOf(parsed.value) : undefined;
  if (credentials !== undefined) return ok(credentials);
  const reason = parsed.ok ? 'it holds no certificates' : describeParseError(parsed.error);
  const detail = `The file ${path} cannot be used: ${reason}. Remove it: the device orders a new certificate by its key`;
  return err({ code: 'identity-malformed', detail });
}

/** Keeps them: durable when it returns, the former ones until then. */
export async function storeCredentials(folder: string, given: GivenCredentials): Promise<void> {
  await writeFileDurably(join(folder, CREDENTIALS_FILE), encodeGivenCredentials(given), 0o600);
}

/** What was given, with its certificates read; undefined when they are none. */
export function credentialsOf(given: GivenCredentials): Credentials | undefined {
  const [leaf] = certificatesOf(given.chain);
  const roots = certificatesOf(given.serverRoots);
  if (leaf === undefined || roots.length === 0) return undefined;
  return { ...given, roots, timeFloor: fleetInstant(leaf.validFromDate.getTime()) };
}

/** The certificates of a PEM text; none when one of them cannot be read. */
export function certificatesOf(pem: string): readonly X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  try {
    return blocks.slice(0, CERTIFICATES_MAX).map((block) => new X509Certificate(block));
  } catch (cause) {
    if (cause instanceof Error) return [];
    throw cause;
  }
}
