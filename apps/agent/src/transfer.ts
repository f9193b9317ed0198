// SPDX-License-Identifier: Apache-2.0
import { blockListBytes } from '@outrider/delta/block-list';
import { DownloadCut } from '@outrider/domain/device/errors';
import type { DeviceEvent, Effect } from '@outrider/domain/device/events';
import type { Storage } from '@outrider/domain/device/ports';
import type { UpdatePart } from '@outrider/domain/device/state';
import type { Bytes, Sha256 } from '@outrider/domain/kernel/ids';
import type { AgentPorts } from './compose.ts';
import type { EffectRun } from './run-effect.ts';

/**
 * Fetches every blob of an update into the staging area, going on where it was cut, and verifies each one. It stops at the
 * first that breaks off or is wrong; what is there stays.
 */
export async function download(parts: readonly UpdatePart[], ports: AgentPorts): Promise<EffectRun> {
  let sent = 0;
  for (const blob of parts.flatMap(blobsOf)) {
    const isMissing = (await ports.storage.stagedBytes(blob.digest)) < blob.bytes;
    if (isMissing) sent++;
    const fault = (isMissing ? await fetchRest(blob, ports) : undefined) ?? (await verify(blob, ports.storage));
    if (fault !== undefined) return { event: fault, sent };
  }
  return { event: { kind: 'staged' }, sent };
}

/** Writes all images of a bundle, in its order. */
export async function install(
  { slot, parts }: Extract<Effect, { kind: 'install' }>,
  storage: Storage,
): Promise<DeviceEvent> {
  for (const { component, image, artifact } of parts) {
    const written = await storage.install({ slot, component, image, artifact });
    if (!written.ok) return { kind: 'install-failed', ...written.error };
  }
  return { kind: 'written' };
}

interface Blob {
  readonly digest: Sha256;
  readonly bytes: Bytes;
}

/** The block list first: without it nothing can be installed. */
function blobsOf({ image, artifact }: UpdatePart): readonly Blob[] {
  const list = { digest: image.blocksDigest, bytes: blockListBytes(image) };
  return [list, artifact.kind === 'full' ? artifact : artifact.delta];
}

async function fetchRest({ digest, bytes }: Blob, { storage, network }: AgentPorts): Promise<DeviceEvent | undefined> {
  const start = await storage.stagedBytes(digest);
  try {
    const staged = await storage.stage(digest, network.fetchBlob(digest, start), bytes);
    if (!staged.ok) return { kind: 'install-failed', ...staged.error };
    if (staged.value === bytes) return undefined;
    return { kind: 'download-cut', detail: `${staged.value} bytes of ${bytes} came` };
  } catch (cause) {
    if (cause instanceof DownloadCut) {
      const { message: detail, retryAfterMs } = cause;
      return { kind: 'download-cut', detail, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
    }
    throw cause;
  }
}

async function verify({ digest }: Blob, storage: Storage): Promise<DeviceEvent | undefined> {
  if (await storage.verifyStaged(digest)) return undefined;
  const detail = `What was downloaded as ${digest} has another digest; it was discarded`;
  return { kind: 'install-failed', code: 'staged-corrupt', detail };
}
