// SPDX-License-Identifier: Apache-2.0
import { SCHEMA_MEMBER } from './read-settings.ts';
import type { Setting, SettingsTable, Shape } from './setting.ts';
import { TEXT_CHARACTERS_MAX, TEXTS_MAX, urlPattern } from './setting-value.ts';

/** The JSON Schema (2020-12) of a configuration file, for editors and for people who generate one. */
export function settingsSchema(table: SettingsTable, title: string): string {
  const properties = Object.entries(table).map(([name, setting]) => [name, propertyOf(setting)] as const);
  const schema = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title,
    type: 'object',
    properties: { [SCHEMA_MEMBER]: { type: 'string' }, ...Object.fromEntries(properties) },
    additionalProperties: false,
  };
  return `${JSON.stringify(schema, undefined, 2)}\n`;
}

function propertyOf(setting: Setting): object {
  const { default: standard, isSecret, sentence } = setting;
  return {
    description: sentence,
    ...typeOf(setting.shape),
    ...(standard === undefined ? {} : { default: standard }),
    ...(isSecret ? { writeOnly: true } : {}),
  };
}

function typeOf(shape: Shape): object {
  switch (shape.kind) {
    case 'text':
      return { type: 'string', pattern: shape.pattern.source, maxLength: TEXT_CHARACTERS_MAX };
    case 'path':
      return { type: 'string', minLength: 1, maxLength: TEXT_CHARACTERS_MAX };
    case 'url':
      return { type: 'string', pattern: urlPattern(shape.protocols).source, maxLength: TEXT_CHARACTERS_MAX };
    case 'whole':
      return { type: 'integer', minimum: shape.min, maximum: shape.max };
    case 'choice':
      return { enum: shape.choices };
    case 'switch':
      return { type: 'boolean' };
    case 'texts':
      return {
        type: 'array',
        items: { type: 'string', pattern: shape.pattern.source, maxLength: TEXT_CHARACTERS_MAX },
        maxItems: TEXTS_MAX,
      };
  }
}
