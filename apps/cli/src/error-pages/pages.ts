// SPDX-License-Identifier: Apache-2.0
import { apiArea } from './api.ts';
import type { CodeText, ErrorArea } from './area.ts';
import { auditArea } from './audit.ts';
import { backupArea } from './backup.ts';
import { claimArea } from './claims.ts';
import { deviceArea } from './device.ts';
import { causeArea, notYetArea, refusalArea } from './gateway.ts';
import { agentExitArea, cliArea, cliExitArea, importArea, serverExitArea, storeArea } from './programs.ts';
import { ruleArea } from './rules.ts';
import { trustArea } from './trust.ts';

/** Every place where a code is met. */
export const ERROR_AREAS: readonly ErrorArea[] = [
  apiArea,
  refusalArea,
  notYetArea,
  causeArea,
  deviceArea,
  claimArea,
  trustArea,
  importArea,
  ruleArea,
  storeArea,
  backupArea,
  auditArea,
  cliArea,
  cliExitArea,
  serverExitArea,
  agentExitArea,
];

/** One code in one place. */
export interface FoundCode {
  readonly area: ErrorArea;
  readonly code: string;
  readonly text: CodeText;
}

/** The code in every place where it is met; several have the same word for it. */
export function findCode(code: string): readonly FoundCode[] {
  return ERROR_AREAS.flatMap((area) => {
    const text = new Map(Object.entries(area.codes)).get(code);
    return text === undefined ? [] : [{ area, code, text }];
  });
}

/** The page of one place, as it stands in docs/errors. */
export function errorPage(area: ErrorArea): string {
  const sections = Object.entries(area.codes).map(([code, [means, safe, act]]) => {
    const mark = area.marks?.[code];
    return `## ${code}\n\n${mark === undefined ? '' : `*${mark}*\n\n`}${means}\n\n- Safe: ${safe}\n- Do: ${act}\n`;
  });
  return `# ${area.title}\n\n${area.intro}\n\n${sections.join('\n')}`;
}

/** The list of all codes with the pages they stand on: what somebody opens who has only the word. */
export function errorIndex(): string {
  const pages = ERROR_AREAS.map((area) => `- [${area.title}](${area.name}.md): ${area.intro}`);
  const codes = new Map<string, string[]>();
  for (const area of ERROR_AREAS) {
    for (const code of Object.keys(area.codes)) {
      codes.set(code, [...(codes.get(code) ?? []), `[${area.name}](${area.name}.md#${code})`]);
    }
  }
  const rows = [...codes]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([code, links]) => `| \`${code}\` | ${links.join(', ')} |`);
  return [
    '# What a code means',
    '',
    'Every code that Outrider says, each with what it means, what is safe, and what to do. `outrider explain <code>` prints the same',
    'without a network. Codes never change; texts may.',
    '',
    ...pages,
    '',
    '| code | pages |',
    '|---|---|',
    ...rows,
    '',
  ].join('\n');
}
