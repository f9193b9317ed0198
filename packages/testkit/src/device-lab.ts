// SPDX-License-Identifier: Apache-2.0
import { digestBytes, digestText } from '@outrider/adapters/shared/digest';
import { createVerifier, signerFromSeed } from '@outrider/adapters/shared/ed25519';
import { listBlocks } from '@outrider/delta/block-list';
import { encodeDelta } from '@outrider/delta/encode';
import type { Delta } from '@outrider/domain/delta/delta';
import type { SlotContent } from '@outrider/domain/device/ports';
import { assert } from '@outrider/domain/kernel/assert';
import type { Bytes, ReleaseCounter, ReleaseId, Sha256 } from '@outrider/domain/kernel/ids';
import type { CharterDocument, SignedCharter } from '@outrider/domain/policy/charter';
import { type Component, RELEASE_MANIFEST_TYPE, type ReleaseManifest } from '@outrider/domain/release/release';
import { type Envelope, preAuthenticationEncoding } from '@outrider/domain/trust/envelope';
import type { SignatureVerifier, Signer } from '@outrider/domain/trust/ports';
import type { SigningRole, TrustAnchors } from '@outrider/domain/trust/role';
import { charterSignedBy } from '@outrider/protocol/policy/sign-charter';
import { encodeManifest } from '@outrider/protocol/release/manifest';

/** Signed releases with their blobs, for tests of devices. The same images give the same lab, byte for byte. */
export interface DeviceLab {
  readonly anchors: TrustAnchors;
  readonly verifier: SignatureVerifier;
  readonly releases: readonly LabRelease[];
  readonly blobs: ReadonlyMap<Sha256, Uint8Array>;
  readonly deltas: readonly Delta[];
  readonly permitSigner: Signer;
  /** Any text as a document of any type, signed by these keys. */
  readonly sign: (document: Pick<Envelope, 'payloadType' | 'payload'>, signers: readonly Signer[]) => Envelope;
  /** One of each group. */
  readonly releaseSigners: readonly Signer[];
  /** One of each group of approvers, who are pinned only where a test says so. */
  readonly approverSigners: readonly Signer[];
  readonly approverRole: SigningRole;
  /** A charter that all approvers have signed, with openings of these waves. */
  readonly charter: (document: CharterDocument, opened: readonly number[]) => SignedCharter;
}

export interface LabRelease {
  readonly manifest: ReleaseManifest;
  readonly envelope: Envelope;
  /** By component. */
  readonly images: Readonly<Record<string, Uint8Array>>;
  readonly content: SlotContent;
}

export const LAB_DEVICE_TYPE = 'camera';
export const LAB_HARDWARE_ID = 'rev-a';
/** Small, so that images of a few kilobytes have many blocks. */
const LAB_BLOCK_BYTES = 1_024 as Bytes;

/** One release for each element, 1.0.0, 1.1.0, ...; counters 1, 3, 5, the twins between them; deltas between neighbours. */
export async function deviceLab(bundles: readonly Readonly<Record<string, Uint8Array>>[]): Promise<DeviceLab> {
  const releaseSigners = [labSigner(1), labSigner(2)];
  const permitSigner = labSigner(3);
  const blobs = new Map<Sha256, Uint8Array>();
  const deltas: Delta[] = [];
  const releases: LabRelease[] = [];
  for (const [index, images] of bundles.entries()) {
    const former = releases.at(-1);
    const components = await Promise.all(Object.entries(images).map((entry) => componentOf(entry, blobs)));
    const manifest: ReleaseManifest = {
      schema: 1,
      releaseId: `camera-1.${index}.0` as ReleaseId,
      deviceType: LAB_DEVICE_TYPE,
      version: `1.${index}.0`,
      releaseCounter: (2 * index + 1) as ReleaseCounter,
      components,
      dependencies: [],
      notes: '',
      ...(former && {
        rollbackTwin: {
          releaseId: `camera-1.${index - 1}.0-twin-${index}` as ReleaseId,
          version: former.manifest.version,
          releaseCounter: (2 * index + 2) as ReleaseCounter,
          components: former.manifest.components,
        },
      }),
    };
    const document = { payloadType: RELEASE_MANIFEST_TYPE, payload: encodeManifest(manifest) };
    releases.push({
      manifest,
      envelope: signed(document, releaseSigners),
      images,
      content: contentOf(manifest.version, manifest.releaseCounter, components),
    });
    for (const name of Object.keys(former?.images ?? {})) {
      const pair = [former?.images[name], images[name]] as const;
      deltas.push(...(await deltaOf(pair, blobs)), ...(await deltaOf([pair[1], pair[0]], blobs)));
    }
  }
  return {
    anchors: {
      releaseRole: {
        threshold: 2,
        groups: [
          { name: 'build', keys: [labSigner(1).publicKey] },
          { name: 'release-engineering', keys: [labSigner(2).publicKey] },
        ],
      },
      permitKeys: [permitSigner.publicKey],
    },
    verifier: createVerifier(),
    releases,
    blobs,
    deltas,
    permitSigner,
    releaseSigners,
    approverSigners: [labSigner(4), labSigner(5)],
    approverRole: {
      threshold: 2,
      groups: [
        { name: 'safety', keys: [labSigner(4).publicKey] },
        { name: 'operations', keys: [labSigner(5).publicKey] },
      ],
    },
    charter: (document, waves) => charterSignedBy(document, [labSigner(4), labSigner(5)], { digestText, waves }),
    sign: signed,
  };
}

function labSigner(seed: number): Signer {
  return signerFromSeed(new Uint8Array(32).fill(seed));
}

function signed(document: Pick<Envelope, 'payloadType' | 'payload'>, signers: readonly Signer[]): Envelope {
  const message = preAuthenticationEncoding(document.payloadType, document.payload);
  return { ...document, signatures: signers.map((signer) => signer.sign(message)) };
}

async function componentOf(
  [name, content]: readonly [string, Uint8Array],
  blobs: Map<Sha256, Uint8Array>,
): Promise<Component> {
  const { image, blocks } = await listBlocks([content], LAB_BLOCK_BYTES);
  blobs.set(image.digest, content);
  blobs.set(image.blocksDigest, blocks);
  return { name, hardwareIds: [LAB_HARDWARE_ID], image };
}

function contentOf(version: string, releaseCounter: ReleaseCounter, components: readonly Component[]): SlotContent {
  return { version, releaseCounter, components: components.map(({ name, image }) => ({ name, digest: image.digest })) };
}

async function deltaOf(
  [from, to]: readonly [Uint8Array | undefined, Uint8Array | undefined],
  blobs: Map<Sha256, Uint8Array>,
): Promise<readonly Delta[]> {
  if (from === undefined || to === undefined || digestBytes(from) === digestBytes(to)) return [];
  const encoded = await encodeDelta(from, to);
  assert(encoded.ok, 'a delta between two small images');
  blobs.set(encoded.value.delta.digest, encoded.value.content);
  return [encoded.value.delta];
}
