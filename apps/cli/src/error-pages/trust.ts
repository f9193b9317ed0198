// SPDX-License-Identifier: Apache-2.0
import { METADATA_ERRORS, type MetadataErrorCode } from '@outrider/domain/trust/tuf/errors';
import type { ErrorArea } from './area.ts';

const SAFE =
  'What was trusted before stays trusted, and nothing new is: devices keep what they run, the server serves what it served.';

const ACTS: Readonly<Record<MetadataErrorCode, string>> = {
  'metadata-malformed':
    'Publish the document again; if only some devices say so, look what lies between them and the server.',
  'metadata-unsigned':
    'Look with `outrider trust status` who must sign. A document signed before its key was replaced must be signed anew.',
  'metadata-version-wrong':
    'A cache mixes states of the repository: it must keep versioned files and ask for timestamp.json again.',
  'metadata-rolled-back':
    'If the server was restored from a backup, publish once more, so that its versions pass those of before. Else somebody plays old answers: look who can reach the devices.',
  'metadata-expired':
    'Let the people of the role sign anew: `outrider trust status` names it. One device alone: correct its clock.',
  'metadata-length-wrong': 'Something between server and device changes documents: look at proxies and the CDN.',
  'metadata-digest-wrong': 'As for metadata-length-wrong.',
  'metadata-missing': 'Found the repositories with `outrider trust init`, or restore the file from a backup.',
  'metadata-unreachable': 'Nothing: the device asks again by itself. If it lasts, look at the network and the server.',
  'target-unknown': 'Publish the release again: the image repository has to name it before devices take it.',
  'target-differs':
    'Director and image repository contradict each other: pause, and look whether a key of the server was stolen (docs/runbooks/keys.md).',
};

/** Why a document of a repository is not trusted. */
export const trustArea: ErrorArea = {
  name: 'trust',
  title: 'Reasons not to trust the repositories',
  intro:
    'The beginning of the detail of `repository-refused` at a device, and of what `outrider trust` and a publication say.',
  codes: Object.fromEntries(
    Object.entries(METADATA_ERRORS).map(([code, sentence]) => [
      code,
      [`${sentence}.`, SAFE, ACTS[code as MetadataErrorCode]],
    ]),
  ),
};
