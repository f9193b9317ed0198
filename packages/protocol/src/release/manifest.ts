// SPDX-License-Identifier: Apache-2.0
import { ok, type Result } from '@outrider/domain/kernel/result';
import type {
  Component,
  ComponentFile,
  Dependency,
  Image,
  PublishedRelease,
  ReleaseManifest,
  RollbackTwin,
} from '@outrider/domain/release/release';
import { encodeJson, parseText } from '../kernel/json-text.ts';
import { ANSWER_BYTES_MAX, COMPONENTS_MAX, MANIFEST_BYTES_MAX, REASON_CHARACTERS_MAX } from '../kernel/limits.ts';
import type { ParseError } from '../kernel/parse-error.ts';
import { listOf, literal, malformed, optional, record, text } from '../kernel/reader.ts';
import { bytes, instant, label, releaseCounter, releaseId, sha256, version } from '../kernel/values.ts';
import { envelope } from '../trust/envelope.ts';

/** Hardware revisions of one image. */
const HARDWARE_IDS_MAX = 256;
const NOTES_CHARACTERS_MAX = 65_536;

/** Writes the payload of a release envelope: the exact text that is signed. */
export function encodeManifest(manifest: ReleaseManifest): string {
  return encodeJson(manifest);
}

/**
 * Reads the payload of a release envelope; only canonical JSON is taken, so that signers, server and devices cannot
 * read it in two ways. The rules between fields are `validateManifest`'s. Code: body-malformed.
 */
export function parseManifest(payload: string): Result<ReleaseManifest, ParseError> {
  return parseText(payload, {
    noun: 'release-manifest',
    bytesMax: MANIFEST_BYTES_MAX,
    reader: releaseManifest,
    isCanonical: true,
  });
}

/** Writes a release as the catalogue holds it. */
export function encodePublishedRelease(release: PublishedRelease): string {
  return encodeJson(release);
}

/** Reads a release as the catalogue holds it. Code: body-malformed. */
export function parsePublishedRelease(body: string): Result<PublishedRelease, ParseError> {
  return parseText(body, { noun: 'published-release', bytesMax: ANSWER_BYTES_MAX, reader: publishedRelease });
}

/** Reads how an image is seen as a file: its name is a label, so that it needs no escaping in a path. */
export const componentFile = record<ComponentFile>({ name: label, md5: hexadecimal(32), sha1: hexadecimal(40) });

const component = record<Component>({
  name: label,
  hardwareIds: listOf(label, { countMax: HARDWARE_IDS_MAX }),
  image: record<Image>({ digest: sha256, bytes, blockBytes: bytes, blocksDigest: sha256 }),
  file: optional(componentFile),
});

const components = listOf(component, { countMax: COMPONENTS_MAX });

function hexadecimal(digits: number) {
  const pattern = new RegExp(`^[0-9a-f]{${digits}}$`);
  return (value: unknown): Result<string, ParseError> =>
    typeof value === 'string' && pattern.test(value)
      ? ok(value)
      : malformed(value, `${digits} hexadecimal digits in lower case`);
}

const releaseManifest = record<ReleaseManifest>({
  schema: literal(1),
  releaseId,
  deviceType: label,
  version,
  releaseCounter,
  components,
  floorVersion: optional(version),
  dependencies: listOf(record<Dependency>({ component: label, versionAtLeast: version }), { countMax: COMPONENTS_MAX }),
  notes: text({ charactersMax: NOTES_CHARACTERS_MAX }),
  rollbackTwin: optional(record<RollbackTwin>({ releaseId, version, releaseCounter, components })),
});

const publishedRelease = record<PublishedRelease>({
  manifest: releaseManifest,
  envelope,
  publishedAt: instant,
  withdrawnAt: optional(instant),
  withdrawnReason: optional(text({ charactersMax: REASON_CHARACTERS_MAX })),
});
