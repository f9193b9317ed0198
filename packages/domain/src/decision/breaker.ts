// SPDX-License-Identifier: Apache-2.0
import type { Evidence } from '../evidence/evidence.ts';

/**
 * Why the plain breaker pauses the rollout, or undefined: at least 2 % of at least 200 installations that ended within
 * ten minutes fell back. It is the belt beside the evidence and needs no model. Failures to install do not count here:
 * an outage makes them by itself (with them, 50 of 160 good rollouts were paused; with reverts alone none), and the
 * metric `install` watches them. Source: design/decision.md, "Six ideas" and "Reference figures".
 */
export function breakerReason(evidence: Evidence): string | undefined {
  const tripped = evidence.recent.find(
    ({ ended, reverted }) => ended >= ENDED_MIN && reverted * 1000 >= REVERTED_PERMILLE * ended,
  );
  if (tripped === undefined) return undefined;
  return `Breaker: ${tripped.reverted} of ${tripped.ended} installations fell back within ten minutes, allowed are fewer than ${REVERTED_PERMILLE / 10} %`;
}

/** Below this, 2 % are a handful of devices and chance trips it. */
const ENDED_MIN = 200;
const REVERTED_PERMILLE = 20;
