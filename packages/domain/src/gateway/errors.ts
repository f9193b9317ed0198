// SPDX-License-Identifier: Apache-2.0
import type { RefusalCode } from './check-in.ts';
import type { NotYetCode } from './permit.ts';

/** Why a check-in got no offer: one sentence for each code. An answer, never an error. */
export const REFUSALS = {
  'no-rollout': 'No rollout is live for this type of device',
  'not-in-audience': 'The rollout is not for this device',
  'hardware-mismatch': 'The release does not run on the hardware of the device',
  'counter-too-low': 'The device runs something newer than the release',
  'already-running': 'The device runs the release already',
  'below-floor': 'The device must first take a release at or above the floor',
  'dependency-missing': 'A component that the release depends on is missing or too old',
  'release-withdrawn': 'The release has been withdrawn',
  'rollout-not-running': 'The rollout is paused, halted or rolling back, and has nothing for this device',
  'way-back-barred': 'The device has confirmed a floor above what the rollback would bring back',
  'outside-charter': 'What approvers have signed for the rollout does not allow it for this device, or not yet',
  'scope-paused': 'Everything is paused in a scope that the device belongs to',
  excluded: 'The device is excluded from all rollouts, by its id or a tag',
  'segment-halted': 'The segment of the device, or its region, has been halted',
  'wave-not-open': 'The rollout has not yet come to the place of this device in its order',
  'offers-stale': 'The server has not heard of the newest policy for a while and offers nothing until it has',
} as const satisfies Readonly<Record<RefusalCode, string>>;

/** Why a permit request got no permit yet: one sentence for each code. */
export const NOT_YETS = {
  'cap-full': 'All permits that the evidence allows so far have been given',
  'segment-cap-full': 'All permits that the evidence allows in this segment so far have been given',
  'control-arm': 'The device is in the control arm, which has to wait so that the arms can be compared',
  'no-offer': 'The rollout has no offer for this device',
  'wave-not-open': 'The rollout has not yet come to the place of this device in its order',
  'segment-halted': 'The segment of the device, or its region, has been halted',
  'rollout-not-running': 'The rollout is paused, halted or ended, and gives no permit of this kind',
  'scope-paused': 'Everything is paused in a scope that the device belongs to',
  excluded: 'The device is excluded from all rollouts, by its id or a tag',
  frozen: 'A freeze holds for the device: no new permits until it ends',
  'outside-charter': 'What approvers have signed for the rollout does not allow it for this device, or not yet',
  'epoch-moved': 'The policy moved while the permit was being made: ask again',
  'already-enrolled': 'The device has been enrolled under another request: ask again',
  'store-away': 'The ledger cannot be reached, and without its row there is no permit',
} as const satisfies Readonly<Record<NotYetCode, string>>;
