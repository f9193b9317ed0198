// SPDX-License-Identifier: Apache-2.0

import { wallClock } from '@outrider/adapters/shared/clock';
import { writeFileDurably } from '@outrider/adapters/shared/files';
import { metadataDigest, metadataSigner } from '@outrider/adapters/shared/metadata-keys';
import type { ReleaseCounter, ReleaseId, Sha256 } from '@outrider/domain/kernel/ids';
import { RELEASE_ERRORS } from '@outrider/domain/release/errors';
import { type Floors, floorAbove } from '@outrider/domain/release/floors';
import {
  type Component,
  type Dependency,
  RELEASE_MANIFEST_TYPE,
  type ReleaseManifest,
} from '@outrider/domain/release/release';
import { claimOf, nextReleaseTargets, targetPath } from '@outrider/domain/release/release-targets';
import { validateManifest } from '@outrider/domain/release/validate-manifest';
import { type Envelope, preAuthenticationEncoding } from '@outrider/domain/trust/envelope';
import type { PatientSigner } from '@outrider/domain/trust/ports';
import type { MetadataSignature } from '@outrider/domain/trust/tuf/metadata';
import { encodeJson } from '@outrider/protocol/kernel/json-text';
import { version as parseVersionText } from '@outrider/protocol/kernel/values';
import { encodeManifest } from '@outrider/protocol/release/manifest';
import { metadataMessage } from '@outrider/protocol/trust/tuf/write-metadata';
import { type Command, InvalidArgumentError } from 'commander';
import { CommandFailure, usageFailure } from '../failure.ts';
import { createFile, fileFailure, pathOf } from '../files.ts';
import { parseCount, parseLabel, parseWhole } from '../flags.ts';
import { type PackedImage, packFileInto, packInto, readImage } from '../image-folder.ts';
import { manifestOf } from '../manifest.ts';
import { openKey } from '../open-key.ts';
import { type OutputFlags, show } from '../output.ts';
import { PASSPHRASE_FD, type PassphraseFlags } from '../passphrase.ts';
import { encodeReleaseFile, type ReleaseFile, readRelease } from '../release-file.ts';
import type { World } from '../world.ts';

const ARTIFACTS_DEFAULT = 'artifacts';

/** `outrider release pack | create | sign`: from a folder to a signed release, without a server. */
export function releaseBuildVerbs(release: Command, world: World): void {
  release
    .command('pack')
    .description('pack a folder into a deterministic image with its block list; prints the digest')
    .argument('<folder>', 'what shall be in the slot; with --file one file')
    .option('--file', 'take one file as it is, for clients with a format of their own, such as a .swu of SWUpdate')
    .option('--artifacts <folder>', 'where image and block list go, by digest', ARTIFACTS_DEFAULT)
    .option('--only-digest', 'print the digest and nothing else, for scripts')
    .option('--json', 'print JSON')
    .action((folder: string, flags: PackFlags) => pack(world, folder, flags));

  release
    .command('create')
    .description('write a release to be signed, with its rollback twin from the former release')
    .requiredOption('--device-type <name>', 'what kind of device it is for', parseLabel)
    .requiredOption('--version <version>', 'SemVer 2.0.0, for example 1.2.0', parseVersion)
    .requiredOption(
      '--component <name:digest:hardware,...>',
      'a packed image and the hardware it runs on; repeat it in install order',
      repeatedComponent,
    )
    .option(
      '--former <file>',
      'the release that devices go back to (required unless it is the first of its device type)',
    )
    .option(
      '--after <file>',
      'the newest release of the device type, whose list of releases goes on (default: the former)',
    )
    .option('--first', 'it is the first release of its device type and has no way back')
    .option('--floor <version>', 'lowest version from which a device may come directly', parseVersion)
    .option(
      '--depends <component@version>',
      'another component that must be there, at least in this version; repeat it',
      repeatedDependency,
    )
    .option(
      '--security-floor <counter>',
      'what lies below is unsafe: a device that has confirmed this release never goes back there (default: as before)',
      parseCount,
    )
    .option(
      '--migration-floor <counter>',
      'what lies below cannot read the data any more: no way back there either (default: as before)',
      parseCount,
    )
    .option('--notes <text>', 'what changed, for people', '')
    .option('--id <release>', 'default: <device type>-<version>', parseLabel)
    .option('--counter <number>', 'release counter (default: the next after the former release)', parseCount)
    .option('--artifacts <folder>', 'where the packed images are', ARTIFACTS_DEFAULT)
    .requiredOption('--out <file>', 'the unsigned envelope, for example release.json')
    .option('--json', 'print JSON')
    .action((flags: CreateFlags) => create(world, flags));

  release
    .command('sign')
    .description('add a signature to a release; each group of the role signs with a key of its own')
    .argument('<file>', 'the envelope that `release create` wrote')
    .requiredOption('--key <file>', 'a secret key file')
    .option(PASSPHRASE_FD[0], PASSPHRASE_FD[1], parseWhole)
    .option('--json', 'print JSON')
    .action((file: string, flags: SignFlags) => sign(world, file, flags));
}

interface PackFlags extends OutputFlags {
  readonly artifacts: string;
  readonly onlyDigest?: true;
  readonly file?: true;
}

async function pack(world: World, folder: string, flags: PackFlags): Promise<void> {
  const image: PackedImage =
    flags.file === true
      ? await packFileInto(world, folder, flags.artifacts)
      : await packInto(world, folder, flags.artifacts);
  if (flags.onlyDigest === true) {
    world.write(`${image.digest}\n`);
    return;
  }
  show(world, flags, encodeJson(image), () => [
    ['digest', image.digest],
    ['bytes', image.bytes],
    ['block bytes', image.blockBytes],
    ['blocks digest', image.blocksDigest],
    ['file', image.file?.name],
  ]);
}

interface ComponentFlag {
  readonly name: string;
  readonly digest: string;
  readonly hardwareIds: readonly string[];
}

interface CreateFlags extends OutputFlags {
  readonly deviceType: string;
  readonly version: string;
  readonly component: readonly ComponentFlag[];
  readonly former?: string;
  readonly after?: string;
  readonly first?: true;
  readonly floor?: string;
  readonly depends?: readonly Dependency[];
  readonly notes: string;
  readonly id?: string;
  readonly counter?: number;
  readonly securityFloor?: number;
  readonly migrationFloor?: number;
  readonly artifacts: string;
  readonly out: string;
}

async function create(world: World, flags: CreateFlags): Promise<void> {
  if ((flags.former === undefined) === (flags.first === undefined)) {
    throw usageFailure(
      'A release names its way back with --former <file>, or says --first when its device type has none yet; give exactly one of the two',
    );
  }
  const formerFile = flags.former === undefined ? undefined : await readRelease(world, flags.former);
  const former = formerFile?.manifest;
  const newest = flags.after === undefined ? formerFile : await readRelease(world, flags.after);
  const manifest = manifestOf({
    deviceType: flags.deviceType,
    version: flags.version,
    components: await Promise.all(flags.component.map((one) => componentOf(world, one, flags.artifacts))),
    dependencies: flags.depends ?? [],
    notes: flags.notes,
    ...(flags.floor === undefined ? {} : { floorVersion: flags.floor }),
    // The flag was parsed as a label, which is what a release id is.
    ...(flags.id === undefined ? {} : { releaseId: flags.id as ReleaseId }),
    ...(flags.counter === undefined ? {} : { releaseCounter: flags.counter }),
    ...(former === undefined ? {} : { former }),
  });
  assertValid(manifest, flags.former);
  const payload = encodeManifest(manifest);
  const envelope: Envelope = { payloadType: RELEASE_MANIFEST_TYPE, payload, signatures: [] };
  const formerCounter = former?.releaseCounter;
  const release = {
    ...{ manifest, payload, now: wallClock().now(), floors: floorsFrom(flags, manifest) },
    ...(formerCounter === undefined ? {} : { formerCounter }),
  };
  const signed = nextReleaseTargets(newest?.targets?.signed, release, metadataDigest);
  const targets = { signed, message: metadataMessage(signed), signatures: [] };
  const text = encodeReleaseFile({ envelope, targets });
  await createFile(world, { noun: 'release', path: flags.out, mode: 0o644 }, `${text}\n`);
  showRelease(world, flags, { envelope, manifest, targets });
}

/** A floor is a counter that exists already, at most the one of the release itself: no device may end below its own floor. */
function floorsFrom(
  { securityFloor, migrationFloor }: Pick<CreateFlags, 'securityFloor' | 'migrationFloor'>,
  { releaseCounter }: ReleaseManifest,
): Floors {
  const floors: Floors = {
    ...(securityFloor === undefined ? {} : { security: securityFloor as ReleaseCounter }),
    ...(migrationFloor === undefined ? {} : { migration: migrationFloor as ReleaseCounter }),
  };
  const above = floorAbove(floors, releaseCounter);
  if (above === undefined) return floors;
  const message = `The ${above.kind} floor is ${above.floor} and the release itself has counter ${releaseCounter}; allowed is at most ${releaseCounter}`;
  throw usageFailure(message);
}

function assertValid(manifest: ReleaseManifest, former: string | undefined): void {
  const valid = validateManifest(manifest);
  if (valid.ok) return;
  const { code, field, seen, allowed } = valid.error;
  const from = former !== undefined && field.startsWith('rollbackTwin') ? ` (from ${former})` : '';
  throw new CommandFailure('usage', `${RELEASE_ERRORS[code]}: ${field}${from} is ${seen}, allowed is ${allowed}`, {
    code,
  });
}

async function componentOf(world: World, flag: ComponentFlag, artifacts: string): Promise<Component> {
  const { file, ...image } = await readImage(world, artifacts, flag.digest);
  return { name: flag.name, hardwareIds: flag.hardwareIds, image, ...(file === undefined ? {} : { file }) };
}

interface SignFlags extends OutputFlags, PassphraseFlags {
  readonly key: string;
}

async function sign(world: World, path: string, flags: SignFlags): Promise<void> {
  const { envelope, manifest, targets } = await readRelease(world, path);
  const { signer } = await openKey(world, flags.key, flags);
  const { keyId } = signer.publicKey;
  if (envelope.signatures.some((one) => one.keyId === keyId)) {
    throw new CommandFailure(
      'refused',
      `The key ${keyId} has signed ${path} already; a key counts once, sign with one of another group`,
      { code: 'already-signed' },
    );
  }
  const signature = await signer.sign(preAuthenticationEncoding(envelope.payloadType, envelope.payload));
  const signed: Envelope = { ...envelope, signatures: [...envelope.signatures, signature] };
  const vouching = targets && { ...targets, signatures: [...targets.signatures, await signatureOver(targets, signer)] };
  const file = { envelope: signed, manifest, ...(vouching && { targets: vouching }) };
  try {
    await writeFileDurably(pathOf(world, path), `${encodeReleaseFile(file)}\n`);
  } catch (cause) {
    throw fileFailure(cause, 'release', path, 'written');
  }
  showRelease(world, flags, file);
}

/** The same person signs for the image repository: what devices will ask of the model's role. */
async function signatureOver(
  { message }: { readonly message: string },
  signer: PatientSigner,
): Promise<MetadataSignature> {
  const { keyId, sign: signMessage } = metadataSigner(signer);
  return { keyId, signature: await signMessage(message) };
}

function showRelease(world: World, flags: OutputFlags, { envelope, manifest, targets }: ReleaseFile): void {
  show(world, flags, encodeReleaseFile({ envelope, ...(targets && { targets }) }), () => [
    ['release', manifest.releaseId],
    ['device type', manifest.deviceType],
    ['version', `${manifest.version}, counter ${manifest.releaseCounter}`],
    [
      'way back',
      manifest.rollbackTwin === undefined
        ? 'none: the first release'
        : `${manifest.rollbackTwin.version}, counter ${manifest.rollbackTwin.releaseCounter}`,
    ],
    ...floorRows(manifest, targets),
    ...manifest.components.map(({ name, hardwareIds, image }): readonly [string, string] => [
      `component ${name}`,
      `${image.digest} (${image.bytes} bytes) on ${hardwareIds.join(', ')}`,
    ]),
    [
      'signatures',
      envelope.signatures.length === 0 ? 'none yet' : envelope.signatures.map(({ keyId }) => keyId).join(' '),
    ],
  ]);
}

/** What the release forbids once it is confirmed, and whether its own way back lies there. */
function floorRows(
  { deviceType, releaseId, rollbackTwin }: ReleaseManifest,
  targets: ReleaseFile['targets'],
): readonly (readonly [string, string])[] {
  const claim = (id: ReleaseId) => {
    const file = targets?.signed.targets.get(targetPath(deviceType, id));
    return file === undefined ? undefined : claimOf(file);
  };
  const floors = claim(releaseId)?.floors;
  if (floors === undefined) return [];
  const isBarred = rollbackTwin && floorAbove(floors, claim(rollbackTwin.releaseId)?.contentCounter ?? 0);
  return [
    [
      'floors',
      Object.entries(floors)
        .map(([kind, floor]) => `${kind} ${floor}`)
        .join(', '),
    ],
    ...(isBarred
      ? [
          [
            'no way back',
            `devices that have confirmed it refuse the rollback: it lies below the ${isBarred.kind} floor`,
          ] as const,
        ]
      : []),
  ];
}

function repeatedComponent(value: string, before: readonly ComponentFlag[] | undefined): readonly ComponentFlag[] {
  const [, name = '', digest = '', hardware = ''] = /^([^:]+):([0-9a-f]{64}):([^:]+)$/.exec(value) ?? [];
  if (name === '')
    throw new InvalidArgumentError(
      'allowed is <name>:<digest of a packed image>:<hardware id>,..., for example main:3f2a...:rev-a,rev-b',
    );
  return [
    ...(before ?? []),
    { name: parseLabel(name), digest: digest as Sha256, hardwareIds: hardware.split(',').map(parseLabel) },
  ];
}

function repeatedDependency(value: string, before: readonly Dependency[] | undefined): readonly Dependency[] {
  const at = value.lastIndexOf('@');
  if (at < 1) throw new InvalidArgumentError('allowed is <component>@<version>, for example modem@2.1.0');
  return [
    ...(before ?? []),
    { component: parseLabel(value.slice(0, at)), versionAtLeast: parseVersion(value.slice(at + 1)) },
  ];
}

function parseVersion(value: string): string {
  const parsed = parseVersionText(value);
  if (parsed.ok) return parsed.value;
  throw new InvalidArgumentError('allowed is a version after SemVer 2.0.0, for example 1.2.0 or 2.0.0-rc.1');
}
