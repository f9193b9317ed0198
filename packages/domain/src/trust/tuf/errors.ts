// SPDX-License-Identifier: Apache-2.0

/** Why a document of a repository, or a file that it should vouch for, is not trusted. */
export interface MetadataError {
  readonly code: MetadataErrorCode;
  /** The document, the value seen and the value allowed. */
  readonly detail: string;
}

/** The closed union of reasons; codes never change. */
export type MetadataErrorCode = keyof typeof METADATA_ERRORS;

/** One sentence for each code, with the clause of TUF 1.0 that it enforces. */
export const METADATA_ERRORS = {
  'metadata-malformed': 'The document is no metadata that this client reads (TUF 1.0 §4)',
  'metadata-unsigned':
    'Fewer different keys, or groups of keys, than the threshold have validly signed it (TUF 1.0 §5.3.4)',
  'metadata-version-wrong':
    'The document has another version than the one that was named for it (TUF 1.0 §5.3.5, §5.5.4)',
  'metadata-rolled-back':
    'The document is older than one that was trusted before: a rollback attack (TUF 1.0 §5.4.3, §5.5.5)',
  'metadata-expired': 'The document has expired: a freeze attack, or nobody has renewed it (TUF 1.0 §5.3.10)',
  'metadata-length-wrong': 'The document has another length than the one that was named for it (TUF 1.0 §5.5.2)',
  'metadata-digest-wrong': 'The document has another digest than the one that was named for it (TUF 1.0 §5.5.2)',
  'metadata-missing': 'The repository does not have a document that another one names (TUF 1.0 §5.5.6)',
  'metadata-unreachable': 'The document could not be fetched; what is trusted stays as it is (TUF 1.0 §5.4.1)',
  'target-unknown': 'No role that may speak for this file names it (TUF 1.0 §5.6.7)',
  'target-differs': 'Director and image repository do not agree about the file (Uptane 2.1.0 §5.4.4)',
} as const;
