// SPDX-License-Identifier: Apache-2.0
import type { DeviceId } from '../kernel/ids.ts';
import { hashUnit } from '../kernel/sha256.ts';

/**
 * Where a device stands in a rollout's order, in [0, 1): it may download once the threshold has passed it. Fixed for good
 * by the salt, the same on server and device, checkable by anyone with `sha256sum`.
 */
export function orderOf(salt: string, deviceId: DeviceId): number {
  return hashUnit(salt, 'order', deviceId);
}

/** The one uniform of the coin, in [0, 1): treated when it lies below pi. Independent of the order by its label. */
export function armUnitOf(salt: string, deviceId: DeviceId): number {
  return hashUnit(salt, 'arm', deviceId);
}

/** Whether the device is in the long panel, which holds the 168 h window: one in ten. */
export function isPanel(salt: string, deviceId: DeviceId): boolean {
  return hashUnit(salt, 'panel', deviceId) < PANEL_SHARE;
}

/** Share of the devices in the long panel (design/decision.md, "Data"). */
export const PANEL_SHARE = 0.1;
