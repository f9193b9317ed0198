// SPDX-License-Identifier: Apache-2.0
import { createSigner } from '@outrider/adapters/shared/ed25519';
import type { Report } from '@outrider/domain/gateway/report';
import { HOUR_MS } from '@outrider/domain/kernel/time';
import { encodeRegistration } from '@outrider/protocol/gateway/registration';
import { encodeReport } from '@outrider/protocol/gateway/report';
import { type Attack, mustHold } from './attack.ts';
import { post, send } from './posting.ts';
import type { Scene } from './scene.ts';

/** Attacks on what counts, and on who a device is. */
export const ATTACKS_ON_EVIDENCE: readonly Attack[] = [
  {
    name: 'forged evidence',
    async play(scene) {
      await scene.recovers();
      const genuine = await verifiedOf(scene);
      const forged = encodeReport({ ...genuine, event: 'reverted', sequence: genuine.sequence + 1_000 });
      const answer = await post(scene, '/v1/report', forged, createSigner());
      mustHold(answer.status === 401, `The server answered ${answer.status} ${answer.text}`);
      await countsAreWhole(scene);
      return `${answer.status} signature-invalid, and no count moved`;
    },
  },
  {
    name: 'replayed evidence',
    async play(scene) {
      await scene.recovers();
      const sent = scene.wire.passed.findLast((one) => one.path === '/v1/report');
      mustHold(sent !== undefined, 'A report passed');
      const answer = await send(scene, sent.path, { ...sent.headers }, sent.body);
      mustHold(answer.text.includes('duplicate'), `The server answered ${answer.status} ${answer.text}`);
      await countsAreWhole(scene);
      return 'duplicate, and no count moved';
    },
  },
  {
    name: "a stolen download: another path under a device's signature",
    async play(scene) {
      await scene.recovers();
      const read = scene.wire.passed.find((one) => one.path.startsWith('/blobs/'));
      const other = scene.releases[2]?.manifest.components[0]?.image.digest;
      mustHold(read !== undefined && other !== undefined, 'A download passed');
      const answer = await send(scene, `/blobs/${other}`, read.headers);
      mustHold(answer.status === 401, `The server answered ${answer.status}`);
      const nobody = await send(scene, `/blobs/${other}`, {});
      mustHold(nobody.status === 401 || nobody.status === 400, `The server answered ${nobody.status} to nobody`);
      return `${answer.status} signature-invalid`;
    },
  },
  {
    name: 'a device id taken over with another key',
    async play(scene) {
      const signer = createSigner();
      const [factory] = scene.releases;
      mustHold(factory !== undefined, 'A release to run');
      const { version, releaseCounter, components } = factory.manifest;
      const body = encodeRegistration({
        deviceId: scene.deviceId,
        publicKey: signer.publicKey,
        token: scene.stage.tokens.registration,
        attributes: {
          ...{ deviceType: scene.deviceType, hardwareId: 'rev-a', model: 'compact', region: 'eu' },
          ...{ customer: 'own', carrier: 'lte', tags: [] },
        },
        running: {
          version,
          releaseCounter,
          components: components.map(({ name, image }) => ({ name, digest: image.digest })),
        },
      });
      const answer = await post(scene, '/v1/register', body, signer);
      mustHold(answer.status === 409, `The server answered ${answer.status} ${answer.text}`);
      await scene.recovers();
      return '409 device-key-differs';
    },
  },
  {
    name: 'a cloned device: its whole disk in another one',
    async play(scene) {
      await scene.copyDevice();
      // Both poll twice a day, with the same key, and take turns.
      for (let hour = 0; hour < 48; hour++) await scene.wait(HOUR_MS);
      const path = '/audit-entries?action=device-clone-suspected&limit=1000';
      const { items } = (await scene.stage.api('GET', path)) as {
        readonly items: readonly { readonly text: string }[];
      };
      mustHold(
        items.some(({ text }) => text.includes(`"${scene.deviceId}"`)),
        'No entry in the audit log names the device',
      );
      return 'flagged: device-clone-suspected in the audit log';
    },
  },
];

async function verifiedOf(scene: Scene): Promise<Report> {
  const told = await scene.told();
  const verified = told.find((one) => one.event === 'verified');
  mustHold(verified !== undefined, 'The device has told its success');
  return verified;
}

/** The stored evidence is what a count of all rows and reports gives. */
async function countsAreWhole({ stage, plan }: Scene): Promise<void> {
  const { management } = stage;
  const sight = await management.sight(plan.rolloutId);
  const harmed = (sight.evidence?.base ?? []).reduce((sum, one) => sum + one.events, 0);
  mustHold(harmed === 0, `${harmed} failures are counted`);
}
