// SPDX-License-Identifier: Apache-2.0
import type { Scene } from './scene.ts';

/** One attack of the list, played on a real device and a real server. */
export interface Attack {
  /** As the list of attacks calls it. */
  readonly name: string;
  /** Rings the device stands in; by default `dogfood`, which comes first. */
  readonly isOutsideRing?: true;
  /** What the device's clock shows; by default the right time. */
  readonly clock?: '1970' | 'future';
  /** Approvers sign up to a tenth, and no wave above it; by default everything. */
  readonly isSignedTo?: 'tenth';
  /** How long the first wave bakes, and so how far away the second one is; by default two hours. */
  readonly ringBakeHours?: number;
  /** Devices beside the real one, which only ask. */
  readonly fleet?: number;
  /** Plays it, and says what was seen; throws where it came through. */
  readonly play: (scene: Scene) => Promise<string>;
}

/** The attack came through, or was answered otherwise than it should be. */
export class AttackFailure extends Error {
  override readonly name = 'AttackFailure';
}

/** What must hold, or the attack came through. */
export function mustHold(condition: boolean, sentence: string): asserts condition {
  if (!condition) throw new AttackFailure(sentence);
}
