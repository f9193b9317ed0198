// SPDX-License-Identifier: Apache-2.0
import { allowedIn, type Setting, type SettingsTable } from './setting.ts';

/** The table of a documentation page: one row a setting. */
export function settingsPage(table: SettingsTable): string {
  const rows = Object.entries(table).map(([name, setting]) => [
    `\`${name}\``,
    setting.flag === undefined ? '-' : `\`--${setting.flag}\``,
    `\`${setting.variable}\``,
    allowedIn(setting.shape),
    standardOf(setting),
    `${setting.sentence}${setting.isSecret ? ' (a secret: never printed)' : ''}`,
  ]);
  const head = [
    ['in the file', 'flag', 'environment', 'allowed', 'default', 'what it says'],
    ['---', '---', '---', '---', '---', '---'],
  ];
  return [...head, ...rows].map((cells) => `| ${cells.map(escaped).join(' | ')} |\n`).join('');
}

/** The flags of a help text, aligned. */
export function settingsUsage(table: SettingsTable, further: Readonly<Record<string, string>>): string {
  const own = Object.values(table).flatMap((setting) =>
    setting.flag === undefined ? [] : ([[flagOf(setting, setting.flag), helpOf(setting)]] as const),
  );
  const lines = [...own, ...Object.entries(further)];
  const width = Math.max(...lines.map(([flag]) => flag.length));
  return lines.map(([flag, help]) => `  ${flag.padEnd(width)}  ${help}\n`).join('');
}

function flagOf({ shape }: Setting, flag: string): string {
  switch (shape.kind) {
    case 'switch':
      return `--${flag}`;
    case 'choice':
      return `--${flag} ${shape.choices.join('|')}`;
    case 'path':
      return `--${flag} <path>`;
    case 'whole':
      return `--${flag} <${shape.unit ?? 'number'}>`;
    default:
      return `--${flag} <${shape.kind === 'url' ? 'url' : 'text'}>`;
  }
}

function helpOf(setting: Setting): string {
  const several = setting.shape.kind === 'texts' ? '; may be given several times' : '';
  const standard = setting.default === undefined || several !== '' ? '' : ` (default: ${setting.default})`;
  return `${setting.sentence}${several}${standard}`;
}

function standardOf(setting: Setting): string {
  if (setting.isNeeded) return 'must be given';
  return setting.default === undefined ? 'not set' : `\`${JSON.stringify(setting.default)}\``;
}

function escaped(cell: string): string {
  return cell.replaceAll('|', '\\|');
}
