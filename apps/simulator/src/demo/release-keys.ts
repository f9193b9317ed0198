// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { writeFileDurably } from '@outrider/adapters/shared/files';
import { loadKeyFrom, makeKeyAt } from '@outrider/adapters/shared/key-on-disk';
import { metadataSigner } from '@outrider/adapters/shared/metadata-keys';
import { metadataFolder, REPOSITORY_FOLDER } from '@outrider/adapters/shared/metadata-repository';
import type { FleetInstant } from '@outrider/domain/kernel/time';
import type { Signer } from '@outrider/domain/trust/ports';
import { encodeSigningRole } from '@outrider/protocol/trust/anchors';
import { type ReleaseHouse, releaseHouse } from '../product/release-house.ts';
import { type ReleaseSigners, releaseRoleOf } from '../product/signed-release.ts';
import { DemoFault } from './fault.ts';

/** The keys of build, release engineering and root: made at the first start, the same ever after. */
export async function loadReleaseSigners(folder: string): Promise<ReleaseSigners> {
  return {
    build: await loadKey(folder, 'build'),
    releaseEngineering: await loadKey(folder, 'release-engineering'),
    root: await loadKey(folder, 'root'),
  };
}

/** The keys of two approvers, made at the first start: for the demonstration alone, where no person stands behind them. */
export async function loadApprovers(folder: string): Promise<readonly Signer[]> {
  return [await loadKey(folder, 'safety'), await loadKey(folder, 'operations')];
}

/**
 * Sets a data folder up before its server starts, as `outrider trust init` does: who must sign a release and who a charter, and both repositories.
 * The keys of the server are made there; of the people's only the public halves come into it.
 */
export async function settleTrust(
  dataFolder: string,
  { signers, approvers }: { readonly signers: ReleaseSigners; readonly approvers?: readonly Signer[] },
  now: FleetInstant,
): Promise<ReleaseHouse> {
  await writeFileDurably(join(dataFolder, 'release-role.json'), `${encodeSigningRole(releaseRoleOf(signers))}\n`);
  const online = {
    snapshot: metadataSigner(await loadKey(dataFolder, 'snapshot', '-key.json')),
    timestamp: metadataSigner(await loadKey(dataFolder, 'timestamp', '-key.json')),
    // One key says what a device shall have, and that it may have it now.
    director: metadataSigner(await loadKey(dataFolder, 'permit', '-key.json')),
  };
  const house = releaseHouse({ signers, online, files: metadataFolder(join(dataFolder, REPOSITORY_FOLDER)) });
  await house.settle(now, approvers);
  return house;
}

/** The server's keys of the image repository, made anew in its data folder and brought into force by the people of the root. */
export async function replaceServerKeys(dataFolder: string, house: ReleaseHouse, now: FleetInstant): Promise<void> {
  const made = async (name: 'snapshot' | 'timestamp') =>
    metadataSigner(await makeKeyAt(join(dataFolder, `${name}-key.json`), name));
  await house.replaceServerKeys({ snapshot: await made('snapshot'), timestamp: await made('timestamp') }, now);
}

async function loadKey(folder: string, group: string, ending = '.key.json'): Promise<Signer> {
  const path = join(folder, `${group}${ending}`);
  const stored = await loadKeyFrom(path);
  if (stored.ok) return stored.value ?? makeKeyAt(path, group);
  throw new DemoFault(`The key file ${path} ${stored.error}; choose another --data`);
}
