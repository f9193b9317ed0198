// SPDX-License-Identifier: Apache-2.0
import { wallClock } from '@outrider/adapters/shared/clock';
import { signFromAfar } from '@outrider/adapters/shared/distant-key';
import { openSealedKey } from '@outrider/adapters/shared/sealed-signing-key';
import { present } from '@outrider/domain/kernel/assert';
import { instantText } from '@outrider/domain/kernel/time';
import type { Signature } from '@outrider/domain/trust/envelope';
import type { PatientSigner, Signer } from '@outrider/domain/trust/ports';
import { describeParseError } from '@outrider/protocol/kernel/parse-error';
import { type KeyFile, parseKeyFile } from '@outrider/protocol/trust/key-file';
import { type KeyReference, parseKeyReference } from '@outrider/protocol/trust/key-reference';
import { parseSealedKeyFile, type SealedKeyFile } from '@outrider/protocol/trust/sealed-key-file';
import { CommandFailure, usageFailure } from './failure.ts';
import { pathOf, readDocument } from './files.ts';
import { ED25519_ALONE, signerOf } from './key-files.ts';
import { type PassphraseFlags, passphraseFor } from './passphrase.ts';
import type { World } from './world.ts';

/** How keys are opened. */
export interface OpenKeyFlags extends PassphraseFlags {
  /** What is signed is metadata of the repositories, so that a key of ECDSA P-256 will do. */
  readonly isForMetadata?: true;
}

/** A key that signs, and the group that it signs for. */
export interface OpenKey {
  readonly group: string;
  readonly signer: PatientSigner;
}

/** Opens a secret key file, sealed or not, or a reference to a key that is elsewhere. A wrong passphrase, an expired key and a damaged file are told apart by name. */
export async function openKey(world: World, path: string, flags: OpenKeyFlags): Promise<OpenKey> {
  const file = await readDocument<KeyFile | SealedKeyFile | KeyReference>(world, { noun: 'key file', path }, (text) => {
    if (text.includes('"schema":3')) return parseKeyReference(text);
    const sealed = parseSealedKeyFile(text);
    if (sealed.ok) return sealed;
    const plain = parseKeyFile(text);
    // The sentence is about the form that the file claims to have.
    return plain.ok || !text.includes('"schema":2') ? plain : sealed;
  });
  if (file.schema === 3) {
    if (file.scheme !== undefined && flags.isForMetadata !== true) {
      throw new CommandFailure('refused', `The key ${path} does not sign this, needed is ${ED25519_ALONE}`, {
        code: 'key-unfit',
      });
    }
    return { group: file.group, signer: await openReference(world, file, flags) };
  }
  if (file.schema === 1) {
    const signer = signerOf(file);
    if (signer.ok) return { group: file.group, signer: patient(signer.value) };
    throw usageFailure(`The key file in ${path} cannot be used: ${describeParseError(signer.error)}`);
  }
  const now = wallClock().now();
  if (file.validUntil !== undefined && now >= file.validUntil) {
    const message = `The key in ${path} expired at ${instantText(file.validUntil)}, and it is ${instantText(now)}; make a new key, and let its role name it with \`outrider trust rotate\``;
    throw new CommandFailure('refused', message, { code: 'key-expired' });
  }
  const passphrase = await passphraseFor(world, flags, `Passphrase of ${path}: `);
  const opened = await openSealedKey(file, passphrase);
  if (opened.ok) return { group: file.group, signer: patient(opened.value) };
  const message = `The passphrase does not open ${path}, or the file was altered; give the right one, or take the key from its copy`;
  throw new CommandFailure('refused', message, { code: 'passphrase-wrong' });
}

/** A token asks for its PIN now, and signs when it is asked; a program is run when it is asked. */
async function openReference(world: World, reference: KeyReference, flags: OpenKeyFlags): Promise<PatientSigner> {
  const { keyId, publicKey, signedBy, scheme } = reference;
  const pin = signedBy.kind === 'pkcs11' ? await passphraseFor(world, flags, `PIN of token ${signedBy.token}: `) : '';
  const program = signedBy.kind === 'program' ? { ...signedBy, program: pathOf(world, signedBy.program) } : signedBy;
  return {
    publicKey: { keyId, publicKey },
    ...(scheme && { scheme }),
    async sign(message) {
      const around = { environment: world.environment, pin };
      const signed = await signFromAfar({ ...reference, signedBy: program }, message, around);
      if (signed.ok) return signed.value;
      throw new CommandFailure('refused', signed.error.detail, { code: signed.error.code });
    },
  };
}

function patient({ publicKey, sign }: Signer): PatientSigner {
  return { publicKey, sign: async (message) => sign(message) };
}

/** Does at once what wants a signer at hand: each text to be signed is learned first, then signed, then the work is done again. */
export async function signingAtOnce<T>(signer: PatientSigner, work: (signer: Signer) => T): Promise<T> {
  const signatures = new Map<string, Signature>();
  const { publicKey } = signer;
  const unsigned: string[] = [];
  work({
    publicKey,
    sign(message) {
      unsigned.push(message);
      return { keyId: publicKey.keyId, signature: '' };
    },
  });
  for (const message of unsigned) signatures.set(message, await signer.sign(message));
  return work({ publicKey, sign: (message) => present(signatures.get(message), 'a text that was learned before') });
}

/** Opens several, each asked for once. */
export async function openKeys(
  world: World,
  paths: readonly string[],
  flags: OpenKeyFlags,
): Promise<readonly OpenKey[]> {
  const keys: OpenKey[] = [];
  for (const path of paths) keys.push(await openKey(world, path, flags));
  const twice = keys.find(
    ({ signer }, index) => keys.findIndex((one) => one.signer.publicKey.keyId === signer.publicKey.keyId) !== index,
  );
  if (twice === undefined) return keys;
  const message = `The key ${twice.signer.publicKey.keyId} was named twice; two signatures by one key count once, name another person's`;
  throw new CommandFailure('refused', message, { code: 'key-twice' });
}
