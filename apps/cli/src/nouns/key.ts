// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { wallClock } from '@outrider/adapters/shared/clock';
import { type DistantPublicKey, publicKeyOfPem, publicKeyOnToken } from '@outrider/adapters/shared/distant-key';
import { newSealedKey } from '@outrider/adapters/shared/sealed-signing-key';
import { after, hours } from '@outrider/domain/kernel/time';
import type { SigningGroup, SigningRole } from '@outrider/domain/trust/role';
import { describeParseError } from '@outrider/protocol/kernel/parse-error';
import { encodeSigningRole } from '@outrider/protocol/trust/anchors';
import { encodeKeyFile } from '@outrider/protocol/trust/key-file';
import { type DistantKey, encodeKeyReference, parseKeyReference } from '@outrider/protocol/trust/key-reference';
import { encodeSealedKeyFile } from '@outrider/protocol/trust/sealed-key-file';
import type { Command } from 'commander';
import { dataFolder } from '../connection.ts';
import { CommandFailure, usageFailure } from '../failure.ts';
import { createFile, pathOf, readDocument, readTextFile } from '../files.ts';
import { parseCount, parseLabel, parseWhole, repeated } from '../flags.ts';
import {
  encodePublicKeyFile,
  newKeyFile,
  type PublicKeyFile,
  parseAnyPublicKeyFile,
  parsePublicKeyFile,
  publicHalf,
} from '../key-files.ts';
import { show } from '../output.ts';
import { PASSPHRASE_CHARACTERS_MIN, PASSPHRASE_FD, type PassphraseFlags, passphraseFor } from '../passphrase.ts';
import type { World } from '../world.ts';

/** `outrider key`: who may sign releases. Secrets are files of mode 0600, made once and never overwritten. */
export function keyNoun(program: Command, world: World): void {
  const key = program.command('key').description('signing keys and the role they make up');

  key
    .command('create')
    .description(
      'make an Ed25519 key pair: a secret file sealed with a passphrase (mode 0600) and <file>.public.json to hand out',
    )
    .requiredOption('--group <name>', 'who holds it, for example build or release-engineering', parseLabel)
    .requiredOption('--out <file>', 'the secret file, for example build.key.json')
    .option(
      '--valid-days <days>',
      'it signs nothing after so many days (default: as long as a role names it)',
      parseCount,
    )
    .option('--unsealed', 'store it without a passphrase: only for trials, and where the disk itself is sealed')
    .option(PASSPHRASE_FD[0], PASSPHRASE_FD[1], parseWhole)
    .option('--json', 'print JSON')
    .action((flags: CreateFlags) => create(world, flags));

  key
    .command('reference')
    .description('write a file that stands for a key on a token or at a key management service; it holds no secret')
    .requiredOption('--group <name>', 'who holds it, for example build or release-engineering', parseLabel)
    .requiredOption('--out <file>', 'the reference, for example build.key.json; goes wherever a key file goes')
    .option('--module <library>', 'of a token: the PKCS#11 library of its maker')
    .option('--token <label>', 'of a token: its label')
    .option('--id <hex>', 'of a token: the id of the Ed25519 key pair (CKA_ID)')
    .option(
      '--program <file>',
      'of a service: gets the bytes to be signed on standard input, answers the signature in base64',
    )
    .option('--public-key <file>', 'of a service: the public key as PEM')
    .option('--json', 'print JSON')
    .action((flags: ReferenceFlags) => reference(world, flags));

  key
    .command('show')
    .description('print the public half of a key file')
    .argument('<file>', 'a secret or a public key file')
    .option('--json', 'print JSON')
    .action(async (file: string, flags: { json?: true }) =>
      showKey(world, await readKey(world, file, parseAnyPublicKeyFile), flags),
    );

  key
    .command('role')
    .description('write who must sign a release: one valid signature from each of --threshold groups')
    .requiredOption('--key <file>', 'a public key file; repeat it for each key', repeated)
    .requiredOption('--threshold <groups>', 'how many different groups must sign', parseCount)
    .option('--out <file>', 'the role (default: release-role.json in the data folder)')
    .option('--data <folder>', 'data folder of the server')
    .option('--json', 'print JSON')
    .action((flags: RoleFlags) => role(world, flags));
}

interface CreateFlags extends PassphraseFlags {
  readonly group: string;
  readonly validDays?: number;
  readonly unsealed?: true;
  readonly out: string;
  readonly json?: true;
}

async function create(world: World, flags: CreateFlags): Promise<void> {
  const { text, file } = await makeKey(world, flags);
  const publicPath = publicPathOf(flags.out);
  await createFile(world, { noun: 'key file', path: flags.out, mode: 0o600 }, `${text}\n`);
  await createFile(world, { noun: 'public key file', path: publicPath, mode: 0o644 }, `${encodePublicKeyFile(file)}\n`);
  world.log(`The secret is in ${flags.out}; hand out ${publicPath} only`);
  showKey(world, file, flags);
}

interface ReferenceFlags {
  readonly group: string;
  readonly out: string;
  readonly module?: string;
  readonly token?: string;
  readonly id?: string;
  readonly program?: string;
  readonly publicKey?: string;
  readonly json?: true;
}

async function reference(world: World, flags: ReferenceFlags): Promise<void> {
  const { signedBy, publicKey } = await distantKeyOf(world, flags);
  const { group, out } = flags;
  const text = encodeKeyReference({ schema: 3, group, ...publicKey, signedBy });
  // What could not be read again is never written.
  const read = parseKeyReference(text);
  if (!read.ok) throw usageFailure(`The reference cannot be made: ${describeParseError(read.error)}`);
  const file: PublicKeyFile = { schema: 1, group, ...publicKey };
  const publicPath = publicPathOf(out);
  await createFile(world, { noun: 'key reference', path: out, mode: 0o644 }, `${text}\n`);
  await createFile(world, { noun: 'public key file', path: publicPath, mode: 0o644 }, `${encodePublicKeyFile(file)}\n`);
  world.log(`${out} stands for the key wherever a key file is named; ${publicPath} is its public half`);
  showKey(world, file, flags);
}

async function distantKeyOf(
  world: World,
  { module, token, id, program, publicKey }: ReferenceFlags,
): Promise<{ readonly signedBy: DistantKey; readonly publicKey: DistantPublicKey }> {
  if (module !== undefined && token !== undefined && id !== undefined && program === undefined) {
    const signedBy = { kind: 'pkcs11', module, token, id: id.toLowerCase() } as const;
    const onToken = publicKeyOnToken(signedBy);
    if (onToken.ok) return { signedBy, publicKey: onToken.value };
    throw new CommandFailure('refused', onToken.error.detail, { code: onToken.error.code });
  }
  if (program !== undefined && publicKey !== undefined && module === undefined) {
    const read = publicKeyOfPem(await readTextFile(world, 'public key', publicKey));
    if (read !== undefined) return { signedBy: { kind: 'program', program: pathOf(world, program) }, publicKey: read };
    throw usageFailure(`The file ${publicKey} holds no public key of Ed25519 or P-256 as PEM; ask the service for one`);
  }
  throw usageFailure('Name either --module, --token and --id, or --program and --public-key');
}

/** Beside the secret, with a name of its own. */
function publicPathOf(path: string): string {
  return `${path.replace(/(\.key)?\.json$/, '')}.public.json`;
}

/** The secret file as text, and its public half. */
async function makeKey(
  world: World,
  flags: CreateFlags,
): Promise<{ readonly text: string; readonly file: PublicKeyFile }> {
  const { group, validDays, unsealed } = flags;
  if (unsealed === true) {
    if (validDays !== undefined)
      throw usageFailure(
        'A key that is not sealed has no end that could be trusted; leave --valid-days or --unsealed away',
      );
    const file = newKeyFile(group);
    return { text: encodeKeyFile(file), file };
  }
  const passphrase = await passphraseFor(
    world,
    flags,
    `New passphrase, ${PASSPHRASE_CHARACTERS_MIN} characters or more: `,
  );
  if (passphrase.length < PASSPHRASE_CHARACTERS_MIN) {
    throw usageFailure(
      `The passphrase has ${passphrase.length} characters, at least ${PASSPHRASE_CHARACTERS_MIN} are needed; choose a longer one`,
    );
  }
  const validUntil = validDays === undefined ? undefined : after(wallClock().now(), hours(24 * validDays));
  const sealed = await newSealedKey(group, { passphrase, ...(validUntil === undefined ? {} : { validUntil }) });
  return { text: encodeSealedKeyFile(sealed), file: publicHalf({ ...sealed, schema: 1 }) };
}

function readKey(world: World, path: string, parse = parsePublicKeyFile): Promise<PublicKeyFile> {
  return readDocument(world, { noun: 'key file', path }, parse);
}

function showKey(world: World, file: PublicKeyFile, flags: { readonly json?: true }): void {
  show(world, flags, encodePublicKeyFile(file), () => [
    ['group', file.group],
    ['key id', file.keyId],
    ['public key', file.publicKey],
  ]);
}

interface RoleFlags {
  readonly key: readonly string[];
  readonly threshold: number;
  readonly out?: string;
  readonly data?: string;
  readonly json?: true;
}

async function role(world: World, flags: RoleFlags): Promise<void> {
  const keys = await Promise.all(flags.key.map((path) => readKey(world, path)));
  const made = roleOf(keys, flags.threshold);
  const path = flags.out ?? join(dataFolder(world, flags), 'release-role.json');
  const text = encodeSigningRole(made);
  await createFile(world, { noun: 'release role', path, mode: 0o644 }, `${text}\n`);
  world.log(`The role is in ${path}`);
  show(world, flags, text, () => [
    ['threshold', made.threshold],
    ...made.groups.map(({ name, keys: own }): readonly [string, string] => [
      name,
      own.map(({ keyId }) => keyId).join(' '),
    ]),
  ]);
}

/** Keys by group; as many groups as the threshold at least, or nothing could ever be signed. */
export function roleOf(keys: readonly PublicKeyFile[], threshold: number): SigningRole {
  const byGroup = Map.groupBy(keys, ({ group }) => group);
  const groups = [...byGroup].map(
    ([name, own]): SigningGroup => ({ name, keys: own.map(({ keyId, publicKey }) => ({ keyId, publicKey })) }),
  );
  const twice = keys.find(({ keyId }, index) => keys.findIndex((other) => other.keyId === keyId) !== index);
  if (twice !== undefined)
    throw usageFailure(`The key ${twice.keyId} was named twice; each key stands in one group once`);
  if (threshold <= groups.length) return { threshold, groups };
  throw new CommandFailure(
    'usage',
    `The threshold is ${threshold} and the keys make up ${groups.length} groups (${[...byGroup.keys()].join(', ')}); lower it or add keys of another group`,
  );
}
