// SPDX-License-Identifier: Apache-2.0
import { createReadStream } from 'node:fs';
import { commandHealth } from '@outrider/adapters/device/command-health';
import { loadAnchors, loadDeviceKey, storeAnchors } from '@outrider/adapters/device/device-identity';
import { isProvisioned, openFileBoot, provisionBoot } from '@outrider/adapters/device/file-boot';
import { openFileStorage, provisionImage } from '@outrider/adapters/device/file-storage';
import { lockFolder } from '@outrider/adapters/device/folder-lock';
import { type HttpClient, keptConnections } from '@outrider/adapters/device/http-client';
import { httpNetwork } from '@outrider/adapters/device/http-network';
import { registerDevice } from '@outrider/adapters/device/register';
import { createVerifier } from '@outrider/adapters/shared/ed25519';
import { createFolder, errorCode } from '@outrider/adapters/shared/files';
import { runningSoftware } from '@outrider/domain/device/state';
import type { ReleaseCounter } from '@outrider/domain/kernel/ids';
import type { Result } from '@outrider/domain/kernel/result';
import type { TrustAnchors } from '@outrider/domain/trust/role';
import type { AgentPorts } from './compose.ts';
import { AgentEnd } from './exit-codes.ts';
import { type AgentFlags, tokenOf } from './flags.ts';

/**
 * Everything of a real device: folder, slots, boot chooser, key, connection and, the first time, factory image and
 * registration. Opening the chooser is power-on. Throws AgentEnd.
 */
export async function openDevice(
  flags: AgentFlags,
  environment: { readonly path: string; readonly onReboot?: () => never },
): Promise<AgentPorts> {
  const { dataFolder: folder, deviceId, attributes, serverUrl } = flags;
  await createFolder(folder);
  opened(await lockFolder(folder));
  await provision(flags);
  const boot = opened(await openFileBoot(folder, environment.onReboot));
  const storage = await openFileStorage(folder);
  const signer = opened(await loadDeviceKey(folder));
  const client = { serverUrl, deviceId, signer, connections: keptConnections(serverUrl) };
  const anchors =
    opened(await loadAnchors(folder)) ?? (await register(flags, client, runningSoftware(await boot.state())));
  return {
    identity: {
      deviceId,
      deviceType: attributes.deviceType,
      hardwareId: attributes.hardwareId,
      model: attributes.model,
    },
    anchors,
    verifier: createVerifier(),
    network: httpNetwork(client),
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

async function register(
  flags: AgentFlags,
  client: HttpClient,
  running: ReturnType<typeof runningSoftware>,
): Promise<TrustAnchors> {
  const { attributes, serverUrl, dataFolder } = flags;
  const token = tokenOf(flags);
  if (token === undefined) {
    const sentence = 'The device is not registered yet and no --token was given: take it from the server';
    throw new AgentEnd('usage', sentence);
  }
  const anchors = await registerDevice(client, { token, attributes, running });
  if (!anchors.ok) {
    const end = anchors.error.code === 'network-unreachable' ? 'unreachable' : 'refused';
    throw new AgentEnd(
      end,
      `The registration at ${serverUrl.href} failed, ${anchors.error.code}: ${anchors.error.detail}`,
    );
  }
  await storeAnchors(dataFolder, anchors.value);
  return anchors.value;
}

function opened<T>(result: Result<T, { readonly code: string; readonly detail: string }>): T {
  if (result.ok) return result.value;
  const { code, detail } = result.error;
  const whatToDo = code === 'not-provisioned' ? ' Give --factory-image, --factory-version and --factory-counter' : '';
  throw new AgentEnd('data-folder', `${detail}.${whatToDo}`);
}
