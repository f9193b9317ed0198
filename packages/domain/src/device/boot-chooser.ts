// SPDX-License-Identifier: Apache-2.0
import { assert } from '../kernel/assert.ts';
import type { BootState, SlotContent, SlotName } from './ports.ts';

/**
 * The rules of a boot chooser, as the file driver and the simulated device follow them; real ones (U-Boot, systemd-boot)
 * have the same. Each change is one record that replaces the former: all or nothing.
 */
export type ChooserState = BootState;

/** A device as it leaves the factory: `content` in slot a, confirmed, never booted. */
export function provisioned(content: SlotContent): ChooserState {
  return { running: 'a', confirmed: 'a', contents: { a: content, b: undefined }, bootCount: 0 };
}

/**
 * What runs after power comes on. A trial with tries left runs and costs one, taken before it starts; a trial without any
 * is over, and the confirmed slot runs.
 */
export function powerOn(chooser: ChooserState): ChooserState {
  const { trial, ...rest } = chooser;
  const bootCount = chooser.bootCount + 1;
  if (trial === undefined || trial.triesLeft === 0) return { ...rest, running: chooser.confirmed, bootCount };
  return { ...rest, running: trial.slot, trial: { ...trial, triesLeft: trial.triesLeft - 1 }, bootCount };
}

/** The slot is named with what it holds and gets its tries. It is never the confirmed one: there must be a way back. */
export function armed(
  chooser: ChooserState,
  order: { readonly slot: SlotName; readonly content: SlotContent; readonly tries: number },
): ChooserState {
  assert(order.slot !== chooser.confirmed, `a trial in another slot than the confirmed ${chooser.confirmed}`);
  assert(Number.isSafeInteger(order.tries) && order.tries > 0, `at least one try, got ${order.tries}`);
  const contents = { ...chooser.contents, [order.slot]: order.content };
  return { ...chooser, contents, trial: { slot: order.slot, triesLeft: order.tries } };
}

/** The running trial becomes the confirmed slot; without one nothing changes. */
export function confirmed(chooser: ChooserState): ChooserState {
  const { trial, ...rest } = chooser;
  if (trial === undefined) return chooser;
  assert(trial.slot === chooser.running, `the trial in slot ${trial.slot} to run before it is confirmed`);
  return { ...rest, confirmed: trial.slot };
}
