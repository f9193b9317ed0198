// SPDX-License-Identifier: Apache-2.0
import { digestText } from '@outrider/adapters/shared/digest';
import type { Offer } from '@outrider/domain/gateway/check-in';
import { fleetInstant, HOUR_MS } from '@outrider/domain/kernel/time';
import { type CharterDocument, type SignedCharter, THRESHOLD_WHOLE } from '@outrider/domain/policy/charter';
import { placeOf } from '@outrider/domain/policy/charter-place';
import { parseCharter, parseSignedCharter } from '@outrider/protocol/policy/charter';
import { charterSignedBy } from '@outrider/protocol/policy/sign-charter';
import { type Attack, mustHold } from './attack.ts';
import { forged } from './on-permits.ts';
import type { Scene } from './scene.ts';
import { directed } from './thief.ts';

/** Attacks by whoever holds the control plane: every online key, and the database with its owner's rights. */
export const ATTACKS_ON_CHARTERS: readonly Attack[] = [
  {
    name: 'a charter changed after it was signed',
    play: offered('charter-unsigned', ({ document, openings }) => ({
      openings,
      document: {
        ...document,
        payload: document.payload.replaceAll('"threshold":0', `"threshold":${THRESHOLD_WHOLE}`),
      },
    })),
  },
  {
    name: 'key compromise: one approver alone signs a charter',
    play: offered('charter-unsigned', ({ document }, scene) => {
      const [one] = scene.stage.approvers;
      mustHold(one !== undefined, 'An approver');
      return charterSignedBy(documentOf(document.payload), [one], { digestText });
    }),
  },
  {
    name: 'key compromise: an approver whom the root has replaced signs with one who stays',
    play: offered('charter-unsigned', ({ document }, { stage }) => {
      const signers = [stage.formerApprover, ...stage.approvers.slice(1)];
      return charterSignedBy(documentOf(document.payload), signers, { digestText });
    }),
  },
  {
    name: 'key compromise: the release keys sign no charter',
    play: offered('charter-unsigned', ({ document }, { stage }) => {
      const { build, releaseEngineering } = stage.installation.signers;
      return charterSignedBy(documentOf(document.payload), [build, releaseEngineering], { digestText });
    }),
  },
  {
    name: 'a charter used for another release',
    async play(scene) {
      const [, , latest] = scene.releases;
      mustHold(latest !== undefined, 'A later release');
      const image = latest.manifest.components[0]?.image;
      mustHold(image !== undefined, 'Its image');
      scene.wire.checkIn = (answer) => {
        if (answer.kind !== 'offer') return answer;
        const artifact = { kind: 'full', digest: image.digest, bytes: image.bytes } as const;
        const artifacts = [{ component: 'main', artifact }];
        const other = { ...answer, release: latest.envelope, releaseId: latest.manifest.releaseId, artifacts };
        return directed(scene, other, latest.manifest.releaseCounter);
      };
      const reason = await scene.refusedFor('charter-for-another');
      await scene.recovers();
      return reason;
    },
  },
  {
    name: 'a charter left out',
    async play(scene) {
      scene.wire.checkIn = (answer) => {
        if (answer.kind !== 'offer') return answer;
        const { charter: _, ...bare } = answer;
        return bare;
      };
      const reason = await scene.refusedFor('charter-missing');
      await scene.recovers();
      return reason;
    },
  },
  {
    name: 'a permit that names no charter, by the stolen permit key',
    play: (scene) =>
      forged(scene, 'charter-permit-differs', (offer, sequence) => {
        const { charter: _, ...bare } = offer;
        return scene.permitFor(bare, {}, sequence);
      }),
  },
  {
    name: 'a wave skipped by a stolen control plane',
    isOutsideRing: true,
    ringBakeHours: 72,
    async play(scene) {
      const charter = await charterOf(scene);
      const document = documentOf(charter.document.payload);
      const canary = document.waves[1];
      mustHold(canary !== undefined && canary.notBefore > scene.now(), 'A wave that begins later');
      // He offers himself what the gateway would not, and signs a permit of the future.
      scene.wire.checkIn = () => directedOffer(scene, charter);
      scene.wire.permit = (_, { body }) => ({
        kind: 'permit',
        permit: scene.permitFor(
          stolenOffer(scene, charter),
          {
            charter: { sha256: digestText(charter.document.payload), waveIndex: 1 },
            grantedAt: fleetInstant(scene.now() + 1_000 * HOUR_MS),
          },
          JSON.parse(body).sequence,
        ),
      });
      for (let hour = 0; hour < 40; hour++) {
        await scene.wait(HOUR_MS);
        mustHold(scene.state().version === '1.0.0', `The device runs ${scene.state().version}`);
        if (scene.state().reason.includes('charter-wave-early')) break;
      }
      const { reason } = scene.state();
      mustHold(reason.includes('charter-wave-early'), `The device said ${reason || 'nothing'}`);
      const { timeFloor = 0 } = await scene.journal();
      mustHold(timeFloor <= scene.now(), 'The thief moved the floor of time beyond the clock of the device');
      await scene.recovers();
      return `${reason}; the honest wave is taken when it has come`;
    },
  },
  {
    name: 'a stolen control plane exposes nobody beyond the largest signed threshold',
    isOutsideRing: true,
    async play(scene) {
      const honest = documentOf((await charterOf(scene)).document.payload);
      const place = placeOf(honest.plan.salt, scene.deviceId);
      // Approvers would have signed exactly up to this device, and not it: every key but theirs is stolen.
      const tight = { ...honest, waves: honest.waves.map((wave) => ({ ...wave, threshold: wave.threshold && place })) };
      const signed = charterSignedBy(tight, scene.stage.approvers, { digestText });
      scene.wire.checkIn = () => directedOffer(scene, signed);
      const reason = await scene.refusedFor('charter-place');
      const told = await scene.told();
      mustHold(
        told.some((one) => one.detail.startsWith('charter-place')),
        'The device did not report it',
      );
      // The same with a permit for a device that holds the honest charter.
      scene.wire.checkIn = (answer) => answer;
      return `${reason}, reported`;
    },
  },
  {
    name: 'a device named into a ring by hand',
    isOutsideRing: true,
    play: (scene) =>
      offeredOutside(scene, 'charter-unsigned', (document) => ({
        ...document,
        waves: document.waves.map((wave, index) => (index === 0 ? { ...wave, ringDevices: [scene.deviceId] } : wave)),
      })),
  },
];

/** Changes the charter of each offer, waits for the refusal, lets go, and sees the honest one taken. */
function offered(code: string, change: (charter: SignedCharter, scene: Scene) => SignedCharter): Attack['play'] {
  return async (scene) => {
    scene.wire.checkIn = (answer) =>
      answer.kind === 'offer' && answer.charter !== undefined
        ? { ...answer, charter: change(answer.charter, scene) }
        : answer;
    const reason = await scene.refusedFor(code);
    await scene.recovers();
    return reason;
  };
}

/** The same where the gateway offers nothing yet: the thief makes the offer himself, with signatures that were made for another text. */
async function offeredOutside(
  scene: Scene,
  code: string,
  change: (document: CharterDocument) => CharterDocument,
): Promise<string> {
  const { document, openings } = await charterOf(scene);
  const altered = charterSignedBy(change(documentOf(document.payload)), [], { digestText });
  const charter = { document: { ...altered.document, signatures: document.signatures }, openings };
  scene.wire.checkIn = () => directedOffer(scene, charter);
  return scene.refusedFor(code);
}

/** The same with the director's word, by the stolen key. */
function directedOffer(scene: Scene, charter: SignedCharter): Promise<Offer> {
  const counter = scene.releases[1]?.manifest.releaseCounter ?? 0;
  return directed(scene, stolenOffer(scene, charter), counter);
}

function stolenOffer({ releases, plan }: Scene, charter: SignedCharter): Offer {
  const newer = releases[1];
  const image = newer?.manifest.components[0]?.image;
  mustHold(newer !== undefined && image !== undefined, 'A release to offer');
  const artifact = { kind: 'full', digest: image.digest, bytes: image.bytes } as const;
  return {
    ...{ kind: 'offer', rolloutId: plan.rolloutId, releaseId: newer.manifest.releaseId, epoch: 1 as Offer['epoch'] },
    ...{ release: newer.envelope, charter, isRollback: false },
    artifacts: [{ component: 'main', artifact }],
    pollAfterMs: (15 * 60_000) as Offer['pollAfterMs'],
  };
}

function documentOf(payload: string): CharterDocument {
  const parsed = parseCharter(payload);
  mustHold(parsed.ok, 'A charter that can be read');
  return parsed.value;
}

/** The charter in force, as anybody with the token of the API can read it. */
export async function charterOf({ stage, plan }: Scene): Promise<SignedCharter> {
  const { inForce } = (await stage.api('GET', `/rollouts/${plan.rolloutId}/charter`)) as { readonly inForce: unknown };
  const parsed = parseSignedCharter(JSON.stringify(inForce));
  mustHold(parsed.ok, 'A charter in force');
  return parsed.value;
}
