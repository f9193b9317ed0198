// SPDX-License-Identifier: Apache-2.0
import type { PermitId } from '../../kernel/ids.ts';
import type { NotYetCode } from '../permit.ts';
import type { DdiDevice } from './ddi-device.ts';

/** Deployments of one permit: more pauses and resumes than this within one rollout leave the device as it is. */
export const ATTEMPTS_MAX = 8;

/**
 * Under which attempt a permit is shown: the open one, or the next after a cancellation. Undefined: it has ended, or was
 * cancelled `ATTEMPTS_MAX` times.
 */
export function attemptOf(device: DdiDevice, permitId: PermitId): number | undefined {
  const last = device.actions.findLast((one) => one.permitId === permitId);
  if (last === undefined) return 1;
  if (last.state === 'open') return last.attempt;
  return last.state === 'cancelled' && last.attempt < ATTEMPTS_MAX ? last.attempt + 1 : undefined;
}

/**
 * Whether a deployment that the device has been shown is taken back when its permit is not renewed for this reason. The
 * others pass by themselves, or mean that the server cannot say now: then nothing is shown, and nothing taken back.
 */
export const IS_TAKEN_BACK: Readonly<Record<NotYetCode, boolean>> = {
  'cap-full': false,
  'segment-cap-full': false,
  'control-arm': true,
  'no-offer': true,
  'wave-not-open': false,
  'outside-charter': true,
  'segment-halted': true,
  'rollout-not-running': true,
  'scope-paused': true,
  excluded: true,
  frozen: true,
  'epoch-moved': false,
  'already-enrolled': false,
  'store-away': false,
};
