// SPDX-License-Identifier: Apache-2.0
import { CLAIM_FAULTS, type ClaimFaultCode } from '@outrider/domain/gateway/claim-faults';
import type { ErrorArea } from './area.ts';

const SAFE = 'The report is on record and counts for nothing: no rollout widens by it.';

const FORGED =
  'Look at the device: an honest one never sends this. A stolen key: `outrider device revoke`, see the runbook of a stolen device key.';

const ACTS: Readonly<Record<ClaimFaultCode, string>> = {
  'manifest-missing':
    'It went back to an agent that signs none, or somebody speaks for it: look at the device. A fleet of older agents is let count by `"claimNeeds": "signature"` in the plan, which approvers sign.',
  'manifest-type-wrong': 'Correct the device software: the page of the device protocol has the type.',
  'manifest-signature-invalid':
    'A device that was given a new key signs with that one. Otherwise it is forged: look at who sent it.',
  'manifest-malformed':
    'Correct the device software: the payload is canonical JSON, as the golden files show it. A newer agent may know a newer kind: update the server first.',
  'manifest-for-another': FORGED,
  'manifest-replayed': FORGED,
  'manifest-differs': FORGED,
  'manifest-other-release':
    'The device runs other bytes than were permitted: pause the rollout if there are several, and look at one of them.',
  'quote-missing':
    'Its TPM gave none: the detail of the report says why. A device that has none any more: `outrider device forget-tpm`. A plan that asks everybody for one: `claimNeeds`.',
  'quote-key-differs':
    'A TPM or a main board that was exchanged: look at the device, then `outrider device forget-tpm`, and it enrols the new one. Otherwise somebody plays a TPM.',
  'quote-signature-invalid': FORGED,
  'quote-malformed': 'Correct the device software: the page of the device protocol says what is quoted, in which form.',
  'quote-nonce-wrong': FORGED,
  'quote-values-wrong': FORGED,
  'quote-pcr-changed':
    'Firmware or its settings changed, such as Secure Boot: was it you? Then `outrider device forget-tpm`, and the next quote enrols what is there now. Otherwise take the device out: `outrider device revoke`.',
};

/** Why the word of a device that it installed something is not believed. */
export const claimArea: ErrorArea = {
  name: 'claims',
  title: 'Why a device is not believed',
  intro:
    'In `outrider device show` and `device explain`, in the answer to a report, in the log of the server, and by number in `outrider_gateway_claims_total`.',
  codes: Object.fromEntries(
    Object.entries(ACTS).map(([code, act]) => [code, [`${sentenceOf(code)}.`, SAFE, act] as const]),
  ),
};

function sentenceOf(code: string): string {
  return Object.entries(CLAIM_FAULTS).find(([known]) => known === code)?.[1] ?? '';
}
