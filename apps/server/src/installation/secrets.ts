// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { digestText } from '@outrider/adapters/shared/digest';
import { createSeed, signerFromSeed } from '@outrider/adapters/shared/ed25519';
import { readTextIfPresent, writeFileDurably } from '@outrider/adapters/shared/files';
import { randomSecret } from '@outrider/adapters/shared/random';
import type { Sha256 } from '@outrider/domain/kernel/ids';
import type { Signer } from '@outrider/domain/trust/ports';
import { describeParseError } from '@outrider/protocol/kernel/parse-error';
import { encodeKeyFile, parseKeyFile } from '@outrider/protocol/trust/key-file';
import { StartError } from '../exit-codes.ts';

/** Only the owner may read what proves who one is. */
const SECRET_MODE = 0o600;

/** Shorter tokens could be guessed over the network. */
const TOKEN_CHARACTERS_MIN = 16;

/** The digest of the token in a file of the data folder; the file is made, with a random token, when it is missing. */
export async function settleToken(dataFolder: string, fileName: string): Promise<Sha256> {
  const path = join(dataFolder, fileName);
  const stored = await readTextIfPresent(path);
  if (stored === undefined) {
    const token = randomSecret();
    await writeFileDurably(path, `${token}\n`, SECRET_MODE);
    return digestText(token);
  }
  const token = stored.trim();
  if (token.length < TOKEN_CHARACTERS_MIN) {
    const detail = `The token in ${path} has ${token.length} characters, at least ${TOKEN_CHARACTERS_MIN} are needed`;
    throw new StartError('file-malformed', `${detail}; remove the file and a new token is made`);
  }
  return digestText(token);
}

/** The online key that signs permits: devices pin it when they register, so it must outlive the process. */
export async function settlePermitKey(dataFolder: string): Promise<Signer> {
  const path = join(dataFolder, 'permit-key.json');
  const stored = await readTextIfPresent(path);
  if (stored === undefined) {
    const seed = createSeed();
    const signer = signerFromSeed(seed);
    const privateKey = Buffer.from(seed).toString('base64');
    const text = encodeKeyFile({ schema: 1, group: 'permit', privateKey, ...signer.publicKey });
    await writeFileDurably(path, `${text}\n`, SECRET_MODE);
    return signer;
  }
  const parsed = parseKeyFile(stored);
  if (!parsed.ok) {
    const detail = `The key file ${path} is damaged: ${describeParseError(parsed.error)}; restore it from a backup`;
    throw new StartError('file-malformed', detail);
  }
  const signer = signerFromSeed(Buffer.from(parsed.value.privateKey, 'base64'));
  if (signer.publicKey.keyId === parsed.value.keyId) return signer;
  throw new StartError(
    'file-malformed',
    `The key file ${path} names another key than it holds; restore it from a backup`,
  );
}
