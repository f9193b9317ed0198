// SPDX-License-Identifier: Apache-2.0
import { PLAN_ERRORS } from '@outrider/domain/policy/errors';
import { RELEASE_ERRORS } from '@outrider/domain/release/errors';
import type { CodeText, ErrorArea } from './area.ts';

/** Rules of plans and manifests; each says itself what is allowed. */
export const ruleArea: ErrorArea = {
  name: 'rules',
  title: 'Rules of plans and manifests',
  intro: 'The finding behind `plan-invalid` and `manifest-invalid`, in the detail.',
  codes: {
    ...textsOf(PLAN_ERRORS, [
      'No rollout was created.',
      'Correct the plan; `outrider rollout forecast` shows all its findings.',
    ]),
    ...textsOf(RELEASE_ERRORS, ['Nothing was published.', 'Correct the manifest, then let it be signed anew.']),
  },
  marks: {
    ...Object.fromEntries(Object.keys(PLAN_ERRORS).map((code) => [code, 'plan'])),
    ...Object.fromEntries(Object.keys(RELEASE_ERRORS).map((code) => [code, 'manifest'])),
  },
};

function textsOf(
  sentences: Readonly<Record<string, string>>,
  [safe, act]: readonly [safe: string, act: string],
): Readonly<Record<string, CodeText>> {
  return Object.fromEntries(Object.entries(sentences).map(([code, text]) => [code, [`${text}.`, safe, act] as const]));
}
