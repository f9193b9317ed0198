// SPDX-License-Identifier: Apache-2.0
import type { BlobError } from '@outrider/domain/gateway/ports';
import type { Err } from '@outrider/domain/kernel/result';
import { type CommandError, refuse } from '../errors.ts';
import type { Log, LogFields } from '../ports.ts';

/** What a blob that was not stored looks like at the edge; a full disk is also told to whoever reads the log. */
export function blobProblem(
  error: BlobError,
  told: { readonly stage: LogFields['stage']; readonly log: Log },
): Err<CommandError> {
  switch (error.code) {
    case 'blob-too-long':
      return refuse('body-too-large', `The blob has more than ${error.bytesMax} bytes, the most there may be`);
    case 'digest-mismatch': {
      const detail = `The bytes have the digest ${error.actual}, the path says ${error.expected}; nothing was kept`;
      return refuse('digest-mismatch', detail, { expected: error.expected, actual: error.actual });
    }
    case 'storage-full': {
      told.log.error({ stage: told.stage, code: 'storage-full', cause: error.detail }, 'The disk for blobs is full');
      const detail = 'The disk of the server has no room for the bytes, and nothing of them was kept';
      return refuse('storage-full', `${detail}; make room on the disk of the data folder, then send them again`);
    }
  }
}
