// SPDX-License-Identifier: Apache-2.0
import type { KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import type { Signer } from '@outrider/domain/trust/ports';
import type { TrustAnchors } from '@outrider/domain/trust/role';
import { describeParseError, type ParseError } from '@outrider/protocol/kernel/parse-error';
import { encodeTrustAnchors, parseTrustAnchors } from '@outrider/protocol/trust/anchors';
import { encodeKeyFile, parseKeyFile } from '@outrider/protocol/trust/key-file';
import { createSeed, privateKeyOf, signerFromSeed } from '../shared/ed25519.ts';
import { readTextIfPresent, writeFileDurably } from '../shared/files.ts';

/** A file of the device's identity that cannot be used. */
export interface IdentityError {
  readonly code: 'identity-malformed';
  readonly detail: string;
}

/** The device's own key: it signs messages, and speaks TLS. */
export interface DeviceKey {
  readonly signer: Signer;
  readonly key: KeyObject;
}

/** The device's own key, made on first use; it never leaves the folder. Code: identity-malformed. */
export async function loadDeviceKey(folder: string): Promise<Result<DeviceKey, IdentityError>> {
  const path = join(folder, 'device-key.json');
  const text = await readTextIfPresent(path);
  if (text === undefined) {
    const seed = createSeed();
    const made = keyOf(seed);
    const privateKey = Buffer.from(seed).toString('base64');
    const file = { schema: 1, group: 'device', ...made.signer.publicKey, privateKey } as const;
    await writeFileDurably(path, encodeKeyFile(file), 0o600);
    return ok(made);
  }
  const parsed = parseKeyFile(text);
  if (!parsed.ok) return malformed(path, parsed.error);
  return ok(keyOf(Buffer.from(parsed.value.privateKey, 'base64')));
}

function keyOf(seed: Uint8Array): DeviceKey {
  return { signer: signerFromSeed(seed), key: privateKeyOf(seed) };
}

/** What was pinned at registration, or undefined before it. Code: identity-malformed. */
export async function loadAnchors(folder: string): Promise<Result<TrustAnchors | undefined, IdentityError>> {
  const path = join(folder, ANCHORS_FILE);
  const text = await readTextIfPresent(path);
  if (text === undefined) return ok(undefined);
  const parsed = parseTrustAnchors(text);
  return parsed.ok ? parsed : malformed(path, parsed.error);
}

/** Pins them: durable when it returns. */
export async function storeAnchors(folder: string, anchors: TrustAnchors): Promise<void> {
  await writeFileDurably(join(folder, ANCHORS_FILE), encodeTrustAnchors(anchors));
}

const ANCHORS_FILE = 'anchors.json';

function malformed(path: string, error: ParseError): Result<never, IdentityError> {
  return err({ code: 'identity-malformed', detail: `The file ${path} cannot be used: ${describeParseError(error)}` });
}
