// SPDX-License-Identifier: Apache-2.0
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { commandHealth } from '@outrider/adapters/device/command-health';
import { loadAnchors, storeAnchors } from '@outrider/adapters/device/device-identity';
import { isProvisioned, openFileBoot, provisionBoot } from '@outrider/adapters/device/file-boot';
import { openFileStorage, provisionImage } from '@outrider/adapters/device/file-storage';
import { lockFolder } from '@outrider/adapters/device/folder-lock';
import type { HttpClient } from '@outrider/adapters/device/http-client';
import { httpNetwork } from '@outrider/adapters/device/http-network';
import { tpmProgram } from '@outrider/adapters/device/tpm-program';
import { createVerifier } from '@outrider/adapters/shared/ed25519';
import { createFolder, errorCode } from '@outrider/adapters/shared/files';
import { runningSoftware } from '@outrider/domain/device/state';
import type { ReleaseCounter } from '@outrider/domain/kernel/ids';
import type { AgentPorts } from './compose.ts';
import { AgentEnd } from './exit-codes.ts';
import type { AgentFlags } from './flags.ts';
import { openIdentity, register } from './open-identity.ts';
import { opened } from './opened.ts';

/**
 * Everything of a real device: folder, slots, boot chooser, key, connection and, the first time, factory image and
 * registration. Opening the chooser is power-on. Throws AgentEnd.
 */
export async function openDevice(
  flags: AgentFlags,
  environment: { readonly path: string; readonly onReboot?: () => never },
): Promise<AgentPorts & { readonly client: HttpClient }> {
  const { dataFolder: folder, deviceId, attributes } = flags;
  await createFolder(folder);
  opened(await lockFolder(folder));
  await provision(flags);
  const boot = opened(await openFileBoot(folder, environment.onReboot));
  const storage = await openFileStorage(folder);
  const identity = await openIdentity(flags);
  const anchors =
    opened(await loadAnchors(folder)) ?? (await register(flags, identity, runningSoftware(await boot.state())));
  return {
    identity: {
      deviceId,
      deviceType: attributes.deviceType,
      hardwareId: attributes.hardwareId,
      model: attributes.model,
    },
    anchors,
    storeAnchors: (next) => storeAnchors(folder, next),
    verifier: createVerifier(),
    signer: identity.client.signer,
    ...(flags.tpm && {
      tpm: tpmProgram({ ...flags.tpm, folder: join(folder, 'tpm'), environment: { PATH: environment.path } }),
    }),
    client: identity.client,
    network: identity.overMutualTls(httpNetwork(identity.client)),
    storage,
    boot,
    health: commandHealth({
      folder,
      boot,
      component: flags.component,
      hardwareId: attributes.hardwareId,
      launcherArguments: flags.launcherArguments,
      environment: { PATH: environment.path },
    }),
    // A device on a bench is always ready; vehicles have their own pre-flight behind this port.
    readiness: { mayDownload: () => true, readyAt: (now) => now },
  };
}

/** Does its work and gives what the disk threw, at the start or months later, a sentence and an exit code. Throws AgentEnd. */
export async function namingDisk<T>(folder: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const code = errorCode(cause);
    if (code === undefined || code.startsWith('ERR_')) throw cause;
    const what = cause instanceof Error ? cause.message : String(cause);
    const sentence = `The data folder ${folder} cannot be used: ${what}. Name a folder to write`;
    throw new AgentEnd('data-folder', sentence, cause);
  }
}

async function provision({ dataFolder, component, factory }: AgentFlags): Promise<void> {
  if (factory === undefined || (await isProvisioned(dataFolder))) return;
  const { imagePath, version, releaseCounter } = factory;
  const digest = await provisionImage(dataFolder, component, createReadStream(imagePath));
  await provisionBoot(dataFolder, {
    version,
    // A count that the flags have checked.
    releaseCounter: releaseCounter as ReleaseCounter,
    components: [{ name: component, digest }],
  });
}
