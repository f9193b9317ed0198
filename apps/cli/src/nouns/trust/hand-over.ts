// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { wallClock } from '@outrider/adapters/shared/clock';
import { createVerifier } from '@outrider/adapters/shared/ed25519';
import { exists, writeFileDurably } from '@outrider/adapters/shared/files';
import { after, instantText } from '@outrider/domain/kernel/time';
import type { Envelope } from '@outrider/domain/trust/envelope';
import { checkHandOver, HAND_OVER_TYPE } from '@outrider/domain/trust/hand-over';
import { LIFETIMES } from '@outrider/domain/trust/tuf/ceremony';
import { parseSigningRole } from '@outrider/protocol/trust/anchors';
import { encodeEnvelope, parseEnvelope } from '@outrider/protocol/trust/envelope';
import { encodeHandOver, parseHandOver } from '@outrider/protocol/trust/hand-over';
import { dataFolder } from '../../connection.ts';
import { usageFailure } from '../../failure.ts';
import { createFile, pathOf, readDocument } from '../../files.ts';
import type { OutputFlags } from '../../output.ts';
import type { PassphraseFlags } from '../../passphrase.ts';
import type { World } from '../../world.ts';
import { signedBy } from '../sign-envelope.ts';
import { accepted, namingFullDisk, openTrust, trustFiles } from './trust-folder.ts';

export interface HandOverFlags extends OutputFlags, PassphraseFlags {
  readonly data?: string;
  readonly signer?: readonly string[];
  readonly publish?: boolean;
}

/**
 * The word to devices that registered before there were repositories. Each who signs releases adds a signature to the file, which is
 * made by the first; the last puts it beside the repositories, where those devices find it.
 */
export async function handOver(world: World, path: string, flags: HandOverFlags): Promise<void> {
  const folder = dataFolder(world, flags);
  const trust = await openTrust(folder);
  const former = (await exists(pathOf(world, path))) ? await readHandOver(world, path) : undefined;
  const isWaiting = former === undefined && flags.signer === undefined;
  if (isWaiting) throw usageFailure(`There is no ${path}; begin it with --signer <file>, a key that signs releases`);
  const roots = { image: trust.image.rootText, director: trust.director.text };
  const expiresAt = after(wallClock().now(), LIFETIMES.root);
  const begun: Envelope = {
    payloadType: HAND_OVER_TYPE,
    payload: encodeHandOver({ schema: 1, roots, expiresAt }),
    signatures: [],
  };
  const signed = await signedBy(world, former ?? begun, flags.signer ?? [], flags);
  if (former === undefined) {
    await createFile(world, { noun: 'hand-over', path, mode: 0o644 }, `${encodeEnvelope(signed)}\n`);
  } else {
    await writeFileDurably(pathOf(world, path), `${encodeEnvelope(signed)}\n`);
  }
  if (flags.publish === true) return publish(world, folder, signed);
  world.log(`${path} has ${signed.signatures.length} signatures; with enough of them, run it again with --publish`);
}

/** What devices would refuse is not published: the threshold is that of the role which they pinned. */
async function publish(world: World, folder: string, envelope: Envelope): Promise<void> {
  const role = await readDocument(
    world,
    { noun: 'release role', path: join(folder, 'release-role.json') },
    parseSigningRole,
  );
  const now = wallClock().now();
  accepted(checkHandOver(envelope, { role, verifier: createVerifier(), parse: parseHandOver, now }));
  await namingFullDisk(() => trustFiles(folder).storeMetadata('hand-over.json', encodeEnvelope(envelope)));
  const until = instantText(after(now, LIFETIMES.root));
  world.log(
    `Devices that registered before follow the repositories from their next offer on; renew it before ${until}`,
  );
}

async function readHandOver(world: World, path: string): Promise<Envelope> {
  const envelope = await readDocument(world, { noun: 'hand-over', path }, parseEnvelope);
  if (envelope.payloadType === HAND_OVER_TYPE) return envelope;
  const message = `The file ${path} is a document of type ${envelope.payloadType}, a hand-over is ${HAND_OVER_TYPE}; name another`;
  throw usageFailure(message);
}
