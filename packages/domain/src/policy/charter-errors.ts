// SPDX-License-Identifier: Apache-2.0

/** Why something lies outside the charter of its rollout. */
export interface CharterError {
  readonly code: CharterErrorCode;
  /** The value seen and the value allowed. */
  readonly detail: string;
}

/** Why a gateway may not serve by a charter: a device cannot see the plan that is in force. */
export interface GatewayCharterError {
  readonly code: CharterErrorCode | 'charter-plan-differs';
  readonly detail: string;
}

/** The closed union of reasons, the same at gateway and device; codes never change. */
export type CharterErrorCode = keyof typeof CHARTER_ERRORS;

/** One sentence for each code. */
export const CHARTER_ERRORS = {
  'charter-missing': 'Approvers are installed, and the rollout has no charter that they signed',
  'charter-type-wrong': 'The signed document is of another kind than a charter',
  'charter-unsigned': 'Too few groups of the pinned approvers signed the charter',
  'charter-malformed': 'The signed text is no charter that can be read, or its parts contradict each other',
  'charter-for-another': 'The charter is for another rollout, release or type of device',
  'charter-audience': 'The device is not in the audience that was signed',
  'charter-expired': 'The charter has expired',
  'charter-place': 'The place of the device in the order lies beyond every threshold that was signed',
  'charter-wave-unsigned': 'The wave goes beyond a tenth of the fleet and has no signature of its own',
  'charter-wave-early': 'The wave may not begin yet',
  'charter-permit-differs': 'The permit names another charter, or a wave that the charter does not have',
} as const;

/** The same for a gateway. */
export const GATEWAY_CHARTER_ERRORS = {
  ...CHARTER_ERRORS,
  'charter-plan-differs': 'The plan in force is not the one that the charter was signed for',
} as const satisfies Readonly<Record<GatewayCharterError['code'], string>>;
