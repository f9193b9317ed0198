// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Database, openDatabase } from '@outrider/adapters/server/postgres/pool';
import { wallClock } from '@outrider/adapters/shared/clock';
import { signerFromSeed } from '@outrider/adapters/shared/ed25519';
import { createFolder } from '@outrider/adapters/shared/files';
import { packImage } from '@outrider/adapters/shared/image';
import { listBlocks } from '@outrider/delta/block-list';
import { assert } from '@outrider/domain/kernel/assert';
import { prng } from '@outrider/domain/kernel/prng';
import { type FleetInstant, fleetInstant } from '@outrider/domain/kernel/time';
import type { Image } from '@outrider/domain/release/release';
import type { Signer } from '@outrider/domain/trust/ports';
import { parseKeyFile } from '@outrider/protocol/trust/key-file';
import {
  createInstallation,
  httpManagement,
  type ImageSource,
  type Installation,
  loadApprovers,
  type Management,
} from '@outrider/simulator/compose';

/** What all attacks share: one real server with its PostgreSQL, images that differ in a few bytes, and every key there is. */
export interface Stage {
  readonly installation: Installation;
  readonly tokens: { readonly admin: string; readonly registration: string };
  readonly management: Management;
  /** A call of the management API; throws what it refuses. */
  api(method: 'GET' | 'POST', path: string, body?: object): Promise<unknown>;
  readonly approvers: readonly Signer[];
  /** Whom the root named before the first of them. */
  readonly formerApprover: Signer;
  /** The online key that signs permits: what whoever steals the control plane holds. */
  readonly permitSigner: Signer;
  /** A key that nobody has pinned. */
  readonly stranger: Signer;
  readonly images: readonly StageImage[];
  readonly folder: string;
  now(): Promise<FleetInstant>;
  /** Moves fleet time. */
  step(now: FleetInstant): Promise<void>;
  /** The database, with its owner's rights. */
  database(): Promise<Database>;
  /** Kills the server; it is started again on the same data. */
  restart(): Promise<void>;
  remove(): Promise<void>;
}

export interface StageImage {
  readonly source: ImageSource;
  readonly image: Image;
  readonly path: string;
}

/** Large enough for several blocks. */
const NOISE_BYTES = 200_000;

/** Starts it all. */
export async function createStage(): Promise<Stage> {
  const installation = await createInstallation();
  const folder = await mkdtemp(join(tmpdir(), 'outrider-attacks-'));
  try {
    return await settle(installation, folder);
  } catch (cause) {
    await installation.remove();
    await rm(folder, { recursive: true, force: true });
    throw cause;
  }
}

async function settle(installation: Installation, folder: string): Promise<Stage> {
  const { url, dataFolder } = installation;
  const keys = join(folder, 'keys');
  await createFolder(keys);
  const approvers = await loadApprovers(keys);
  const formerApprover = signerFromSeed(new Uint8Array(32).fill(8));
  const now = wallClock().now();
  // One of them was replaced: the root says so, and devices follow it.
  await installation.house.nameApprovers([formerApprover, ...approvers.slice(1)], now);
  await installation.house.nameApprovers(approvers, now);
  const isServing = () =>
    fetch(`${url}/health/ready`).then(
      (answer) => answer.ok,
      () => false,
    );
  await installation.untilServing(isServing);
  const tokens = await installation.tokens();
  const management = httpManagement(url, tokens.admin);
  const permitKey = parseKeyFile((await readFile(join(dataFolder, 'permit-key.json'), 'utf8')).trim());
  assert(permitKey.ok, 'a permit key in the data folder');
  const images: StageImage[] = [];
  for (const version of ['1.0.0', '1.1.0', '1.2.0']) images.push(await buildImage(folder, version));
  return {
    ...{ installation, tokens, management, approvers, formerApprover, images, folder },
    permitSigner: signerFromSeed(Buffer.from(permitKey.value.privateKey, 'base64')),
    stranger: signerFromSeed(new Uint8Array(32).fill(9)),
    async api(method, path, body) {
      const answer = await fetch(`${url}/api/v1${path}`, {
        method,
        headers: { authorization: `Bearer ${tokens.admin}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await answer.text();
      assert(answer.ok, `${method} ${path} to be taken, got ${answer.status} ${text}`);
      return JSON.parse(text);
    },
    now: async () => fleetInstant((await management.status()).fleetTime),
    async step(now) {
      await management.step(now);
    },
    database: async () => openDatabase(await installation.databaseAddress(), { purpose: 'thief', connectionsMax: 1 }),
    async restart() {
      const before = installation.serverStarts();
      installation.signalServer('SIGKILL');
      await installation.untilServing(async () => installation.serverStarts() > before && (await isServing()));
    },
    async remove() {
      await installation.remove();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function buildImage(folder: string, version: string): Promise<StageImage> {
  const tree = join(folder, `tree-${version}`);
  await createFolder(tree);
  await writeFile(join(tree, 'launcher'), `#!/bin/sh\necho ${version}\n`, { mode: 0o755 });
  const noise = prng('attacks');
  await writeFile(
    join(tree, 'noise'),
    Uint8Array.from({ length: NOISE_BYTES }, () => Math.floor(noise.next() * 256)),
  );
  const packed = await packImage(tree);
  assert(packed.ok, 'an image of two files');
  const parts: Uint8Array[] = [];
  for await (const part of packed.value) parts.push(part);
  const bytes = Buffer.concat(parts);
  const path = join(folder, `${version}.image`);
  await writeFile(path, bytes);
  const { image, blocks } = await listBlocks([bytes]);
  return { image, path, source: { image, blocks, content: () => once(bytes) } };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
