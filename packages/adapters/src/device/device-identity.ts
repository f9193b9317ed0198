// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import type { Signer } from '@outrider/domain/trust/ports';
import type { TrustAnchors } from '@outrider/domain/trust/role';
import { describeParseError, type ParseError } from '@outrider/protocol/kernel/parse-error';
import { encodeTrustAnchors, parseTrustAnchors } from '@outrider/protocol/trust/anchors';
import { encodeKeyFile, parseKeyFile } from '@outrider/protocol/trust/key-file';
import { createSeed, signerFromSeed } from '../shared/ed25519.ts';
import { readTextIfPresent, writeFileDurably } from '../shared/files.ts';

/** A file of the device's identity that cannot be used. */
export interface IdentityError {
  readonly code: 'identity-malformed';
  readonly detail: string;
}

/** The device's own key, made on first use; it never leaves the folder. Code: identity-malformed. */
export async function loadDeviceKey(folder: string): Promise<Result<Signer, IdentityError>> {
  const path = join(folder, 'device-key.json');
  const text = await readTextIfPresent(path);
  if (text === undefined) {
    const seed = createSeed();
    const signer = signerFromSeed(seed);
    const privateKey = Buffer.from(seed).toString('base64');
    await writeFileDurably(path, encodeKeyFile({ schema: 1, group: 'device', ...signer.publicKey, privateKey }), 0o600);
    return ok(signer);
  }
  const parsed = parseKeyFile(text);
  if (!parsed.ok) return malformed(path, parsed.error);
  return ok(signerFromSeed(Buffer.from(parsed.value.privateKey, 'base64')));
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
