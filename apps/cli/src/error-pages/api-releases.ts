// SPDX-License-Identifier: Apache-2.0
import type { ProblemCode } from '@outrider/protocol/kernel/problem';
import { type CodeText, UNTOUCHED } from './area.ts';

/** Codes about blobs, documents and releases. */
export const RELEASE_CODES = {
  'blob-unknown': [
    'No blob is stored under this digest.',
    'What is stored is untouched.',
    'Upload it. If a device asks for it: its offer is older than a restore; it asks again by itself at its next check-in.',
  ],
  'document-unknown': [
    'The repository has no document of this name; for the next root this is how devices learn that there is none.',
    UNTOUCHED,
    'Nothing, unless it is a document that `timestamp.json` leads to: then restore it from a backup.',
  ],
  'range-unsatisfiable': [
    'The asked range begins after the end of the blob.',
    UNTOUCHED,
    'Start from zero. A device does so by itself.',
  ],
  'digest-mismatch': [
    'The bytes that came have another SHA-256 than the one they were announced under.',
    'Nothing was kept: under a digest there are only the bytes it names.',
    'Send them again. If it comes back, the file changed after it was hashed: pack the image anew.',
  ],
  'image-missing': [
    'The manifest names an image or a block list that was not uploaded.',
    'Nothing was published.',
    'Upload all images, those of the rollback twin too, then publish again: `outrider release publish` does it in this order.',
  ],
  'image-size-differs': [
    'An uploaded image has another length than the signed manifest says.',
    'Nothing was published.',
    'Make the manifest from the very files that are uploaded, and sign it anew.',
  ],
  'blocks-differ': [
    'The block list does not describe the image.',
    'Nothing was published.',
    'Pack the image anew with `outrider release pack` and make a new manifest.',
  ],
  'release-unknown': ['No release has this id.', UNTOUCHED, 'Look at `outrider release list`.'],
  'release-exists': [
    'The id, the version or the counter was published before for this type of device.',
    'What was published stays exactly as it was.',
    'A change is a new release: raise version and counter.',
  ],
  'release-withdrawn': [
    'The release was withdrawn and is offered no more.',
    'Devices that run it stay on it.',
    'Publish a newer release.',
  ],
  'release-role-missing': [
    'The server does not know who may sign releases.',
    'Nothing can be published and no device can register until it does.',
    'Make the role with `outrider key role` and put it where the server looks for it.',
  ],
  'release-unvouched': [
    'The image repository cannot vouch for the release: its signed targets are missing, of the wrong version, or say something else.',
    'Nothing was published, and the former metadata stays served.',
    'Create the release anew with `--former` naming the newest one, and let both groups sign it again.',
  ],
  'manifest-invalid': [
    'The manifest breaks a rule; the detail names it, and [rules.md](rules.md) explains it.',
    'Nothing was published.',
    'Correct the manifest and sign it anew.',
  ],
  'payload-type-unexpected': [
    'The envelope holds another kind of document than the route takes.',
    'Nothing was read from it.',
    'Send the signed release manifest itself.',
  ],
  'role-invalid': [
    'The document that says who may sign cannot be trusted: its threshold is out of range, or one key stands in two groups.',
    'Nothing signed under it is accepted.',
    'Make the role anew with `outrider key role`.',
  ],
  'threshold-not-met': [
    'Fewer groups have signed than the role demands.',
    'Nothing was accepted.',
    'Let the missing groups sign with `outrider release sign`; the detail names them.',
  ],
  'delta-failed': [
    'A delta could not be made, or applying it did not give the image.',
    'The release was not published: no device ever sees an unproven delta.',
    'Look at the free disk space of the server and publish again. If one pair of images fails each time, keep both and report it.',
  ],
} as const satisfies Partial<Record<ProblemCode, CodeText>>;
