// SPDX-License-Identifier: Apache-2.0
import type { AttributeName, Audience } from '@outrider/domain/policy/audience';
import { describeParseError } from '@outrider/protocol/kernel/parse-error';
import { parseAudience } from '@outrider/protocol/policy/audience';
import type { Command } from 'commander';
import { jsonAt } from '../answer.ts';
import type { ConnectionFlags } from '../connection.ts';
import { CommandFailure, usageFailure } from '../failure.ts';
import { repeatedLabel } from '../flags.ts';
import { pathOfOne } from '../paths.ts';
import { audienceOf } from '../plan.ts';
import { ask } from '../server.ts';
import type { World } from '../world.ts';

/** Flags that say for which devices something is. */
export interface AudienceFlags {
  readonly everyone?: true;
  readonly group?: readonly string[];
  readonly model?: readonly string[];
  readonly hardware?: readonly string[];
  readonly region?: readonly string[];
  readonly customer?: readonly string[];
  readonly carrier?: readonly string[];
  readonly tag?: readonly string[];
  readonly device?: readonly string[];
  readonly versionAtLeast?: string;
  readonly versionBelow?: string;
}

/** Their names, for what must not stand beside a whole document. */
export const AUDIENCE_FLAGS: readonly (keyof AudienceFlags & string)[] = [
  ...(['everyone', 'group', 'model', 'hardware', 'region', 'customer', 'carrier', 'tag', 'device'] as const),
  ...(['versionAtLeast', 'versionBelow'] as const),
];

/** Each flag narrows the audience, several values of one flag widen that flag. */
export function withAudience(command: Command): Command {
  return command
    .option('--everyone', 'all devices; of the device type, where there is one')
    .option('--group <name>', 'devices of this group, as it is now; repeat it', repeatedLabel)
    .option('--model <name>', 'only these models; repeat it', repeatedLabel)
    .option('--hardware <id>', 'only this hardware; repeat it', repeatedLabel)
    .option('--region <name>', 'only these regions; repeat it', repeatedLabel)
    .option('--customer <name>', 'only these customers; repeat it', repeatedLabel)
    .option('--carrier <name>', 'only these carriers; repeat it', repeatedLabel)
    .option('--tag <name>', 'only devices with one of these tags; repeat it', repeatedLabel)
    .option('--device <id>', 'only these devices; repeat it', repeatedLabel)
    .option('--version-at-least <version>', 'only devices that run this version or a later one')
    .option('--version-below <version>', 'only devices that run an earlier version');
}

/** The audience of the flags; a group is read now, and what it means is copied. */
export async function audienceFor(world: World, flags: AudienceFlags & ConnectionFlags): Promise<Audience> {
  const groups: Audience[] = [];
  for (const name of flags.group ?? []) groups.push(await meaningOf(world, flags, name));
  const [group, ...others] = groups;
  const named: readonly Audience[] =
    group === undefined ? [] : others.length === 0 ? [group] : [{ kind: 'any-of', of: groups }];
  const audience = audienceOf([...named, ...partsOf(flags)], flags.everyone === true);
  if (audience !== undefined) return audience;
  throw usageFailure(
    'The audience must be said: --everyone alone, or at least one of --group --model --hardware --region --customer --carrier --tag --device --version-at-least --version-below',
  );
}

async function meaningOf(world: World, flags: ConnectionFlags, name: string): Promise<Audience> {
  const { value } = await ask(world, flags, pathOfOne('groups', name));
  const read = parseAudience(jsonAt(value, 'audience') ?? '');
  if (read.ok) return read.value;
  const sentence = `The server answered with a group that this program cannot read: ${describeParseError(read.error)}`;
  throw new CommandFailure('failed', sentence);
}

function partsOf(flags: AudienceFlags): readonly Audience[] {
  const attributes: readonly (readonly [AttributeName, readonly string[] | undefined])[] = [
    ['model', flags.model],
    ['hardwareId', flags.hardware],
    ['region', flags.region],
    ['customer', flags.customer],
    ['carrier', flags.carrier],
  ];
  const { tag, device, versionAtLeast, versionBelow } = flags;
  const tags = (tag ?? []).map((one): Audience => ({ kind: 'tag', tag: one }));
  const anyTag: Audience = { kind: 'any-of', of: tags };
  const version: Audience = {
    kind: 'version',
    ...(versionAtLeast === undefined ? {} : { atLeast: versionAtLeast }),
    ...(versionBelow === undefined ? {} : { below: versionBelow }),
  };
  return [
    ...attributes.flatMap(([name, values]): readonly Audience[] =>
      values === undefined ? [] : [{ kind: 'attribute', name, in: values }],
    ),
    ...(tags.length === 0 ? [] : [tags.length === 1 && tags[0] !== undefined ? tags[0] : anyTag]),
    ...(device === undefined ? [] : [{ kind: 'device', in: device } as const]),
    ...(versionAtLeast === undefined && versionBelow === undefined ? [] : [version]),
  ];
}
