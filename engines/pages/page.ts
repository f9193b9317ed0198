// SPDX-License-Identifier: Apache-2.0

/** One command of a page and what the page says it answers; no expectation where the page shows none. */
export interface PageStep {
  /** Line of the page, from 1. */
  readonly line: number;
  /** The heading of second level it stands below; empty before the first. */
  readonly section: string;
  readonly command: string;
  readonly expected: readonly string[];
}

/**
 * The commands of a page that are marked as runnable, in their order. A block that begins with "console run" holds commands after
 * `$ ` and what each answers, where a line that ends in a backslash goes on; one that begins with "sh run" is one script.
 */
export function stepsOf(markdown: string): readonly PageStep[] {
  return runnableBlocks(markdown).flatMap(({ kind, section, lines }) =>
    (kind === 'sh' ? scriptOf(lines) : dialogueOf(lines)).map((step) => ({ section, ...step })),
  );
}

interface NumberedLine {
  readonly line: number;
  readonly text: string;
}

interface Block {
  readonly kind: string;
  readonly section: string;
  readonly lines: readonly NumberedLine[];
}

function runnableBlocks(markdown: string): readonly Block[] {
  const blocks: { kind: string; section: string; lines: NumberedLine[] }[] = [];
  let open: { kind: string; section: string; lines: NumberedLine[] } | undefined;
  let isInside = false;
  let section = '';
  for (const [index, text] of markdown.split('\n').entries()) {
    if (text.startsWith('```')) {
      const marked = /^```(console|sh) run$/.exec(text);
      open = isInside || marked === null ? undefined : { kind: marked[1] ?? '', section, lines: [] };
      if (open !== undefined) blocks.push(open);
      isInside = !isInside;
    } else if (!isInside && text.startsWith('## ')) section = text.slice(3);
    else open?.lines.push({ line: index + 1, text });
  }
  return blocks;
}

type Said = Omit<PageStep, 'section'>;

/** A script is run as one, so that it may say things over several lines. */
function scriptOf(lines: readonly NumberedLine[]): readonly Said[] {
  const [first] = lines;
  return first === undefined
    ? []
    : [{ line: first.line, command: lines.map(({ text }) => text).join('\n'), expected: [] }];
}

function dialogueOf(lines: readonly NumberedLine[]): readonly Said[] {
  const steps: { line: number; command: string; expected: string[] }[] = [];
  for (const { line, text } of joined(lines)) {
    if (text.startsWith('$ ')) steps.push({ line, command: text.slice(2), expected: [] });
    else if (text.trim() !== '') steps.at(-1)?.expected.push(text);
  }
  return steps;
}

function joined(lines: readonly NumberedLine[]): readonly NumberedLine[] {
  const whole: { line: number; text: string }[] = [];
  let goesOn = false;
  for (const { line, text } of lines) {
    const last = whole.at(-1);
    if (goesOn && last !== undefined) last.text = `${last.text.slice(0, -1)}${text.trimStart()}`;
    else whole.push({ line, text });
    goesOn = text.endsWith('\\');
  }
  return whole;
}
