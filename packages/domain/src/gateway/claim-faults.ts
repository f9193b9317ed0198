// SPDX-License-Identifier: Apache-2.0
import { MANIFEST_FAULTS, type ManifestFaultCode } from './manifest-faults.ts';
import { QUOTE_FAULTS, type QuoteFaultCode } from './quote-faults.ts';

/** Why the claim of a device that it installed something counts for nothing. */
export type ClaimFaultCode = ManifestFaultCode | QuoteFaultCode;

/** One sentence for each code. */
export const CLAIM_FAULTS: Readonly<Record<ClaimFaultCode, string>> = { ...MANIFEST_FAULTS, ...QUOTE_FAULTS };
