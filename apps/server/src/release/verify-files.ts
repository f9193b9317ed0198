// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import type { BlobReader } from '@outrider/domain/gateway/ports';
import { ok, type Result } from '@outrider/domain/kernel/result';
import type { Component, ReleaseManifest } from '@outrider/domain/release/release';
import { type CommandError, refuse } from '../errors.ts';

/**
 * Whether the digests that old clients check are those of the bytes: with a wrong one every device of a rollout would refuse
 * the file, one after another. Images without a file are nobody's to check so.
 */
export async function verifyFiles(
  { components, rollbackTwin }: ReleaseManifest,
  blobs: BlobReader,
): Promise<Result<'verified', CommandError>> {
  for (const component of [...components, ...(rollbackTwin?.components ?? [])]) {
    const verified = await verifyFile(component, blobs);
    if (!verified.ok) return verified;
  }
  return ok('verified');
}

async function verifyFile({ image, file }: Component, blobs: BlobReader): Promise<Result<'verified', CommandError>> {
  if (file === undefined) return ok('verified');
  const md5 = createHash('md5');
  const sha1 = createHash('sha1');
  for await (const chunk of blobs.read(image.digest)) {
    md5.update(chunk);
    sha1.update(chunk);
  }
  const actual = { md5: md5.digest('hex'), sha1: sha1.digest('hex') };
  if (actual.md5 === file.md5 && actual.sha1 === file.sha1) return ok('verified');
  const detail = `The file ${file.name} has MD5 ${actual.md5} and SHA-1 ${actual.sha1}, signed are ${file.md5} and ${file.sha1}; sign what was packed`;
  return refuse('digest-mismatch', detail, { digest: image.digest });
}
