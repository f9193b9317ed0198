// SPDX-License-Identifier: Apache-2.0
import { randomSecret } from '@outrider/adapters/shared/random';
import type { ReleaseId, RolloutId } from '@outrider/domain/kernel/ids';
import type { AttributeName } from '@outrider/domain/policy/audience';
import type { ClaimNeeds, Gates, RolloutPlan } from '@outrider/domain/policy/rollout';
import { encodeRolloutPlan, parseRolloutPlan } from '@outrider/protocol/policy/rollout-plan';
import { type Command, Option } from 'commander';
import { type ConnectionFlags, withConnection } from '../connection.ts';
import { usageFailure } from '../failure.ts';
import { readDocument } from '../files.ts';
import { parseHours, parseLabel, parseWhole, repeatedLabel } from '../flags.ts';
import type { OutputFlags } from '../output.ts';
import { PATHS } from '../paths.ts';
import { planOf } from '../plan.ts';
import { tell } from '../server.ts';
import type { World } from '../world.ts';
import { AUDIENCE_FLAGS, type AudienceFlags, audienceFor, withAudience } from './audience-flags.ts';
import { showReceipt } from './receipt.ts';
import { type BaseRates, baseRatesFor, repeatedBaseRate } from './rollout-base-rates.ts';
import { type OverruleFlags, overrulesOf, withOverrule } from './rollout-overrule.ts';

/** A salt must never be used twice, or the same devices would always come first. */
const SALT_BYTES = 16;

/** What a whole plan says by itself. */
const DESCRIBING: readonly (keyof CreateFlags & string)[] = [
  ...(['id', 'release', 'deviceType', 'ring', 'segmentBy', 'profile', 'budget'] as const),
  ...AUDIENCE_FLAGS,
  'baseRate',
  ...(['onSegmentHalt', 'onHalt', 'permitLife', 'claimNeeds'] as const),
];

/** `outrider rollout create`: a plan from flags or from a file, as a draft that nobody gets yet. */
export function rolloutCreateVerb(rollout: Command, world: World): void {
  withAudience(withOverrule(withConnection(rollout.command('create'))))
    .description('write the plan of a rollout; it starts as a draft, to be approved and started')
    .addOption(
      new Option('--plan <file>', 'the whole plan as JSON; no other flag describes it then').conflicts([...DESCRIBING]),
    )
    .option('--id <rollout>', 'a name for good (default: <release>-<4 random bytes>)', parseLabel)
    .option('--release <release>', 'the release it brings', parseLabel)
    .option('--device-type <name>', 'what kind of device it is for', parseLabel)
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
    .addOption(
      new Option(
        '--claim-needs <what>',
        'what every device with a key must bring with its word that it installed (default: what it has once shown)',
      ).choices(['signature', 'manifest', 'quote']),
    )
    .option('--author <name>', 'who does this (default: USER; whoever is signed in is taken by name)', parseLabel)
    .option('--print-plan', 'print the plan instead of sending it')
    .option('--json', 'print JSON')
    .action((flags: CreateFlags) => create(world, flags));
}

interface CreateFlags extends ConnectionFlags, OutputFlags, OverruleFlags, AudienceFlags {
  readonly plan?: string;
  readonly id?: string;
  readonly release?: string;
  readonly deviceType?: string;
  readonly ring?: readonly string[];
  readonly segmentBy: AttributeName;
  readonly profile: Gates['profile'];
  readonly budget?: number;
  readonly baseRate?: Partial<BaseRates>;
  readonly onSegmentHalt: RolloutPlan['onSegmentHalt'];
  readonly onHalt: RolloutPlan['onHalt'];
  readonly permitLife?: number;
  readonly claimNeeds?: ClaimNeeds;
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
  const audience = await audienceFor(world, flags);
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
    ...(flags.claimNeeds === undefined ? {} : { claimNeeds: flags.claimNeeds }),
  });
}
