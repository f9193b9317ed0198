// SPDX-License-Identifier: Apache-2.0
import { randomSecret } from '@outrider/adapters/shared/random';
import type { ReleaseId, RolloutId } from '@outrider/domain/kernel/ids';
import type { AttributeName, Audience } from '@outrider/domain/policy/audience';
import type { Gates, RolloutPlan } from '@outrider/domain/policy/rollout';
import { encodeRolloutPlan, parseRolloutPlan } from '@outrider/protocol/policy/rollout-plan';
import { type Command, Option } from 'commander';
import { type ConnectionFlags, withConnection } from '../connection.ts';
import { usageFailure } from '../failure.ts';
import { readDocument } from '../files.ts';
import { parseHours, parseLabel, parseWhole, repeatedLabel } from '../flags.ts';
import type { OutputFlags } from '../output.ts';
import { PATHS } from '../paths.ts';
import { audienceOf, planOf } from '../plan.ts';
import { tell } from '../server.ts';
import type { World } from '../world.ts';
import { showReceipt } from './receipt.ts';
import { type BaseRates, baseRatesFor, repeatedBaseRate } from './rollout-base-rates.ts';
import { type OverruleFlags, overrulesOf, withOverrule } from './rollout-overrule.ts';

/** A salt must never be used twice, or the same devices would always come first. */
const SALT_BYTES = 16;

/** What a whole plan says by itself. */
const DESCRIBING: readonly (keyof CreateFlags & string)[] = [
  ...([
    'id',
    'release',
    'deviceType',
    'everyone',
    'model',
    'hardware',
    'region',
    'customer',
    'carrier',
    'tag',
  ] as const),
  ...(['device', 'versionAtLeast', 'versionBelow', 'ring', 'segmentBy', 'profile', 'budget'] as const),
  'baseRate',
  ...(['onSegmentHalt', 'onHalt', 'permitLife'] as const),
];

/** `outrider rollout create`: a plan from flags or from a file, as a draft that nobody gets yet. */
export function rolloutCreateVerb(rollout: Command, world: World): void {
  withOverrule(withConnection(rollout.command('create')))
    .description('write the plan of a rollout; it starts as a draft, to be approved and started')
    .addOption(
      new Option('--plan <file>', 'the whole plan as JSON; no other flag describes it then').conflicts([...DESCRIBING]),
    )
    .option('--id <rollout>', 'a name for good (default: <release>-<4 random bytes>)', parseLabel)
    .option('--release <release>', 'the release it brings', parseLabel)
    .option('--device-type <name>', 'what kind of device it is for', parseLabel)
    .option('--everyone', 'all devices of the device type')
    .option('--model <name>', 'only these models; repeat it', repeatedLabel)
    .option('--hardware <id>', 'only this hardware; repeat it', repeatedLabel)
    .option('--region <name>', 'only these regions; repeat it', repeatedLabel)
    .option('--customer <name>', 'only these customers; repeat it', repeatedLabel)
    .option('--carrier <name>', 'only these carriers; repeat it', repeatedLabel)
    .option('--tag <name>', 'only devices with one of these tags; repeat it', repeatedLabel)
    .option('--device <id>', 'only these devices; repeat it', repeatedLabel)
    .option('--version-at-least <version>', 'only devices that run this version or a later one')
    .option('--version-below <version>', 'only devices that run an earlier version')
    .option('--ring <tag>', 'devices with this tag come first (default: dogfood); repeat it', repeatedLabel)
    .addOption(
      new Option('--segment-by <attribute>', 'evidence is kept per value of this')
        .choices(['hardwareId', 'model', 'region', 'customer', 'carrier'])
        .default('hardwareId'),
    )
    .addOption(
      new Option('--profile <profile>', 'how fast it widens')
        .choices(['careful', 'standard', 'fast'])
        .default('standard'),
    )
    .option('--budget <devices>', 'devices you agree to risk (default: 0.04 % of the fleet, 50 to 5000)', parseWhole)
    .option(
      '--base-rate <metric=share>',
      'what fails without the release, in the worst hour: revert=0.1% or install=2%; repeat it (default: as the history of the fleet proposes)',
      repeatedBaseRate,
    )
    .addOption(
      new Option('--on-segment-halt <action>', 'when one segment is halted')
        .choices(['exclude-segment', 'halt-rollout'])
        .default('exclude-segment'),
    )
    .addOption(
      new Option('--on-halt <action>', 'when the rollout is halted')
        .choices(['roll-back', 'stay'])
        .default('roll-back'),
    )
    .option('--permit-life <hours>', 'how long a permit may be used, 1h to 24h (default: 1h)', parseHours)
    .option('--author <name>', 'who does this (default: USER; whoever is signed in is taken by name)', parseLabel)
    .option('--print-plan', 'print the plan instead of sending it')
    .option('--json', 'print JSON')
    .action((flags: CreateFlags) => create(world, flags));
}

interface CreateFlags extends ConnectionFlags, OutputFlags, OverruleFlags {
  readonly plan?: string;
  readonly id?: string;
  readonly release?: string;
  readonly deviceType?: string;
  readonly everyone?: true;
  readonly model?: readonly string[];
  readonly hardware?: readonly string[];
  readonly region?: readonly string[];
  readonly customer?: readonly string[];
  readonly carrier?: readonly string[];
  readonly tag?: readonly string[];
  readonly device?: readonly string[];
  readonly versionAtLeast?: string;
  readonly versionBelow?: string;
  readonly ring?: readonly string[];
  readonly segmentBy: AttributeName;
  readonly profile: Gates['profile'];
  readonly budget?: number;
  readonly baseRate?: Partial<BaseRates>;
  readonly onSegmentHalt: RolloutPlan['onSegmentHalt'];
  readonly onHalt: RolloutPlan['onHalt'];
  readonly permitLife?: number;
  readonly author?: string;
  readonly printPlan?: true;
}

async function create(world: World, flags: CreateFlags): Promise<void> {
  const plan =
    flags.plan === undefined
      ? await draftOf(world, flags)
      : await readDocument(world, { noun: 'plan', path: flags.plan }, parseRolloutPlan);
  if (flags.printPlan === true) {
    world.write(`${encodeRolloutPlan(plan)}\n`);
    return;
  }
  const body = { plan, author: flags.author, ...overrulesOf(flags) };
  showReceipt(world, flags, await tell(world, flags, PATHS.rollouts, body));
}

async function draftOf(world: World, flags: CreateFlags): Promise<RolloutPlan> {
  const { release, deviceType } = flags;
  if (release === undefined || deviceType === undefined) {
    throw usageFailure('A rollout needs --release and --device-type, or a whole plan with --plan <file>');
  }
  const audience = audienceOf(audienceParts(flags), flags.everyone === true);
  if (audience === undefined) {
    throw usageFailure(
      'The audience must be said: --everyone alone, or at least one of --model --hardware --region --customer --carrier --tag --device --version-at-least --version-below',
    );
  }
  return planOf({
    // The flags were parsed as labels, which is what these ids are.
    rolloutId: (flags.id ?? `${release}-${randomSecret(4)}`) as RolloutId,
    releaseId: release as ReleaseId,
    deviceType,
    audience,
    salt: randomSecret(SALT_BYTES),
    segmentBy: flags.segmentBy,
    profile: flags.profile,
    baseRates: await baseRatesFor(world, flags, deviceType),
    onSegmentHalt: flags.onSegmentHalt,
    onHalt: flags.onHalt,
    ...(flags.ring === undefined ? {} : { ringTags: flags.ring }),
    ...(flags.budget === undefined ? {} : { budgetDevices: flags.budget }),
    ...(flags.permitLife === undefined ? {} : { permitLifeMs: flags.permitLife }),
  });
}

function audienceParts(flags: CreateFlags): readonly Audience[] {
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
