// SPDX-License-Identifier: Apache-2.0

/**
 * One declared table says all about a program's settings: the parser, the JSON Schema, the page, the help text and
 * `config show` are made from it, so none of them can drift from another.
 */
export type SettingsTable = Readonly<Record<string, Setting>>;

export interface Setting<S extends Shape = Shape> {
  readonly shape: S;
  /** The flag without its dashes; absent: none, as for secrets, which every user of the machine could read in `ps`. */
  readonly flag?: string;
  /** The environment variable. */
  readonly variable: string;
  /** What holds where nothing was said; absent: the setting is then not set. */
  readonly default?: ValueOf<S>;
  /** Without it the program does not start. */
  readonly isNeeded?: true;
  /** Its value is never printed, logged or repeated in a message. */
  readonly isSecret?: true;
  /** One sentence for people, without a full stop. */
  readonly sentence: string;
}

/** What values a setting may have. */
export type Shape =
  | { readonly kind: 'text'; readonly pattern: RegExp; readonly allowed: string }
  /** An absolute path, or one below the working folder (flag, variable) or the folder of the configuration file. */
  | { readonly kind: 'path' }
  | { readonly kind: 'url'; readonly protocols: readonly string[] }
  | { readonly kind: 'whole'; readonly min: number; readonly max: number; readonly unit?: string }
  | { readonly kind: 'choice'; readonly choices: readonly string[] }
  | { readonly kind: 'switch' }
  /** Several texts: the flag is given several times, the variable holds a JSON array. */
  | { readonly kind: 'texts'; readonly pattern: RegExp; readonly allowed: string };

/** The value of a setting of this shape. */
export type ValueOf<S extends Shape> = S extends { kind: 'whole' }
  ? number
  : S extends { kind: 'switch' }
    ? boolean
    : S extends { kind: 'texts' }
      ? readonly string[]
      : S extends { kind: 'choice'; choices: readonly (infer C)[] }
        ? C
        : string;

/** The values of a whole table: a setting with a default or that is needed always has one. */
export type SettingsOf<T extends SettingsTable> = {
  readonly [Name in keyof T]: T[Name] extends { readonly default: unknown } | { readonly isNeeded: true }
    ? ValueOf<T[Name]['shape']>
    : ValueOf<T[Name]['shape']> | undefined;
};

/** What values are allowed, to stand after "allowed is". */
export function allowedIn(shape: Shape): string {
  switch (shape.kind) {
    case 'text':
    case 'texts':
      return shape.allowed;
    case 'path':
      return 'a path';
    case 'url':
      return `a URL that begins with ${shape.protocols.map((one) => `${one}//`).join(' or ')}`;
    case 'whole':
      return `a whole number from ${shape.min} to ${shape.max}${shape.unit === undefined ? '' : ` (${shape.unit})`}`;
    case 'choice':
      return `one of ${shape.choices.join(', ')}`;
    case 'switch':
      return 'true or false';
  }
}
