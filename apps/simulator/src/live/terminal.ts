// SPDX-License-Identifier: Apache-2.0
import type { MachineClock } from '@outrider/domain/kernel/clock';
import { frameLines, plainLine } from './frame.ts';
import type { LiveState } from './live-state.ts';

/** Where the live view is written. */
export interface LiveView {
  /** Whether the last one was shown long enough ago that people want another. */
  isDue(): boolean;
  show(state: LiveState): void;
}

/** The part of a terminal's stream that the view needs. */
export interface TerminalStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
}

/** Five frames a second: more is flicker. */
const FRAME_EVERY_MS = 200;
/** In a log a line every three seconds tells the story. */
const LINE_EVERY_MS = 3_000;
const COLUMNS_UNKNOWN = 80;
const ROWS_UNKNOWN = 24;

/** A frame redrawn in place on a terminal; a plain line now and then where there is none. */
export function liveView(options: {
  readonly stream: TerminalStream;
  readonly clock: MachineClock;
  readonly isColoured: boolean;
}): LiveView {
  const { stream, clock, isColoured } = options;
  const isFrame = stream.isTTY === true;
  const everyMs = isFrame ? FRAME_EVERY_MS : LINE_EVERY_MS;
  let shownAt = Number.NEGATIVE_INFINITY;
  let drawnLines = 0;
  function draw(state: LiveState): void {
    shownAt = clock.now();
    if (!isFrame) {
      stream.write(`${plainLine(state)}\n`);
      return;
    }
    // A frame taller than the terminal could not be drawn over: it is cut at the bottom.
    const lines = frameLines(state, stream.columns ?? COLUMNS_UNKNOWN).slice(0, (stream.rows ?? ROWS_UNKNOWN) - 1);
    const up = drawnLines === 0 ? '' : `\u001B[${drawnLines}A`;
    stream.write(`${up}${lines.map((line) => `\r\u001B[2K${isColoured ? paint(line) : line}\n`).join('')}\u001B[J`);
    drawnLines = lines.length;
  }
  return {
    isDue: () => clock.now() - shownAt >= everyMs,
    show: draw,
  };
}

/** Colour repeats what the words say, so that nothing is lost without it. */
function paint(line: string): string {
  if (line.includes(' OVER') || /: (halted|rolling-back)/.test(line)) return `\u001B[31m${line}\u001B[0m`;
  if (line.startsWith('release ')) return `\u001B[1m${line}\u001B[0m`;
  if (line.startsWith('holding:') || line.startsWith('because:')) return `\u001B[33m${line}\u001B[0m`;
  return line;
}
