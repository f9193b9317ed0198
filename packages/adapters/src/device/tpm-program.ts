// SPDX-License-Identifier: Apache-2.0
import { createPublicKey } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Tpm } from '@outrider/domain/device/ports';
import type { Sha256 } from '@outrider/domain/kernel/ids';
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import { delay } from '../shared/delay.ts';
import { createFolder, errorCode } from '../shared/files.ts';
import { runBriefly } from '../shared/run-briefly.ts';

/** A TPM 2.0 behind `tpm2` of tpm2-tools. */
export interface TpmProgramOptions {
  /** Where it lies. */
  readonly program: string;
  /** The attestation key: a persistent handle such as 0x81010002, or a file with its context. */
  readonly key: string;
  /** Numbers of registers of the SHA-256 bank. */
  readonly pcrs: readonly number[];
  /** Which TPM, in the words of TPM2TOOLS_TCTI; absent: the one of the machine. */
  readonly tcti?: string;
  readonly environment: Readonly<Record<string, string>>;
  /** For files that live as long as one quote. */
  readonly folder: string;
}

/** Another program may hold the TPM; it is asked again so often, after so long. */
const TRIES = 3;
const RETRY_MS = 1_000;
/** RSA of 2,048 bits takes a slow TPM half a second. */
const TIMEOUT_MS = 20_000;
const DIGEST_BYTES = 32;

/** Quotes by running the program; nothing of the TPM is changed. */
export function tpmProgram(options: TpmProgramOptions): Tpm {
  return {
    async quote(qualifyingData) {
      let last: Awaited<ReturnType<Tpm['quote']>> = err({ detail: 'It was not asked' });
      for (let tries = 0; tries < TRIES; tries++) {
        if (tries > 0) await delay(RETRY_MS);
        last = await quoteOnce(options, qualifyingData);
        if (last.ok) return last;
      }
      return last;
    },
  };
}

async function quoteOnce(options: TpmProgramOptions, qualifyingData: Sha256): ReturnType<Tpm['quote']> {
  const pcrs = [...new Set(options.pcrs)].sort((a, b) => a - b);
  let folder: string | undefined;
  try {
    await createFolder(options.folder);
    const home = await mkdtemp(join(options.folder, 'quote-'));
    folder = home;
    const at = (name: string) => join(home, name);
    const key = await tpm2(options, ['readpublic', '-Q', '-c', options.key, '-f', 'pem', '-o', at('key')]);
    if (!key.ok) return key;
    const quoted = await tpm2(options, [
      ...['quote', '-Q', '-c', options.key, '-l', `sha256:${pcrs.join(',')}`, '-q', qualifyingData],
      ...['-m', at('attest'), '-s', at('signature'), '-f', 'plain', '-o', at('pcrs'), '-F', 'values'],
    ]);
    if (!quoted.ok) return quoted;
    const [pem, attest, signature, values] = await Promise.all(
      ['key', 'attest', 'signature', 'pcrs'].map((name) => readFile(at(name))),
    );
    if (pem === undefined || attest === undefined || signature === undefined || values === undefined) {
      return err({ detail: 'It wrote no quote' });
    }
    const publicKey = createPublicKey(pem).export({ format: 'der', type: 'spki' }).toString('base64');
    return ok({
      ...{ attest: attest.toString('hex'), signature: signature.toString('base64'), publicKey },
      pcrs: pcrs.map((_, place) => digestAt(values, place)),
    });
  } catch (cause) {
    // A full disk, or a program that ended well and left no file, or no key, in its place.
    if (errorCode(cause) === undefined) throw cause;
    return err({ detail: cause instanceof Error ? cause.message : String(cause) });
  } finally {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  }
}

function digestAt(values: Buffer, place: number): Sha256 {
  // The constructor of a digest: its bytes as the TPM has them.
  return values.subarray(place * DIGEST_BYTES, (place + 1) * DIGEST_BYTES).toString('hex') as Sha256;
}

async function tpm2(
  { program, tcti, environment }: TpmProgramOptions,
  parameters: readonly string[],
): Promise<Result<Buffer, { readonly detail: string }>> {
  const ran = await runBriefly({
    ...{ program, parameters, timeoutMs: TIMEOUT_MS, input: new Uint8Array(0) },
    environment: { ...environment, ...(tcti === undefined ? {} : { TPM2TOOLS_TCTI: tcti }) },
  });
  if (ran.ok) return ran;
  const { detail, said } = ran.error;
  return err({ detail: `${program} ${parameters[0]} ${detail}${said === '' ? '' : `: ${said}`}` });
}
