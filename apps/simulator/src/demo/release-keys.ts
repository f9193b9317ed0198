// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { createSeed, signerFromSeed } from '@outrider/adapters/shared/ed25519';
import { readTextIfPresent, writeFileDurably } from '@outrider/adapters/shared/files';
import type { Signer } from '@outrider/domain/trust/ports';
import { describeParseError } from '@outrider/protocol/kernel/parse-error';
import { encodeSigningRole } from '@outrider/protocol/trust/anchors';
import { encodeKeyFile, parseKeyFile } from '@outrider/protocol/trust/key-file';
import { type ReleaseSigners, releaseRoleOf } from '../product/signed-release.ts';
import { DemoFault } from './fault.ts';

/** A secret is for its owner alone. */
const SECRET_MODE = 0o600;

/** The keys of build and release engineering: made at the first start, the same ever after. */
export async function loadReleaseSigners(folder: string): Promise<ReleaseSigners> {
  return {
    build: await loadKey(folder, 'build'),
    releaseEngineering: await loadKey(folder, 'release-engineering'),
  };
}

/** The keys of two approvers, made at the first start: for the demonstration alone, where no person stands behind them. */
export async function loadApprovers(folder: string): Promise<readonly Signer[]> {
  return [await loadKey(folder, 'safety'), await loadKey(folder, 'operations')];
}

/** Tells a server who approves: the public halves only. */
export async function storeApproverRole(path: string, approvers: readonly Signer[]): Promise<void> {
  const groups = approvers.map(({ publicKey }, index) => ({ name: `approver-${index + 1}`, keys: [publicKey] }));
  await writeFileDurably(path, `${encodeSigningRole({ threshold: groups.length, groups })}\n`);
}

/** Tells a server who must sign: the public halves only. */
export async function storeReleaseRole(path: string, signers: ReleaseSigners): Promise<void> {
  await writeFileDurably(path, `${encodeSigningRole(releaseRoleOf(signers))}\n`);
}

async function loadKey(folder: string, group: string): Promise<Signer> {
  const path = join(folder, `${group}.key.json`);
  const text = await readTextIfPresent(path);
  if (text === undefined) {
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
  const parsed = parseKeyFile(text);
  if (parsed.ok) return signerFromSeed(Buffer.from(parsed.value.privateKey, 'base64'));
  throw new DemoFault(`The key file ${path} is damaged: ${describeParseError(parsed.error)}; choose another --data`);
}
