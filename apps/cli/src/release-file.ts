// SPDX-License-Identifier: Apache-2.0
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import { RELEASE_MANIFEST_TYPE, type ReleaseManifest } from '@outrider/domain/release/release';
import type { Envelope } from '@outrider/domain/trust/envelope';
import type { SignedMetadata, TargetsMetadata } from '@outrider/domain/trust/tuf/metadata';
import { encodeJson } from '@outrider/protocol/kernel/json-text';
import type { ParseError } from '@outrider/protocol/kernel/parse-error';
import { parseManifest } from '@outrider/protocol/release/manifest';
import { parseEnvelope } from '@outrider/protocol/trust/envelope';
import { metadataReader } from '@outrider/protocol/trust/tuf/read-metadata';
import { encodeMetadata } from '@outrider/protocol/trust/tuf/write-metadata';
import { readDocument } from './files.ts';
import type { World } from './world.ts';

/** A release on its way from build to server: its manifest, and what the model's role will say of it, both with their signatures. */
export interface ReleaseFile {
  readonly envelope: Envelope;
  readonly manifest: ReleaseManifest;
  /** The next targets of the model's role; absent in a file from before there were repositories. */
  readonly targets?: SignedMetadata<TargetsMetadata>;
}

/** Writes a release file: the envelope, and beside it the targets as the document they are. */
export function encodeReleaseFile({ envelope, targets }: Pick<ReleaseFile, 'envelope' | 'targets'>): string {
  if (targets === undefined) return encodeJson(envelope);
  return encodeJson({ ...envelope, targets: JSON.parse(encodeMetadata(targets.signed, targets.signatures)) });
}

/** Reads a release file; another kind of document is refused. */
export function readRelease(world: World, path: string): Promise<ReleaseFile> {
  return readDocument(world, { noun: 'release', path }, (text): Result<ReleaseFile, ParseError> => {
    const envelope = parseEnvelope(text);
    if (!envelope.ok) return envelope;
    if (envelope.value.payloadType !== RELEASE_MANIFEST_TYPE) {
      return err({
        code: 'body-malformed',
        path: 'envelope.payloadType',
        seen: envelope.value.payloadType,
        allowed: RELEASE_MANIFEST_TYPE,
      });
    }
    const manifest = parseManifest(envelope.value.payload);
    if (!manifest.ok) return manifest;
    const targets = targetsIn(text);
    if (targets?.ok === false) {
      return err({
        code: 'body-malformed',
        path: 'release.targets',
        seen: targets.error,
        allowed: 'targets of TUF 1.0',
      });
    }
    return ok({ envelope: envelope.value, manifest: manifest.value, ...(targets && { targets: targets.value }) });
  });
}

function targetsIn(text: string): Result<SignedMetadata<TargetsMetadata>, string> | undefined {
  // It was read as an envelope, so it is JSON.
  const { targets }: { readonly targets?: unknown } = JSON.parse(text);
  return targets === undefined ? undefined : metadataReader.targets(JSON.stringify(targets));
}
