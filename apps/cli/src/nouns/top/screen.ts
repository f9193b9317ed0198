// SPDX-License-Identifier: Apache-2.0
import type { Terminal } from '../../terminal.ts';
import type { FrameLine } from './top-frame.ts';

/** The whole screen of a terminal, drawn over frame by frame; what was there before comes back at the end. */
export interface Screen {
  draw(lines: readonly FrameLine[]): void;
  close(): void;
}

const ALTERNATE_SCREEN = '\u001b[?1049h\u001b[?25l';
const FORMER_SCREEN = '\u001b[?25h\u001b[?1049l';
const HOME = '\u001b[H';
const REST_OF_LINE = '\u001b[K';
const REST_OF_SCREEN = '\u001b[J';

const TONES = { bad: '31', warn: '33', strong: '1', dim: '2' } as const;

export function openScreen(terminal: Terminal, isColoured: boolean): Screen {
  terminal.write(ALTERNATE_SCREEN);
  return {
    draw(lines) {
      // Drawn over, not cleared first: a screen that is blank for a moment flickers.
      const text = lines.map((line) => `${isColoured ? painted(line) : line.text}${REST_OF_LINE}`).join('\r\n');
      terminal.write(`${HOME}${text}${REST_OF_SCREEN}`);
    },
    close() {
      terminal.write(FORMER_SCREEN);
      terminal.close();
    },
  };
}

function painted({ text, tone }: FrameLine): string {
  return tone === undefined ? text : `\u001b[${TONES[tone]}m${text}\u001b[0m`;
}
