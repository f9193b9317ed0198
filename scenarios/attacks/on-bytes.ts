// SPDX-License-Identifier: Apache-2.0
import { hash } from 'node:crypto';
import type { Artifact } from '@outrider/domain/delta/delta';
import type { CheckInAnswer } from '@outrider/domain/gateway/check-in';
import type { Bytes, Sha256 } from '@outrider/domain/kernel/ids';
import { type Attack, mustHold } from './attack.ts';
import type { Scene } from './scene.ts';

/** Attacks on the bytes of images and deltas, while they come in. */
export const ATTACKS_ON_BYTES: readonly Attack[] = [
  {
    name: 'endless data',
    async play(scene) {
      let sent = 0;
      let isOver = false;
      forceWholeImage(scene);
      scene.wire.blob = async (digest, response) => {
        if (!isImage(scene, digest)) return undefined;
        response.writeHead(200, { 'content-type': 'application/octet-stream' });
        response.setMaxListeners(0);
        const chunk = Buffer.alloc(65_536, 7);
        response.on('close', () => {
          isOver = true;
        });
        while (!isOver && sent < ENDLESS_BYTES) {
          sent += chunk.byteLength;
          if (!response.write(chunk))
            await new Promise((resolve) => response.once('drain', resolve).once('close', resolve));
        }
        response.destroy();
        return 'answered';
      };
      await failsToInstall(scene);
      mustHold(sent < ENDLESS_BYTES / 4, `The device took ${sent} bytes of an image of ${imageBytes(scene)}`);
      const { reason } = scene.state();
      await scene.recovers();
      return `${reason}: cut after ${Math.round(sent / 1024)} KiB of an endless stream`;
    },
  },
  {
    name: 'slow retrieval',
    async play(scene) {
      forceWholeImage(scene);
      let asked = 0;
      const began = performance.now();
      scene.wire.blob = async (digest, response) => {
        if (!isImage(scene, digest)) return undefined;
        asked++;
        response.writeHead(200, { 'content-type': 'application/octet-stream' });
        response.write(Buffer.alloc(10));
        // And then nothing: the device has to give up by itself.
        return 'answered';
      };
      await untilAsked(scene, () => asked > 0);
      const seconds = (performance.now() - began) / 1_000;
      mustHold(seconds < SILENCE_SECONDS_MAX, `The device waited ${seconds.toFixed(0)} s on a silent server`);
      const { reason, version } = scene.state();
      mustHold(version === '1.0.0', `The device runs ${version}`);
      await scene.recovers();
      return `${reason || 'download-cut'} after ${seconds.toFixed(0)} s of silence; what came is kept`;
    },
  },
  {
    name: 'altered block',
    async play(scene) {
      forceWholeImage(scene);
      scene.wire.blob = async (digest, response) => {
        if (!isImage(scene, digest)) return undefined;
        const bytes = await wholeImage(scene, digest);
        bytes[100_000] = (bytes[100_000] ?? 0) ^ 1;
        response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(bytes);
        return 'answered';
      };
      await failsToInstall(scene);
      const { reason } = scene.state();
      await scene.recovers();
      return reason;
    },
  },
  {
    name: 'altered delta with the right result length',
    async play(scene) {
      let forged: Buffer | undefined;
      const former = scene.stage.images[0]?.image.digest;
      scene.wire.checkIn = async (answer) => {
        if (answer.kind !== 'offer') return answer;
        const [part] = answer.artifacts;
        if (part?.artifact.kind !== 'delta' || former === undefined) return answer;
        // The delta that leads to another version of the same length: it decodes, and what comes out is not what was signed.
        forged = await deltaToAnother(scene);
        const digest = hash('sha256', forged, 'hex') as Sha256;
        const delta = { ...part.artifact.delta, digest, bytes: forged.byteLength as Bytes };
        const artifact: Artifact = { kind: 'delta', delta };
        return { ...answer, artifacts: [{ component: part.component, artifact }] };
      };
      scene.wire.blob = async (digest, response) => {
        if (forged === undefined || digest !== hash('sha256', forged, 'hex')) return undefined;
        response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(forged);
        return 'answered';
      };
      await failsToInstall(scene);
      mustHold(forged !== undefined, 'A delta was offered');
      const { reason } = scene.state();
      await scene.recovers();
      return reason;
    },
  },
];

const ENDLESS_BYTES = 64 * 1_048_576;
/** The device's own limit is 30 s; a busy machine is given as much again. */
const SILENCE_SECONDS_MAX = 90;

/** Only whole images: for attacks on their bytes. */
function forceWholeImage(scene: Scene): void {
  scene.wire.checkIn = (answer): CheckInAnswer => {
    const image = scene.releases[1]?.manifest.components[0]?.image;
    if (answer.kind !== 'offer' || image === undefined) return answer;
    const artifact = { kind: 'full', digest: image.digest, bytes: image.bytes } as const;
    return { ...answer, artifacts: [{ component: 'main', artifact }] };
  };
}

/** The device tries, and does not install. */
async function failsToInstall(scene: Scene): Promise<void> {
  for (let hour = 0; hour < 30; hour++) {
    await scene.wait(3_600_000);
    const { version, state, reason } = scene.state();
    mustHold(version === '1.0.0', `The device runs ${version}`);
    if (state === 'failed' || /digest|corrupt|too-long|mismatch/.test(reason)) return;
  }
  throw new Error(`The device never tried: ${JSON.stringify(scene.state())}`);
}

async function untilAsked(scene: Scene, wasAsked: () => boolean): Promise<void> {
  for (let hour = 0; hour < 30 && !wasAsked(); hour++) await scene.wait(3_600_000);
  mustHold(wasAsked(), 'The device never asked for the image');
}

function isImage({ releases }: Scene, digest: string): boolean {
  return releases[1]?.manifest.components[0]?.image.digest === digest;
}

function imageBytes({ releases }: Scene): number {
  return releases[1]?.manifest.components[0]?.image.bytes ?? 0;
}

async function wholeImage({ stage }: Scene, digest: string): Promise<Buffer> {
  const found = stage.images.find(({ image }) => image.digest === digest);
  mustHold(found !== undefined, 'An image of the stage');
  const parts: Uint8Array[] = [];
  for await (const part of found.source.content()) parts.push(part);
  return Buffer.concat(parts);
}

async function deltaToAnother(scene: Scene): Promise<Buffer> {
  const { encodeDelta } = await import('@outrider/delta/encode');
  const [from, , to] = await Promise.all(scene.stage.images.map(({ image }) => wholeImage(scene, image.digest)));
  mustHold(from !== undefined && to !== undefined, 'Two images');
  const encoded = await encodeDelta(from, to);
  mustHold(encoded.ok, 'A delta between them');
  return Buffer.from(encoded.value.content);
}
