// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { loadDeviceKey } from '@outrider/adapters/device/device-identity';
import { createSigner } from '@outrider/adapters/shared/ed25519';
import type { QueuedReport } from '@outrider/domain/device/state';
import type { ManifestFaultCode } from '@outrider/domain/gateway/manifest-faults';
import type { Report } from '@outrider/domain/gateway/report';
import type { VersionManifest } from '@outrider/domain/gateway/version-manifest';
import type { DeviceId } from '@outrider/domain/kernel/ids';
import { HOUR_MS } from '@outrider/domain/kernel/time';
import type { Signer } from '@outrider/domain/trust/ports';
import { encodeReport, parseReportAnswer } from '@outrider/protocol/gateway/report';
import { SIGNATURE_HEADER } from '@outrider/protocol/gateway/request-signature';
import { signVersionManifest } from '@outrider/protocol/gateway/version-manifest';
import { type Attack, mustHold } from './attack.ts';
import { post, send } from './posting.ts';
import type { Scene } from './scene.ts';

/** Attacks on the word of a device that it has installed something: what the thief has beside the connection grows. */
export const ATTACKS_ON_CLAIMS: readonly Attack[] = [
  {
    name: 'a forged version manifest',
    async play(scene) {
      const { bare, claim, key } = await untold(scene);
      const forged = { ...bare, manifest: signVersionManifest(claim, createSigner()) };
      await isNotBelieved(scene, forged, { key, code: 'manifest-signature-invalid' });
      return await believedAfterwards(scene, 'manifest-signature-invalid');
    },
  },
  {
    name: 'a replayed version manifest',
    async play(scene) {
      const { bare, claim, key } = await untold(scene);
      // A true manifest, of this device, by its key: made for another message.
      const manifest = signVersionManifest({ ...claim, sequence: claim.sequence - 1 }, key);
      await isNotBelieved(scene, { ...bare, manifest }, { key, code: 'manifest-replayed' });
      return await believedAfterwards(scene, 'manifest-replayed');
    },
  },
  {
    name: 'the version manifest of another device',
    async play(scene) {
      const { bare, claim, key } = await untold(scene);
      const other = { ...claim, deviceId: `${scene.deviceType}-other` as DeviceId };
      const theirs = { ...bare, manifest: signVersionManifest(other, createSigner()) };
      await isNotBelieved(scene, theirs, { key, code: 'manifest-signature-invalid' });
      const renamed = { ...bare, sequence: bare.sequence + 1, manifest: signVersionManifest(other, key) };
      await isNotBelieved(scene, renamed, { key, code: 'manifest-for-another' });
      return await believedAfterwards(scene, 'manifest-signature-invalid, manifest-for-another');
    },
  },
  {
    name: 'a version manifest about other bytes than were permitted',
    async play(scene) {
      const { bare, claim, key } = await untold(scene);
      const image = scene.releases[2]?.manifest.components[0]?.image;
      const name = claim.images[0]?.name;
      mustHold(image !== undefined && name !== undefined, 'A third release');
      const images = [{ name, digest: image.digest, bytes: image.bytes }];
      const running = { ...bare.running, components: [{ name, digest: image.digest }] };
      const manifest = signVersionManifest({ ...claim, images }, key);
      await isNotBelieved(scene, { ...bare, running, manifest }, { key, code: 'manifest-other-release' });
      return await believedAfterwards(scene, 'manifest-other-release');
    },
  },
  {
    name: 'a claim without a version manifest, by a stolen session or a proxy',
    async play(scene) {
      const { bare, key } = await untold(scene);
      await believedAfterwards(scene, '');
      const sent = scene.wire.passed.findLast((one) => one.path === '/v1/report');
      mustHold(sent !== undefined, 'A report passed');
      const { manifest: _, ...stripped } = JSON.parse(sent.body);
      const proxy = await send(scene, sent.path, sent.headers, JSON.stringify(stripped));
      mustHold(proxy.status === 401, `The server answered ${proxy.status} ${proxy.text} to the proxy`);
      const { [SIGNATURE_HEADER]: __, ...unsigned } = sent.headers;
      const session = await send(scene, sent.path, unsigned, sent.body);
      mustHold(session.status === 400, `The server answered ${session.status} ${session.text} to the session`);
      // The device has shown that it signs manifests: leaving them out is no way back to older times.
      const lacking = { ...bare, sequence: bare.sequence + 2_000 };
      await isNotBelieved(scene, lacking, { key, code: 'manifest-missing' }, 1);
      return '401 signature-invalid, 400 without a signature, manifest-missing with the key alone';
    },
  },
];

interface Untold {
  /** What the device would say, without its manifest and with a number of its own. */
  readonly bare: Report;
  readonly claim: VersionManifest;
  /** The thief has the disk of the device. */
  readonly key: Signer;
}

/** The device runs 1.1.0, and its word about it is held up on the way. */
async function untold(scene: Scene): Promise<Untold> {
  scene.wire.isHeld = (path) => path === '/v1/report';
  let queued: QueuedReport | undefined;
  for (let hour = 0; hour < PATIENCE_HOURS && queued === undefined; hour++) {
    await scene.wait(HOUR_MS);
    queued = (await scene.journal()).reports.find((one) => one.event === 'verified');
  }
  mustHold(queued?.claim !== undefined, 'The device has installed the release and wants to tell it');
  const { claim, ...report } = queued;
  const loaded = await loadDeviceKey(join(scene.stage.folder, scene.deviceId));
  mustHold(loaded.ok, 'The key of the device');
  const sequence = report.sequence + 1_000;
  return { bare: { ...report, sequence }, claim: { ...claim, sequence }, key: loaded.value.signer };
}

/** Recorded, and neither believed nor counted. */
async function isNotBelieved(
  scene: Scene,
  report: Report,
  { key, code }: { readonly key: Signer; readonly code: ManifestFaultCode },
  confirmedBefore = 0,
): Promise<void> {
  const body = encodeReport(report);
  const { status, text } = await post(scene, '/v1/report', body, key);
  const answer = parseReportAnswer(text);
  const seen = `The server answered ${status} ${text}`;
  mustHold(status === 200 && answer.ok && answer.value.disbelieved === code, seen);
  mustHold(answer.value.result === 'unmatched', seen);
  await scene.wait(HOUR_MS);
  const confirmed = await confirmedIn(scene);
  mustHold(confirmed === confirmedBefore, `${confirmed} successes are counted instead of ${confirmedBefore}`);
}

/** The honest word of the same device counts after all, once. */
async function believedAfterwards(scene: Scene, seen: string): Promise<string> {
  scene.wire.letGo();
  for (let hour = 0; hour < PATIENCE_HOURS; hour++) {
    if ((await confirmedIn(scene)) === 1) return `${seen}: recorded, no count moved; the honest claim counted once`;
    await scene.wait(HOUR_MS);
  }
  mustHold(false, 'The honest claim counts');
}

async function confirmedIn({ stage, plan }: Scene): Promise<number> {
  const { evidence } = await stage.management.sight(plan.rolloutId);
  const reverts = (evidence?.base ?? []).filter((one) => one.metric === 'revert');
  return reverts.reduce((sum, one) => sum + one.confirmed, 0);
}

const PATIENCE_HOURS = 120;
