// SPDX-License-Identifier: Apache-2.0

/** Why the claim of a device that it installed something is not believed. Codes never change. */
export type ManifestFaultCode =
  | 'manifest-missing'
  | 'manifest-type-wrong'
  | 'manifest-signature-invalid'
  | 'manifest-malformed'
  | 'manifest-for-another'
  | 'manifest-replayed'
  | 'manifest-differs'
  | 'manifest-other-release';

/** One sentence for each code. */
export const MANIFEST_FAULTS = {
  'manifest-missing': 'The claim came without a version manifest, and one is asked of this device',
  'manifest-type-wrong': 'The envelope holds another kind of document than a version manifest',
  'manifest-signature-invalid': 'The version manifest is not signed by the registered key of the device',
  'manifest-malformed': 'The signed text is no version manifest in canonical JSON',
  'manifest-for-another': 'The version manifest is of another device',
  'manifest-replayed': 'The version manifest was made for another report or for another permit',
  'manifest-differs': 'The version manifest and its report name different software',
  'manifest-other-release': 'The images in the version manifest are not those of the release that was permitted',
} as const satisfies Readonly<Record<ManifestFaultCode, string>>;
