// SPDX-License-Identifier: Apache-2.0

/** Which starts of a device's software have spoken with its key: the newest first. */
export interface BootsSeen {
  readonly boots: readonly string[];
  /** How often a start spoke again after another one had spoken. */
  readonly returns: number;
}

/**
 * A start that ends does not come back. One return may be a request that was held up on its way; two are two devices with one
 * key, or one device whose storage was set back.
 */
export const CLONE_RETURNS = 2;

/** Starts of a device that are remembered: two devices with one key take turns within these. */
const BOOTS_KEPT_MAX = 4;

/** What was seen after one more message. The same value when nothing new was seen. */
export function withBoot(seen: BootsSeen | undefined, boot: string): BootsSeen {
  if (seen === undefined) return { boots: [boot], returns: 0 };
  if (seen.boots[0] === boot) return seen;
  const others = seen.boots.filter((one) => one !== boot);
  const isReturn = others.length < seen.boots.length;
  return { boots: [boot, ...others].slice(0, BOOTS_KEPT_MAX), returns: seen.returns + (isReturn ? 1 : 0) };
}

/** Whether the key of the device is in two places, as far as can be seen. */
export function isCloned({ returns }: BootsSeen): boolean {
  return returns >= CLONE_RETURNS;
}
