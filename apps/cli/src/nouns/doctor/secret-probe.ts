// SPDX-License-Identifier: Apache-2.0
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { signerFromSeed } from '@outrider/adapters/shared/ed25519';
import { errorCode, exists, readTextIfPresent } from '@outrider/adapters/shared/files';
import { describeParseError } from '@outrider/protocol/kernel/parse-error';
import { parseSigningRole } from '@outrider/protocol/trust/anchors';
import { parseKeyFile } from '@outrider/protocol/trust/key-file';
import type { FileFacts, SecretFacts, TokenFacts } from './secret-checks.ts';

const TOKENS: readonly TokenFacts['check'][] = ['admin-token', 'registration-token', 'metrics-token'];

/** Looks at the keys and tokens of a data folder; what they hold stays here. */
export async function probeSecrets(
  dataFolder: string,
  releaseRole: { readonly path: string; readonly isNamed: boolean },
): Promise<SecretFacts> {
  return {
    hasRun: await hasRunOn(dataFolder),
    tokens: await Promise.all(TOKENS.map((check) => probeToken(check, join(dataFolder, check)))),
    permitKey: await probePermitKey(join(dataFolder, 'permit-key.json')),
    releaseRole: { ...releaseRole, ...(await probeRole(releaseRole.path)) },
  };
}

/** The first start makes this token before all else. */
async function hasRunOn(dataFolder: string): Promise<boolean> {
  try {
    return await exists(join(dataFolder, 'admin-token'));
  } catch (cause) {
    if (errorCode(cause) === undefined) throw cause;
    return false;
  }
}

async function probeToken(check: TokenFacts['check'], path: string): Promise<TokenFacts> {
  const { file, text } = await look(path);
  return { check, path, file, characters: text.trim().length };
}

async function probePermitKey(path: string): Promise<SecretFacts['permitKey']> {
  const { file, text } = await look(path);
  if (file.kind !== 'file') return { path, file };
  const parsed = parseKeyFile(text);
  if (!parsed.ok) return { path, file, fault: describeParseError(parsed.error) };
  const { keyId, privateKey } = parsed.value;
  const isItself = signerFromSeed(Buffer.from(privateKey, 'base64')).publicKey.keyId === keyId;
  return isItself ? { path, file, keyId } : { path, file, fault: 'It names another key than it holds' };
}

async function probeRole(path: string): Promise<Pick<SecretFacts['releaseRole'], 'file' | 'fault' | 'role'>> {
  const { file, text } = await look(path);
  if (file.kind !== 'file') return { file };
  const parsed = parseSigningRole(text);
  return parsed.ok ? { file, role: parsed.value } : { file, fault: describeParseError(parsed.error) };
}

/** Other files may lie where a key is expected: no more than this is read. */
const SECRET_BYTES_MAX = 1_048_576;

async function look(path: string): Promise<{ readonly file: FileFacts; readonly text: string }> {
  try {
    const { mode, size } = await stat(path);
    if (size > SECRET_BYTES_MAX) return { file: { kind: 'unreadable', code: `${size} bytes` }, text: '' };
    const text = await readTextIfPresent(path);
    return text === undefined ? { file: { kind: 'missing' }, text: '' } : { file: { kind: 'file', mode }, text };
  } catch (cause) {
    const code = errorCode(cause);
    if (code === undefined) throw cause;
    const isMissing = code === 'ENOENT' || code === 'ENOTDIR';
    return { file: isMissing ? { kind: 'missing' } : { kind: 'unreadable', code }, text: '' };
  }
}
