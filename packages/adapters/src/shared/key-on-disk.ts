// SPDX-License-Identifier: Apache-2.0
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import type { Signer } from '@outrider/domain/trust/ports';
import { describeParseError } from '@outrider/protocol/kernel/parse-error';
import { encodeKeyFile, parseKeyFile } from '@outrider/protocol/trust/key-file';
import { createSeed, signerFromSeed } from './ed25519.ts';
import { readTextIfPresent, writeFileDurably } from './files.ts';

/** A secret is for its owner alone. */
const SECRET_MODE = 0o600;

/** The signer of a key file that is not sealed; undefined where there is none. The fault is a sentence without its path. */
export async function loadKeyFrom(path: string): Promise<Result<Signer | undefined, string>> {
  const text = await readTextIfPresent(path);
  if (text === undefined) return ok(undefined);
  const parsed = parseKeyFile(text);
  if (!parsed.ok) return err(`is damaged: ${describeParseError(parsed.error)}`);
  const signer = signerFromSeed(Buffer.from(parsed.value.privateKey, 'base64'));
  return signer.publicKey.keyId === parsed.value.keyId ? ok(signer) : err('names another key than it holds');
}

/** Makes a key and its file; durable when it returns. */
export async function makeKeyAt(path: string, group: string): Promise<Signer> {
  const seed = createSeed();
  const signer = signerFromSeed(seed);
  const privateKey = Buffer.from(seed).toString('base64');
  await writeFileDurably(
    path,
    `${encodeKeyFile({ schema: 1, group, privateKey, ...signer.publicKey })}\n`,
    SECRET_MODE,
  );
  return signer;
}
