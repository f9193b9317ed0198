// SPDX-License-Identifier: Apache-2.0
import { createPrivateKey, sign, type X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import process from 'node:process';
import { certificatesOf, loadCredentials } from '@outrider/adapters/device/credentials';
import { loadDeviceKey, storeAnchors } from '@outrider/adapters/device/device-identity';
import { fetchServerRoot } from '@outrider/adapters/device/first-contact';
import { registerDevice } from '@outrider/adapters/device/register';
import { type SecureClient, secureClient } from '@outrider/adapters/device/secure-client';
import { wallClock } from '@outrider/adapters/shared/clock';
import type { NetworkError } from '@outrider/domain/device/ports';
import type { runningSoftware } from '@outrider/domain/device/state';
import { type FactoryProof, factoryProofText } from '@outrider/domain/gateway/identity-ports';
import type { KeyId } from '@outrider/domain/kernel/ids';
import type { TrustAnchors } from '@outrider/domain/trust/role';
import { serverRootOf } from '@outrider/protocol/gateway/token-text';
import { AgentEnd } from './exit-codes.ts';
import { type AgentFlags, tokenOf } from './flags.ts';
import { opened } from './opened.ts';

/** The device's key, its certificate if it has one, and the way to its server. Throws AgentEnd. */
export async function openIdentity(flags: AgentFlags): Promise<SecureClient> {
  const { dataFolder: folder, deviceId, serverUrl } = flags;
  const { signer, key } = opened(await loadDeviceKey(folder));
  const credentials = opened(await loadCredentials(folder));
  const roots = await pinnedRoots(flags, credentials !== undefined);
  return secureClient({
    ...{ folder, serverUrl, deviceId, signer, key, credentials },
    ...(roots === undefined ? {} : { roots }),
    clock: wallClock(),
    log: (sentence) => process.stderr.write(`outrider agent: ${sentence}\n`),
  });
}

/** Registers the device, once, and pins what it is given. Throws AgentEnd. */
export async function register(
  flags: AgentFlags,
  identity: SecureClient,
  running: ReturnType<typeof runningSoftware>,
): Promise<TrustAnchors> {
  const { attributes, dataFolder } = flags;
  const { client } = identity;
  const right = await rightOf(flags, client.signer.publicKey.keyId);
  const csr = identity.certificateRequest();
  const answer = await registerDevice(client, { ...right, attributes, running, csr });
  if (!answer.ok) throw registrationFailed(flags, answer.error);
  const { anchors, credentials } = answer.value;
  // The certificate first: anchors say that the registration is over.
  if (credentials !== undefined) await identity.take(credentials);
  await storeAnchors(dataFolder, anchors);
  return anchors;
}

/** From a file; else, at the first contact, the one that the token names. Later what the server gave holds. */
async function pinnedRoots(
  flags: AgentFlags,
  hasCredentials: boolean,
): Promise<readonly X509Certificate[] | undefined> {
  const { serverRootsFile, serverUrl } = flags;
  if (serverRootsFile !== undefined) {
    const roots = certificatesOf(await readFile(serverRootsFile, 'utf8'));
    if (roots.length > 0) return roots;
    throw new AgentEnd(
      'usage',
      `The file ${serverRootsFile} holds no certificate in PEM; name the roots of the server`,
    );
  }
  const digest = hasCredentials ? undefined : serverRootOf(tokenOf(flags) ?? '');
  if (digest === undefined || serverUrl.protocol !== 'https:') return undefined;
  const root = await fetchServerRoot(serverUrl, digest);
  if (root.ok) return root.value;
  throw registrationFailed(flags, root.error);
}

async function rightOf(
  flags: AgentFlags,
  keyId: KeyId,
): Promise<{ readonly token: string } | { readonly factory: FactoryProof }> {
  const { factoryIdentity, deviceId } = flags;
  if (factoryIdentity === undefined) {
    const token = tokenOf(flags);
    if (token !== undefined) return { token };
    const sentence = 'The device is not registered yet and no --token was given: take it from the server';
    throw new AgentEnd('usage', sentence);
  }
  const chain = certificatesOf(await readFile(factoryIdentity.certificateFile, 'utf8'));
  const key = createPrivateKey(await readFile(factoryIdentity.keyFile));
  const text = Buffer.from(factoryProofText({ deviceId, keyId }), 'utf8');
  const signature = sign(key.asymmetricKeyType === 'ed25519' ? null : 'sha256', text, key).toString('base64');
  return { factory: { certificates: chain.map((one) => one.raw.toString('base64')), signature } };
}

function registrationFailed({ serverUrl }: AgentFlags, { code, detail }: NetworkError): AgentEnd {
  const end = code === 'network-unreachable' ? 'unreachable' : 'refused';
  return new AgentEnd(end, `The registration at ${serverUrl.href} failed, ${code}: ${detail}`);
}
