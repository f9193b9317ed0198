// SPDX-License-Identifier: Apache-2.0
import type { PermitId } from '../kernel/ids.ts';
import { sha256Words } from '../kernel/sha256.ts';
import type { LedgerRow } from './ledger.ts';

/**
 * The permit of one ledger row: the first 128 bits of SHA-256 over `rollout|device|kind|enrolment`, in hexadecimal. The
 * same request therefore always names the same permit, on whichever server it is answered.
 */
export function permitIdOf(row: Pick<LedgerRow, 'rolloutId' | 'deviceId' | 'kind' | 'enrolment'>): PermitId {
  const words = sha256Words(`${row.rolloutId}|${row.deviceId}|${row.kind}|${row.enrolment}`);
  const digits = [...words.subarray(0, 4)].map((word) => word.toString(16).padStart(8, '0')).join('');
  // The constructor of permit ids: 32 hexadecimal digits satisfy the pattern of every id.
  return digits as PermitId;
}
