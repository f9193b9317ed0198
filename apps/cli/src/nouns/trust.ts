// SPDX-License-Identifier: Apache-2.0

import { join } from 'node:path';
import { wallClock } from '@outrider/adapters/shared/clock';
import { createFolder, exists, writeFileDurably } from '@outrider/adapters/shared/files';
import { foundRepositories } from '@outrider/adapters/shared/found-repositories';
import { metadataSigner } from '@outrider/adapters/shared/metadata-keys';
import type { ApproverChange } from '@outrider/domain/trust/tuf/approvers';
import { delegatedRole, type NamedKey } from '@outrider/domain/trust/tuf/ceremony';
import type { MetadataSigner } from '@outrider/domain/trust/tuf/ports';
import { encodeJson } from '@outrider/protocol/kernel/json-text';
import { encodeSigningRole } from '@outrider/protocol/trust/anchors';
import { type Command, InvalidArgumentError } from 'commander';
import { dataFolder } from '../connection.ts';
import { CommandFailure, usageFailure } from '../failure.ts';
import { createFile, pathOf, readDocument, readTextFile } from '../files.ts';
import { parseCount, parseLabel, parseWhole, repeated, repeatedLabel } from '../flags.ts';
import { type PublicKeyFile, parseAnyPublicKeyFile, parsePublicKeyFile } from '../key-files.ts';
import { openKeys } from '../open-key.ts';
import { type OutputFlags, showList } from '../output.ts';
import { PASSPHRASE_FD, type PassphraseFlags } from '../passphrase.ts';
import type { World } from '../world.ts';
import { roleOf } from './key.ts';
import {
  draftsOfChange,
  draftsOfDelegation,
  draftsOfRenewal,
  ONLINE_ROLES,
  rolesOfKey,
  signersOf,
  wholeKeyId,
} from './trust/ceremonies.ts';
import { type Draft, encodeDrafts, parseDrafts, publishDrafts, signDraft } from './trust/draft.ts';
import { type HandOverFlags, handOver } from './trust/hand-over.ts';
import { peopleNamed } from './trust/people-named.ts';
import { trustRows, trustWarnings } from './trust/status.ts';
import {
  accepted,
  namedKeys,
  namingFullDisk,
  onlineKey,
  openTrust,
  settleNextKey,
  type TrustFolder,
  trustFiles,
} from './trust/trust-folder.ts';

/** `outrider trust`: who may sign what, and the ceremonies that change it. */
export function trustNoun(program: Command, world: World): void {
  const trust = program.command('trust').description('the two repositories: who signs what, and until when');

  ceremony(trust, 'init', 'found both repositories in the data folder: people of the root, keys of the server, models')
    .requiredOption(
      '--root <file>',
      'a key file of a person of the root; a secret one signs at once; repeat it',
      repeated,
    )
    .option('--root-threshold <keys>', 'how many of them must sign (default: 2, or 1 of 1)', parseCount)
    .requiredOption('--key <file>', 'a public key file of who signs releases; repeat it', repeated)
    .requiredOption('--threshold <groups>', 'how many different groups must sign a release', parseCount)
    .requiredOption('--model <device type>', 'what they sign for; repeat it', repeatedLabel)
    .option('--approver <file>', 'a public key file of who signs charters; repeat it', repeated)
    .option('--approver-threshold <groups>', 'how many of their groups must sign (default: 2, or 1 of 1)', parseCount)
    .option(PERSON[0], PERSON[1], repeated)
    .action((flags: InitFlags) => init(world, flags));

  ceremony(trust, 'delegate', 'let other groups sign for a further model or supplier')
    .requiredOption('--model <device type>', 'what lies below this name', parseLabel)
    .requiredOption('--key <file>', 'a public key file; repeat it', repeated)
    .requiredOption('--threshold <groups>', 'how many different groups must sign', parseCount)
    .option('--signer <file>', 'a secret key file of a person of the root; repeat it', repeated)
    .option('--out <file>', 'where a draft goes on from that has too few signatures')
    .action((flags: DelegateFlags) => delegate(world, flags));

  ceremony(trust, 'rotate', 'give a role other keys; those of the server are made here')
    .requiredOption('--role <name>', 'root, snapshot, timestamp, director, approvers or a model', parseLabel)
    .option('--remove <key id>', 'a key that leaves, or the beginning of its id; repeat it', repeated)
    .option('--add <file>', 'a public key file that comes; repeat it', repeated)
    .option('--threshold <count>', 'the new threshold (default: as it is)', parseCount)
    .option(PERSON[0], PERSON[1], repeated)
    .option('--signer <file>', 'a secret key file; repeat it', repeated)
    .option('--out <file>', 'where a draft goes on from that has too few signatures')
    .action((flags: RotateFlags) => rotate(world, flags));

  ceremony(trust, 'revoke', 'take a lost or stolen key out of every role; one of the server is replaced')
    .argument('<key id>', 'or its beginning, as `outrider trust status` shows it')
    .option('--signer <file>', 'a secret key file; repeat it', repeated)
    .option('--out <file>', 'where a draft goes on from that has too few signatures')
    .action((keyId: string, flags: SignedFlags) => revoke(world, keyId, flags));

  ceremony(trust, 'renew', 'sign a role again before it expires')
    .requiredOption('--role <name>', 'root, targets or a model', parseLabel)
    .option('--signer <file>', 'a secret key file; repeat it', repeated)
    .option('--out <file>', 'where a draft goes on from that has too few signatures')
    .action((flags: SignedFlags & { readonly role: string }) => renew(world, flags));

  ceremony(trust, 'sign', 'add signatures to a draft that another person began')
    .argument('<draft>', 'what a ceremony wrote with --out')
    .requiredOption('--signer <file>', 'a secret key file; repeat it', repeated)
    .action((path: string, flags: SignedFlags) => sign(world, path, flags));

  ceremony(trust, 'publish', 'put a signed draft into force')
    .argument('<draft>', 'what a ceremony wrote with --out')
    .action((path: string, flags: SignedFlags) => publishFile(world, path, flags));

  ceremony(trust, 'hand-over', 'let devices that registered before follow the repositories: signed as a release is')
    .argument('<file>', 'made by the first who signs; each next one adds a signature')
    .option('--signer <file>', 'a secret key file that signs releases; repeat it', repeated)
    .option('--publish', 'put it beside the repositories, for those devices to find')
    .action((path: string, flags: HandOverFlags) => handOver(world, path, flags));

  trust
    .command('status')
    .description('every document in force: who signs it and when it expires; warnings on standard error')
    .option('--data <folder>', 'data folder of the server')
    .option('--json', 'print JSON')
    .action((flags: OutputFlags & { readonly data?: string }) => status(world, flags));
}

const PERSON = [
  '--person <group or key id=person>',
  'whose key an approver’s is, as the issuer names them: safety=grace; repeat it',
] as const;

interface CommonFlags extends OutputFlags, PassphraseFlags {
  readonly data?: string;
}

interface SignedFlags extends CommonFlags {
  readonly signer?: readonly string[];
  readonly out?: string;
}

interface InitFlags extends CommonFlags {
  readonly root: readonly string[];
  readonly rootThreshold?: number;
  readonly key: readonly string[];
  readonly threshold: number;
  readonly model: readonly string[];
  readonly approver?: readonly string[];
  readonly approverThreshold?: number;
  readonly person?: readonly string[];
}

interface DelegateFlags extends SignedFlags {
  readonly model: string;
  readonly key: readonly string[];
  readonly threshold: number;
}

interface RotateFlags extends SignedFlags {
  readonly role: string;
  readonly remove?: readonly string[];
  readonly add?: readonly string[];
  readonly threshold?: number;
  readonly person?: readonly string[];
}

function ceremony(trust: Command, name: string, description: string): Command {
  return trust
    .command(name)
    .description(description)
    .option('--data <folder>', 'data folder of the server')
    .option(PASSPHRASE_FD[0], PASSPHRASE_FD[1], parseDescriptor)
    .option('--json', 'print JSON');
}

function parseDescriptor(value: string): number {
  const descriptor = parseWhole(value);
  if (descriptor !== 1 && descriptor !== 2) return descriptor;
  throw new InvalidArgumentError('allowed is 0, or 3 and above: 1 and 2 are written to');
}

async function init(world: World, flags: InitFlags): Promise<void> {
  const folder = dataFolder(world, flags);
  const rootKeys = await namedKeys(world, flags.root, parseAnyPublicKeyFile);
  const releaseKeys = await namedKeys(world, flags.key);
  const secret: string[] = [];
  for (const path of flags.root) if (isSecret(await readTextFile(world, 'key file', path))) secret.push(path);
  const rootSigners = await signersFrom(world, secret, flags);
  // As the server makes it: it holds keys.
  await createFolder(folder, 0o700);
  const online = {
    snapshot: await onlineKey(folder, 'snapshot', true),
    timestamp: await onlineKey(folder, 'timestamp', true),
    director: await onlineKey(folder, 'permit', true),
  };
  await namingFullDisk(async () => {
    accepted(
      await foundRepositories(trustFiles(folder), {
        rootKeys,
        rootThreshold: flags.rootThreshold ?? Math.min(2, rootKeys.length),
        rootSigners,
        online,
        models: flags.model.map((name) => ({ name, keys: releaseKeys, threshold: flags.threshold })),
        ...(flags.approver && { approvers: await approversOf(world, flags.approver, flags) }),
        now: wallClock().now(),
      }),
    );
  });
  await sayReleaseRole(world, folder, flags);
  world.log(`Both repositories are founded in ${folder}; keep the keys of the root offline from now on`);
  await status(world, flags);
}

async function approversOf(
  world: World,
  paths: readonly string[],
  { approverThreshold: threshold, person = [] }: InitFlags,
): Promise<Omit<ApproverChange, 'remove'>> {
  const add = await namedKeys(world, paths);
  return { add, people: peopleNamed(person), ...(threshold === undefined ? {} : { threshold }) };
}

/** The server asks the same people before it takes a release in; a role that is there stays. */
async function sayReleaseRole(world: World, folder: string, flags: InitFlags): Promise<void> {
  const path = join(folder, 'release-role.json');
  if (await exists(path)) return;
  const keys: PublicKeyFile[] = [];
  for (const one of flags.key)
    keys.push(await readDocument(world, { noun: 'key file', path: one }, parsePublicKeyFile));
  await writeFileDurably(path, `${encodeSigningRole(roleOf(keys, flags.threshold))}\n`);
}

async function delegate(world: World, flags: DelegateFlags): Promise<void> {
  const trust = await openTrust(dataFolder(world, flags));
  const role = delegatedRole(flags.model, { keys: await namedKeys(world, flags.key), threshold: flags.threshold });
  const drafts = accepted(draftsOfDelegation(trust, role, wallClock().now()));
  await conclude(world, flags, { trust, drafts, roles: [flags.model] });
}

async function rotate(world: World, flags: RotateFlags): Promise<void> {
  const folder = dataFolder(world, flags);
  const trust = await openTrust(folder);
  const online = ONLINE_ROLES[flags.role];
  if (online !== undefined && flags.add !== undefined) {
    throw usageFailure(`The key of ${flags.role} is at the server and is made there; leave --add away`);
  }
  const add: readonly NamedKey[] =
    online === undefined
      ? await namedKeys(world, flags.add ?? [], flags.role === 'root' ? parseAnyPublicKeyFile : parsePublicKeyFile)
      : [await onlineKey(folder, `${online}.next`, true)];
  const named = flags.remove?.map((text) => wholeKeyId(trust, text));
  const remove = named ?? (online === undefined ? [] : keysNow(trust, flags.role));
  const { threshold } = flags;
  const { person = [] } = flags;
  if (person.length > 0 && flags.role !== 'approvers') {
    throw usageFailure(
      `People are bound to keys of the role approvers alone, not of ${flags.role}; leave --person away`,
    );
  }
  const bounds = threshold === undefined ? {} : { threshold };
  const change = { remove, add, people: peopleNamed(person), ...bounds };
  const drafts = accepted(draftsOfChange(trust, flags.role, { change, now: wallClock().now() }));
  await conclude(world, flags, { trust, drafts, roles: [flags.role] });
}

async function revoke(world: World, text: string, flags: SignedFlags): Promise<void> {
  const trust = await openTrust(dataFolder(world, flags));
  const keyId = wholeKeyId(trust, text);
  const roles = rolesOfKey(trust, keyId);
  if (roles.length === 0) {
    const message = `No role names the key ${keyId}; see \`outrider trust status\``;
    throw new CommandFailure('not-found', message, { code: 'key-not-in-role' });
  }
  for (const role of roles) await rotate(world, { ...flags, role, remove: [keyId] });
}

async function renew(world: World, flags: SignedFlags & { readonly role: string }): Promise<void> {
  const trust = await openTrust(dataFolder(world, flags));
  const drafts = accepted(draftsOfRenewal(trust, flags.role, wallClock().now()));
  await conclude(world, flags, { trust, drafts, roles: [flags.role] });
}

async function sign(world: World, path: string, flags: SignedFlags): Promise<void> {
  const trust = await openTrust(dataFolder(world, flags));
  const drafts = await readDocument(world, { noun: 'draft', path }, parseDrafts);
  const signed = await signedDrafts(world, { trust, drafts }, flags);
  await writeFileDurably(pathOf(world, path), `${encodeDrafts(signed)}\n`);
  for (const { repository, role, signatures } of signed) {
    world.log(`${role} of the ${repository} repository has ${signatures.length} signatures`);
  }
}

async function publishFile(world: World, path: string, flags: SignedFlags): Promise<void> {
  const folder = dataFolder(world, flags);
  const trust = await openTrust(folder);
  const drafts = await readDocument(world, { noun: 'draft', path }, parseDrafts);
  await putIntoForce(world, folder, { trust, drafts });
  await status(world, flags);
}

interface Ceremony {
  readonly trust: TrustFolder;
  readonly drafts: readonly Draft[];
}

/** Signs with the keys that are here; published when that is enough, or handed on as a file. */
async function conclude(
  world: World,
  flags: SignedFlags,
  { roles, ...around }: Ceremony & { readonly roles: readonly string[] },
): Promise<void> {
  const drafts = await signedDrafts(world, around, flags);
  if (flags.out !== undefined) {
    await createFile(world, { noun: 'draft', path: flags.out, mode: 0o644 }, `${encodeDrafts(drafts)}\n`);
    world.log(
      `The draft is in ${flags.out}; the next person adds \`outrider trust sign ${flags.out} --signer <file>\`, the last \`outrider trust publish\``,
    );
    return;
  }
  const folder = dataFolder(world, flags);
  await putIntoForce(world, folder, { trust: around.trust, drafts });
  world.log(`${roles.join(', ')}: in force; devices follow at their next check-in`);
  await status(world, flags);
}

async function signedDrafts(world: World, { trust, drafts }: Ceremony, flags: SignedFlags): Promise<readonly Draft[]> {
  const signers = await signersFrom(world, flags.signer ?? [], flags);
  const signed: Draft[] = [];
  for (const one of drafts) {
    const named = signersOf(trust, one, drafts);
    signed.push(
      await signDraft(
        one,
        signers.filter(({ keyId }) => named.has(keyId)),
      ),
    );
  }
  const strangers = signers.filter(
    ({ keyId }) => !signed.some((one) => one.signatures.some((by) => by.keyId === keyId)),
  );
  const [stranger] = strangers;
  if (stranger === undefined) return signed;
  throw new CommandFailure(
    'refused',
    `The key ${stranger.keyId} signs for none of this; see \`outrider trust status\``,
    {
      code: 'key-not-in-role',
    },
  );
}

/** A key of the server that a root names from now on takes the place of the former. */
async function putIntoForce(world: World, folder: string, { trust, drafts }: Ceremony): Promise<void> {
  const named = new Set(drafts.flatMap(({ metadata }) => (metadata.type === 'root' ? [...metadata.keys.keys()] : [])));
  const next = async (name: 'snapshot' | 'timestamp' | 'permit', now: MetadataSigner): Promise<MetadataSigner> => {
    if (named.size === 0 || named.has(now.keyId)) return now;
    const key = await onlineKey(folder, `${name}.next`).catch(() => now);
    return named.has(key.keyId) ? key : now;
  };
  const { snapshot, timestamp, director } = trust.online;
  const signers = {
    snapshot: await next('snapshot', snapshot),
    timestamp: await next('timestamp', timestamp),
    director: await next('permit', director),
  };
  await publishDrafts(trust, drafts, { now: wallClock().now(), signers });
  if (signers.snapshot !== snapshot) await settleNextKey(folder, 'snapshot');
  if (signers.timestamp !== timestamp) await settleNextKey(folder, 'timestamp');
  if (signers.director === director) return;
  await settleNextKey(folder, 'permit');
  world.log('The director has a new key, which signs permits too: restart the server now');
}

async function status(world: World, flags: OutputFlags & { readonly data?: string }): Promise<void> {
  const folder = dataFolder(world, flags);
  const rows = await trustRows(trustFiles(folder), wallClock().now());
  showList(world, flags, {
    json: encodeJson({ items: rows }),
    noun: `repository in ${folder}`,
    rows,
    columns: [
      { title: 'repository', cell: (row) => row.repository },
      { title: 'role', cell: (row) => row.role },
      { title: 'version', cell: (row) => row.version },
      { title: 'expires', cell: (row) => row.expires },
      { title: 'needs', cell: (row) => `${row.threshold} of ${row.groups.length || row.keys.length}` },
      { title: 'keys', cell: (row) => row.keys.map((keyId) => keyId.slice(0, 12)).join(' ') },
      { title: 'state', cell: (row) => row.standing },
    ],
  });
  for (const warning of trustWarnings(rows)) world.log(warning);
  const isNamedTwice =
    rows.some(({ role }) => role === 'approvers') && (await exists(join(folder, 'approver-role.json')));
  if (isNamedTwice) world.log('The root names the approvers, so approver-role.json is asked no more; remove it');
}

async function signersFrom(
  world: World,
  paths: readonly string[],
  flags: PassphraseFlags,
): Promise<readonly MetadataSigner[]> {
  return (await openKeys(world, paths, { ...flags, isForMetadata: true })).map(({ signer }) => metadataSigner(signer));
}

function keysNow({ image, director }: TrustFolder, role: string): readonly string[] {
  const { roles } = role === 'director' ? director.document.signed : image.root.signed;
  return roles[role === 'snapshot' || role === 'timestamp' ? role : 'targets'].keyIds;
}

function isSecret(text: string): boolean {
  return text.includes('"privateKey"') || text.includes('"sealed"') || text.includes('"signedBy"');
}
