// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import { ERROR_AREAS, errorIndex, errorPage, findCode } from '../error-pages/pages.ts';
import { CommandFailure } from '../failure.ts';
import type { World } from '../world.ts';

/** `outrider explain`: what a code means, what is safe, what to do; needs no server. */
export function explainNoun(program: Command, world: World): void {
  program
    .command('explain')
    .description('what a code or an exit code means, what is safe, and what to do')
    .argument('[code]', 'for example store-away; without it, all of them')
    .option('--page <page>', 'print a page of docs/errors: its name, or README')
    .option('--json', 'print JSON')
    .action((code: string | undefined, flags: { page?: string; json?: true }) => explain(world, code, flags));
}

function explain(
  world: World,
  code: string | undefined,
  flags: { readonly page?: string; readonly json?: true },
): void {
  if (flags.page !== undefined) world.write(pageOf(flags.page));
  else if (code === undefined) for (const area of ERROR_AREAS) world.write(listOf(area.title, Object.keys(area.codes)));
  else show(world, code, flags.json === true);
}

function show(world: World, code: string, isJson: boolean): void {
  const found = findCode(code);
  if (found.length === 0) {
    const near = ERROR_AREAS.flatMap((area) => Object.keys(area.codes)).filter((one) => one.includes(code));
    const hint =
      near.length === 0
        ? '`outrider explain` lists them all, and what only the log says stands in docs/observability.md'
        : `there are ${[...new Set(near)].slice(0, 8).join(', ')}`;
    throw new CommandFailure('not-found', `The code ${code} is unknown to this version; ${hint}`, {
      code: 'code-unknown',
    });
  }
  if (isJson) {
    const items = found.map(({ area, text: [means, safe, act] }) => ({ code, page: area.name, means, safe, do: act }));
    world.write(`${JSON.stringify({ items })}\n`);
    return;
  }
  const texts = found.map(({ area, text: [means, safe, act] }) => {
    const mark = area.marks?.[code];
    return `${code} (${area.title}${mark === undefined ? '' : `, ${mark}`})\n  ${means}\n  Safe: ${safe}\n  Do:   ${act}\n`;
  });
  world.write(texts.join('\n'));
}

function pageOf(name: string): string {
  if (name === 'README') return errorIndex();
  const area = ERROR_AREAS.find((one) => one.name === name);
  if (area !== undefined) return errorPage(area);
  const names = ERROR_AREAS.map((one) => one.name).join(', ');
  throw new CommandFailure('usage', `There is no page ${name}; allowed are README, ${names}`);
}

function listOf(title: string, codes: readonly string[]): string {
  return `${title}\n${codes.map((code) => `  ${code}\n`).join('')}\n`;
}
