// SPDX-License-Identifier: Apache-2.0

/** What a bad release does to a device that installs it, beside the base rates. A device that it happens to is harmed. */
export interface Defect {
  /** For example `F2`: the name by which plans and reports speak of it. */
  readonly name: string;
  /** What happens, as a clause for people. */
  readonly text: string;
  /** Share of installations that fall back. */
  readonly revert?: number;
  /** Share of installations after which nothing is heard any more. */
  readonly silent?: number;
  /** Share of devices that are heard of on the first day and never again. */
  readonly silentAfterDay?: number;
  /** How many times as many devices crash within a day as crash by themselves. */
  readonly crashFactor?: number;
  /** Only in the smallest segment; absent: everywhere. */
  readonly isSmallestSegmentOnly?: true;
}

/** The defects of which every forecast says what they would cost. Source: design/decision.md, "Reference figures". */
export const DEFECTS: readonly Defect[] = [
  { name: 'F0.1', text: '0.1 % of installations fall back', revert: 0.001 },
  { name: 'F0.5', text: '0.5 % of installations fall back', revert: 0.005 },
  { name: 'F2', text: '2 % of installations fall back', revert: 0.02 },
  { name: 'F20', text: '20 % of installations fall back', revert: 0.2 },
  { name: 'F100', text: 'every installation falls back', revert: 1 },
  { name: 'B0.5', text: '0.5 % go silent with the installation', silent: 0.005 },
  { name: 'L0.5', text: '0.5 % go silent after the first day', silentAfterDay: 0.005 },
  { name: 'C1.5', text: 'half as many crashes again as usual', crashFactor: 1.5 },
  { name: 'S50', text: 'half of the smallest segment falls back', revert: 0.5, isSmallestSegmentOnly: true },
];
