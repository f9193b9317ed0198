// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { createSeed, signerFromSeed } from '@outrider/adapters/shared/ed25519';
import { writeFileDurably } from '@outrider/adapters/shared/files';
import { foundRepositories } from '@outrider/adapters/shared/found-repositories';
import { metadataDigest, metadataSigner } from '@outrider/adapters/shared/metadata-keys';
import { metadataFolder, REPOSITORY_FOLDER, signMetadata } from '@outrider/adapters/shared/metadata-repository';
import { assert } from '@outrider/domain/kernel/assert';
import type { FleetInstant } from '@outrider/domain/kernel/time';
import { nextReleaseTargets } from '@outrider/domain/release/release-targets';
import type { Signer } from '@outrider/domain/trust/ports';
import type { TargetsMetadata } from '@outrider/domain/trust/tuf/metadata';
import type { MetadataSigner } from '@outrider/domain/trust/tuf/ports';
import { encodeKeyFile } from '@outrider/protocol/trust/key-file';
import type { Installation } from '@outrider/simulator/compose';
import type { Published } from './scene.ts';

/** Both repositories of the stage, and who signs for a model. */
export interface StageRepositories {
  /** The director's key: the one that signs permits. */
  readonly director: MetadataSigner;
  /** The signed targets of a model after one more of its releases. */
  targetsFor(release: Published, now: FleetInstant): Promise<string>;
}

/** Models that are named before any of them plays: as many as there will be scenes. */
const MODELS = 60;

/** Founds them in the data folder of the server, with keys for what it signs by itself. */
export async function foundStageRepositories(
  { dataFolder, signers }: Installation,
  permitSigner: Signer,
  now: FleetInstant,
): Promise<StageRepositories> {
  const [build, releng] = [metadataSigner(signers.build), metadataSigner(signers.releaseEngineering)];
  const [person, snapshot, timestamp] = [
    await newKey(),
    await newKey(dataFolder, 'snapshot'),
    await newKey(dataFolder, 'timestamp'),
  ];
  const director = metadataSigner(permitSigner);
  const keys = [
    { keyId: build.keyId, key: build.key, group: 'build' },
    { keyId: releng.keyId, key: releng.key, group: 'release-engineering' },
  ];
  const founded = await foundRepositories(metadataFolder(join(dataFolder, REPOSITORY_FOLDER)), {
    rootKeys: [{ keyId: person.keyId, key: person.key }],
    rootThreshold: 1,
    rootSigners: [person],
    online: { snapshot, timestamp, director },
    models: Array.from({ length: MODELS }, (_, index) => ({ name: `vouched-${index + 1}`, keys, threshold: 2 })),
    now,
  });
  assert(founded.ok, `repositories that can be founded, got ${JSON.stringify(founded)}`);
  const former = new Map<string, TargetsMetadata>();
  return {
    director,
    async targetsFor({ manifest, envelope }, at) {
      const release = { manifest, payload: envelope.payload, now: at };
      const next = nextReleaseTargets(former.get(manifest.deviceType), release, metadataDigest);
      former.set(manifest.deviceType, next);
      return signMetadata(next, [build, releng]);
    },
  };
}

async function newKey(folder?: string, name?: string): Promise<MetadataSigner> {
  const seed = createSeed();
  const signer = signerFromSeed(seed);
  if (folder !== undefined && name !== undefined) {
    const privateKey = Buffer.from(seed).toString('base64');
    const text = encodeKeyFile({ schema: 1, group: name, privateKey, ...signer.publicKey });
    await writeFileDurably(join(folder, `${name}-key.json`), `${text}\n`, 0o600);
  }
  return metadataSigner(signer);
}
