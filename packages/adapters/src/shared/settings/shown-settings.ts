// SPDX-License-Identifier: Apache-2.0
import type { EffectiveSettings, Origin } from './read-settings.ts';
import type { SettingsTable } from './setting.ts';
import { type SettingValue, withoutCredentials } from './setting-value.ts';

/** One effective setting as it may be shown to anybody: a secret is "set" or "not set". */
export interface ShownSetting {
  readonly name: string;
  readonly value: string;
  readonly from: string;
}

/** Every setting with its value and where it was said. */
export function shownSettings<T extends SettingsTable>(
  table: T,
  settings: EffectiveSettings<T>,
): readonly ShownSetting[] {
  return Object.entries(table).map(([name, { isSecret }]) => {
    // Every name of the table has a value and an origin.
    const value = settings.values[name] as SettingValue | undefined;
    const origin = settings.origins[name] as Origin;
    return { name, value: shownValue(value, isSecret === true), from: fromOf(origin) };
  });
}

function shownValue(value: SettingValue | undefined, isSecret: boolean): string {
  if (value === undefined) return 'not set';
  if (isSecret) return 'set';
  return typeof value === 'string' ? withoutCredentials(value) : JSON.stringify(value);
}

function fromOf(origin: Origin): string {
  switch (origin.kind) {
    case 'flag':
      return `--${origin.flag}`;
    case 'environment':
      return origin.variable;
    case 'file':
      return origin.path;
    case 'default':
      return 'default';
    case 'not-set':
      return '-';
  }
}
