// SPDX-License-Identifier: Apache-2.0
import { MANIFEST_FAULTS, type ManifestFaultCode } from '@outrider/domain/gateway/manifest-faults';
import type { ErrorArea } from './area.ts';

const SAFE = 'The report is on record and counts for nothing: no rollout widens by it.';

const FORGED =
  'Look at the device: an honest one never sends this. A stolen key: `outrider device revoke`, see the runbook of a stolen device key.';

const ACTS: Readonly<Record<ManifestFaultCode, string>> = {
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
  return Object.entries(MANIFEST_FAULTS).find(([known]) => known === code)?.[1] ?? '';
}
