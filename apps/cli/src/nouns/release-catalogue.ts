// SPDX-License-Identifier: Apache-2.0
import type { Component, ReleaseManifest } from '@outrider/domain/release/release';
import type { Command } from 'commander';
import { type Answer, cellAt, jsonAt, listAt, parseAnswer, timeAt } from '../answer.ts';
import { type ConnectionFlags, withConnection } from '../connection.ts';
import { CommandFailure } from '../failure.ts';
import { parseLabel } from '../flags.ts';
import { openBlob } from '../image-folder.ts';
import type { ManagementClient } from '../management-client.ts';
import { type OutputFlags, show, showList } from '../output.ts';
import { blobUploadPath, PATHS, pathOfOne, withQuery } from '../paths.ts';
import { encodeReleaseFile, readRelease } from '../release-file.ts';
import { ask, connect, tell } from '../server.ts';
import { type Field, table } from '../table.ts';
import type { World } from '../world.ts';

type Flags = ConnectionFlags & OutputFlags;
/** Who does this, for the audit log. */
type ChangeFlags = Flags & { readonly author?: string };

/** `outrider release publish | list | show | withdraw`: the catalogue of a server. */
export function releaseCatalogueVerbs(release: Command, world: World): void {
  withConnection(release.command('publish'))
    .description('upload the images of a signed release and publish it; deltas are made before it answers')
    .argument('<file>', 'the signed envelope')
    .option('--artifacts <folder>', 'where the packed images are', 'artifacts')
    .option('--author <name>', 'who does this (default: USER; whoever is signed in is taken by name)', parseLabel)
    .option('--json', 'print JSON')
    .action((file: string, flags: ChangeFlags & { artifacts: string }) => publish(world, file, flags));

  withConnection(release.command('list'))
    .description('all releases, newest last')
    .option('--device-type <name>', 'only those for this device type')
    .option('--json', 'print JSON')
    .action((flags: Flags & { deviceType?: string }) => list(world, flags));

  withConnection(release.command('show'))
    .description('one release in full')
    .argument('<release>', 'its id')
    .option('--json', 'print JSON')
    .action((id: string, flags: Flags) => showWithDeltas(world, id, flags));

  withConnection(release.command('withdraw'))
    .description('offer a release to nobody any more; it stays in the catalogue, marked')
    .argument('<release>', 'its id')
    .requiredOption('--reason <text>', 'why, for people')
    .option('--author <name>', 'who does this (default: USER; whoever is signed in is taken by name)', parseLabel)
    .option('--json', 'print JSON')
    .action(async (id: string, flags: ChangeFlags & { reason: string }) => {
      const body = { reason: flags.reason, author: flags.author };
      showOne(world, flags, await tell(world, flags, pathOfOne('releases', id, 'withdraw'), body));
    });
}

async function publish(world: World, path: string, flags: ChangeFlags & { artifacts: string }): Promise<void> {
  const release = await readRelease(world, path);
  const { manifest } = release;
  const client = await connect(world, flags);
  for (const digest of blobsOf(manifest)) await upload(world, client, flags.artifacts, digest);
  world.log(`Publishing ${manifest.releaseId}: the server checks the images and makes the deltas`);
  const target = withQuery(PATHS.releases, { author: flags.author });
  const answer = await client.ask({ method: 'POST', path: target, json: encodeReleaseFile(release) });
  const published = parseAnswer(answer);
  showOne(world, flags, published);
  if (jsonAt(published.value, 'isVouched') !== 'false') return;
  const sentence =
    'The server has no repositories, so devices believe this release by pinned keys alone; found them with `outrider trust init`';
  world.log(sentence);
}

/** Images and block lists, of the rollback twin too, each once. */
function blobsOf(manifest: ReleaseManifest): ReadonlySet<string> {
  const components: readonly Component[] = [...manifest.components, ...(manifest.rollbackTwin?.components ?? [])];
  return new Set(components.flatMap(({ image }) => [image.digest, image.blocksDigest]));
}

/** What the server has is not sent again; the former image is mostly there already. */
async function upload(world: World, client: ManagementClient, folder: string, digest: string): Promise<void> {
  if (await client.exists(`/blobs/${digest}`)) return;
  const blob = await openBlob(world, folder, digest);
  if (blob === undefined) {
    const message = `The server does not have ${digest} and neither does ${folder}; pack it with \`outrider release pack\`, or name its folder with --artifacts`;
    throw new CommandFailure('not-found', message, { code: 'blob-missing' });
  }
  world.log(`Uploading ${digest} (${blob.length} bytes)`);
  await client.ask({ method: 'PUT', path: blobUploadPath(digest), bytes: blob });
}

async function list(world: World, flags: Flags & { deviceType?: string }): Promise<void> {
  const answer = await ask(world, flags, withQuery(PATHS.releases, { deviceType: flags.deviceType }));
  showList(world, flags, {
    json: answer.text,
    noun: 'release',
    rows: listAt(answer.value, 'items'),
    columns: [
      { title: 'release', cell: (row) => cellAt(row, 'manifest.releaseId') },
      { title: 'device type', cell: (row) => cellAt(row, 'manifest.deviceType') },
      { title: 'version', cell: (row) => cellAt(row, 'manifest.version') },
      { title: 'counter', cell: (row) => cellAt(row, 'manifest.releaseCounter') },
      { title: 'way back', cell: (row) => cellAt(row, 'manifest.rollbackTwin.version') },
      { title: 'published', cell: (row) => timeAt(row, 'publishedAt') },
      { title: 'withdrawn', cell: (row) => timeAt(row, 'withdrawnAt') },
    ],
  });
}

async function showWithDeltas(world: World, id: string, flags: Flags): Promise<void> {
  const { text, value } = await ask(world, flags, pathOfOne('releases', id));
  show(world, flags, text, () => fieldsOf(value, 'release.'));
  const deltas = listAt(value, 'deltas');
  if (flags.json === true || deltas.length === 0) return;
  world.write(
    `\n${table(deltas, [
      { title: 'delta from', cell: (row) => cellAt(row, 'fromDigest') },
      { title: 'to', cell: (row) => cellAt(row, 'toDigest') },
      { title: 'bytes', cell: (row) => cellAt(row, 'bytes') },
    ])}`,
  );
}

function showOne(world: World, flags: Flags, { text, value }: Answer): void {
  show(world, flags, text, () => fieldsOf(value, ''));
}

/** The fields of a release; `at` is where it stands in the answer. */
function fieldsOf(value: unknown, at: string): readonly Field[] {
  const cell = (path: string): string | number | undefined => cellAt(value, `${at}${path}`);
  return [
    ['release', cell('manifest.releaseId')],
    ['device type', cell('manifest.deviceType')],
    ['version', cell('manifest.version')],
    ['counter', cell('manifest.releaseCounter')],
    ['floor', cell('manifest.floorVersion')],
    ['way back', cell('manifest.rollbackTwin.version')],
    ...listAt(value, `${at}manifest.components`).map(
      (one): Field => [
        `component ${cellAt(one, 'name')}`,
        `${cellAt(one, 'image.digest')} (${cellAt(one, 'image.bytes')} bytes) on ${listAt(one, 'hardwareIds').join(', ')}`,
      ],
    ),
    [
      'signed by',
      listAt(value, `${at}envelope.signatures`)
        .map((one) => cellAt(one, 'keyId'))
        .join(' '),
    ],
    ['notes', cell('manifest.notes')],
    ['published', timeAt(value, `${at}publishedAt`)],
    ['withdrawn', timeAt(value, `${at}withdrawnAt`)],
    ['reason', cell('withdrawnReason')],
  ];
}
