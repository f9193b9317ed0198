// SPDX-License-Identifier: Apache-2.0
import { signMetadata, trustContext } from '@outrider/adapters/shared/metadata-repository';
import { ok, type Result } from '@outrider/domain/kernel/result';
import type { FleetInstant } from '@outrider/domain/kernel/time';
import type { MetadataSignature, RootMetadata, TargetsMetadata } from '@outrider/domain/trust/tuf/metadata';
import type { MetadataSigner } from '@outrider/domain/trust/tuf/ports';
import { nextFleetTimestamp } from '@outrider/domain/trust/tuf/publication';
import { withRoot } from '@outrider/domain/trust/tuf/trusted-set';
import { encodeJson, parseText } from '@outrider/protocol/kernel/json-text';
import type { ParseError } from '@outrider/protocol/kernel/parse-error';
import { listOf, literal, malformed, oneOf, record, text } from '@outrider/protocol/kernel/reader';
import { METADATA_BYTES_MAX, metadataReader } from '@outrider/protocol/trust/tuf/read-metadata';
import { encodeMetadata, metadataMessage } from '@outrider/protocol/trust/tuf/write-metadata';
import { accepted, namingFullDisk, published, type TrustFolder } from './trust-folder.ts';

/** A document between its signers: which repository it is for, which role it is, and who has signed so far. */
export interface Draft {
  readonly repository: 'image' | 'director';
  /** `root`, `targets` or a model. */
  readonly role: string;
  readonly metadata: RootMetadata | TargetsMetadata;
  readonly signatures: readonly MetadataSignature[];
}

/** Writes drafts as they go from hand to hand. */
export function encodeDrafts(drafts: readonly Draft[]): string {
  const list = drafts.map(({ repository, role, metadata, signatures }) => ({
    repository,
    role,
    document: encodeMetadata(metadata, signatures),
  }));
  return encodeJson({ schema: 1, drafts: list });
}

/** Reads drafts; nothing is verified. Code: body-malformed. */
export function parseDrafts(body: string): Result<readonly Draft[], ParseError> {
  const read = parseText(body, { noun: 'draft', bytesMax: 4 * METADATA_BYTES_MAX, reader: draftFile });
  if (!read.ok) return read;
  const drafts: Draft[] = [];
  for (const { repository, role, document } of read.value.drafts) {
    const metadata = role === 'root' ? metadataReader.root(document) : metadataReader.targets(document);
    if (!metadata.ok) return malformed(metadata.error, 'metadata of TUF 1.0');
    drafts.push({ repository, role, metadata: metadata.value.signed, signatures: metadata.value.signatures });
  }
  return ok(drafts);
}

interface DraftOnWire extends Pick<Draft, 'repository' | 'role'> {
  readonly document: string;
}

const draftFile = record<{ readonly schema: 1; readonly drafts: readonly DraftOnWire[] }>({
  schema: literal(1),
  drafts: listOf(
    record<DraftOnWire>({
      repository: oneOf(['image', 'director']),
      role: text({ charactersMin: 1, charactersMax: 128 }),
      document: text({ charactersMax: METADATA_BYTES_MAX }),
    }),
    { countMin: 1, countMax: 8 },
  ),
});

/** The draft with a signature of each of these keys; one that a key made before is replaced. */
export async function signDraft(draft: Draft, signers: readonly MetadataSigner[]): Promise<Draft> {
  const message = metadataMessage(draft.metadata);
  let { signatures } = draft;
  for (const { keyId, sign } of signers) {
    const signature = { keyId, signature: await sign(message) };
    signatures = [...signatures.filter((one) => one.keyId !== keyId), signature];
  }
  return { ...draft, signatures };
}

/** Puts drafts into force, those of the image repository as one: devices follow them from their next check-in on. */
export async function publishDrafts(
  trust: TrustFolder,
  drafts: readonly Draft[],
  { now, signers }: { readonly now: FleetInstant; readonly signers: TrustFolder['online'] },
): Promise<void> {
  const image = drafts.filter(({ repository }) => repository === 'image');
  const root = image.find(({ role }) => role === 'root');
  const targets = new Map(image.filter(({ role }) => role !== 'root').map((one) => [one.role, documentOf(one)]));
  const director = drafts.find(({ repository }) => repository === 'director');
  // Looked at first, so that both come into force or none.
  if (director !== undefined) {
    const known = { root: trust.director.document, targets: new Map(), vouched: new Set<string>() };
    accepted(withRoot(known, documentOf(director), trustContext(now)));
  }
  if (image.length > 0)
    await published(trust.files, { ...(root && { root: documentOf(root) }), targets, signers, now });
  if (director === undefined) return;
  await namingFullDisk(async () => {
    await trust.files.storeMetadata(`director/${director.metadata.version}.root.json`, documentOf(director));
    await sayAnew(trust, { now, signers });
  });
}

/** The word to the fleet again, by the key that signs it from now on. */
async function sayAnew(
  { files }: TrustFolder,
  { now, signers }: { readonly now: FleetInstant; readonly signers: TrustFolder['online'] },
): Promise<void> {
  const text = await files.loadMetadata('director/timestamp.json');
  const former = text === undefined ? undefined : metadataReader.timestamp(text);
  if (!former?.ok) return;
  const policyEpoch = former.value.signed.fleet?.policyEpoch ?? 0;
  const next = nextFleetTimestamp(former.value.signed, { snapshot: former.value.signed.snapshot, policyEpoch, now });
  await files.storeMetadata('director/timestamp.json', await signMetadata(next, [signers.director]));
}

function documentOf({ metadata, signatures }: Draft): string {
  return encodeMetadata(metadata, signatures);
}
