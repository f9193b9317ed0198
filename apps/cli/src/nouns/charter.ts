// SPDX-License-Identifier: Apache-2.0
import { digestText } from '@outrider/adapters/shared/digest';
import { writeFileDurably } from '@outrider/adapters/shared/files';
import { canonicalJson } from '@outrider/domain/kernel/canonical-json';
import { instantText } from '@outrider/domain/kernel/time';
import {
  type CharterDocument,
  type SignedCharter,
  THRESHOLD_TENTH,
  THRESHOLD_WHOLE,
} from '@outrider/domain/policy/charter';
import { largestThreshold } from '@outrider/domain/policy/charter-place';
import { faultOfCharter } from '@outrider/domain/policy/verify-charter';
import { describeParseError } from '@outrider/protocol/kernel/parse-error';
import {
  encodeSignedCharter,
  parseCharter,
  parseSignedCharter,
  parseWaveOpening,
} from '@outrider/protocol/policy/charter';
import { unsignedCharter, wavesToOpen, withCharterSignature } from '@outrider/protocol/policy/sign-charter';
import type { Command } from 'commander';
import { jsonAt } from '../answer.ts';
import { type ConnectionFlags, withConnection } from '../connection.ts';
import { CommandFailure, usageFailure } from '../failure.ts';
import { createFile, fileFailure, pathOf, readDocument } from '../files.ts';
import { parseCount, parseLabel, parseWhole, repeated } from '../flags.ts';
import { openKeys, signingAtOnce } from '../open-key.ts';
import { type OutputFlags, show } from '../output.ts';
import { PASSPHRASE_FD, type PassphraseFlags } from '../passphrase.ts';
import { pathOfOne } from '../paths.ts';
import { ask, tell } from '../server.ts';
import { table } from '../table.ts';
import type { World } from '../world.ts';
import { type ChangeFlags, changedBy } from './charter-changes.ts';
import { showReceipt } from './receipt.ts';
import { type OverruleFlags, overrulesOf, withOverrule } from './rollout-overrule.ts';

/** `outrider charter`: what approvers sign before a rollout may start, and for each wave above a tenth once more. */
export function charterNoun(program: Command, world: World): void {
  const charter = program
    .command('charter')
    .description('what approvers sign: to whom, how many, when, under which gates');

  withConnection(charter.command('create'))
    .description(
      'draw up the charter of a rollout from its plan and the fleet as it is; or fetch the one in force, to add to',
    )
    .argument('<rollout>', 'its id')
    .requiredOption('--out <file>', 'where it goes, for example charter.json')
    .option(
      '--not-before <wave=instant>',
      'no permit of a wave before, such as half=2026-12-01T06:00:00Z; repeat it',
      repeated,
    )
    .option('--threshold <wave=percent>', 'a wave goes no further than this, such as half=30; repeat it', repeated)
    .option('--expires <instant>', 'no permit after, such as 2027-03-01T00:00:00Z (default: in 90 days)')
    .option('--groups <number>', 'how many groups must sign (default: as the role of the approvers says)', parseCount)
    .option('--json', 'print JSON')
    .action((id: string, flags: CreateFlags) => create(world, id, flags));

  charter
    .command('sign')
    .description(
      'add a signature to a charter, and to the waves that are named; a wave above a tenth needs one of its own',
    )
    .argument('<file>', 'the charter')
    .requiredOption('--key <file>', 'a secret key file of an approver; repeat it', repeated)
    .option('--wave <name>', 'a wave above a tenth that this signature opens too, or `all`; repeat it', repeated)
    .option(PASSPHRASE_FD[0], PASSPHRASE_FD[1], parseWhole)
    .option('--json', 'print JSON')
    .action((file: string, flags: SignFlags) => sign(world, file, flags));

  charter
    .command('show')
    .description('print what a charter allows, and who has signed it')
    .argument('<file>', 'the charter')
    .option('--json', 'print JSON')
    .action(async (file: string, flags: OutputFlags) => print(world, await readCharter(world, file), flags));

  withOverrule(withConnection(charter.command('submit')))
    .description(
      'put a charter in force by its signatures: a draft is approved by that, later waves are opened by that',
    )
    .argument('<file>', 'the charter')
    .option('--reason <text>', 'why, for people; kept in the policy log', 'signed by the approvers')
    .option('--author <name>', 'who does this (default: USER)', parseLabel)
    .option('--expected-revision <number>', 'refuse when the policy has moved on since this revision', parseWhole)
    .option('--json', 'print JSON')
    .action((file: string, flags: SubmitFlags) => submit(world, file, flags));
}

interface CreateFlags extends ConnectionFlags, OutputFlags, ChangeFlags {
  readonly out: string;
}

interface SignFlags extends OutputFlags, PassphraseFlags {
  readonly key: readonly string[];
  readonly wave?: readonly string[];
}

interface SubmitFlags extends ConnectionFlags, OutputFlags, OverruleFlags {
  readonly reason: string;
  readonly author?: string;
  readonly expectedRevision?: number;
}

/** A charter with its document read: what a person looks at. */
interface ReadCharter {
  readonly signed: SignedCharter;
  readonly document: CharterDocument;
}

async function create(world: World, id: string, flags: CreateFlags): Promise<void> {
  const { value } = await ask(world, flags, pathOfOne('rollouts', id, 'charter'));
  const inForce = jsonAt(value, 'inForce');
  const drawn = inForce === undefined ? draftOf(jsonAt(value, 'draft'), flags) : readSigned(inForce);
  const text = encodeSignedCharter(drawn.signed);
  await createFile(world, { noun: 'charter', path: flags.out, mode: 0o644 }, `${text}\n`);
  const what = inForce === undefined ? 'is drawn up' : 'is the one in force; waves can be opened in it';
  world.log(`The charter in ${flags.out} ${what}; approvers sign it with \`outrider charter sign\``);
  print(world, drawn, flags);
}

function draftOf(draft: string | undefined, flags: ChangeFlags): ReadCharter {
  const parsed = parseCharter(canonical(draft));
  if (!parsed.ok) throw notAServer(describeParseError(parsed.error));
  const document = changedBy(parsed.value, flags);
  const fault = faultOfCharter(document);
  if (fault !== undefined) throw usageFailure(`The charter would contradict itself: ${fault}`);
  return { signed: unsignedCharter(document), document };
}

/** The server answers in its own order of members; what is signed has one order alone. */
function canonical(text: string | undefined): string {
  return canonicalJson(JSON.parse(text ?? 'null'));
}

async function sign(world: World, path: string, flags: SignFlags): Promise<void> {
  const read = await readCharter(world, path);
  const { document } = read;
  const waves = wavesNamed(document, flags.wave ?? []);
  let { signed } = read;
  for (const { signer } of await openKeys(world, flags.key, flags)) {
    const before = signed;
    signed = await signingAtOnce(signer, (atOnce) =>
      withCharterSignature(before, { document, waves, digestText }, atOnce),
    );
  }
  try {
    await writeFileDurably(pathOf(world, path), `${encodeSignedCharter(signed)}\n`);
  } catch (cause) {
    throw fileFailure(cause, 'charter', path, 'written');
  }
  print(world, { signed, document }, flags);
}

function wavesNamed(document: CharterDocument, names: readonly string[]): readonly number[] {
  const above = wavesToOpen(document);
  if (names.includes('all')) return above;
  return names.map((name) => {
    const index = document.waves.findIndex((wave) => wave.name === name);
    if (above.includes(index)) return index;
    const known = above.map((one) => document.waves[one]?.name).join(', ') || 'none';
    const sentence =
      index === -1 ? 'is not one of the charter' : 'goes no further than a tenth and is open by the charter';
    throw usageFailure(`The wave ${name} ${sentence}; waves that need a signature of their own: ${known}`);
  });
}

async function submit(world: World, path: string, flags: SubmitFlags): Promise<void> {
  const { signed, document } = await readCharter(world, path);
  const { reason, expectedRevision } = flags;
  const { author } = flags;
  const body = { charter: signed, reason, author, expectedRevision, ...overrulesOf(flags) };
  showReceipt(world, flags, await tell(world, flags, pathOfOne('rollouts', document.plan.rolloutId, 'charter'), body));
}

async function readCharter(world: World, path: string): Promise<ReadCharter> {
  const signed = await readDocument(world, { noun: 'charter', path }, parseSignedCharter);
  const document = parseCharter(signed.document.payload);
  if (document.ok) return { signed, document: document.value };
  throw usageFailure(`The charter in ${path} cannot be used: ${describeParseError(document.error)}`);
}

function readSigned(text: string): ReadCharter {
  const signed = parseSignedCharter(text);
  if (!signed.ok) throw notAServer(describeParseError(signed.error));
  const document = parseCharter(signed.value.document.payload);
  if (!document.ok) throw notAServer(describeParseError(document.error));
  return { signed: signed.value, document: document.value };
}

function notAServer(detail: string): CommandFailure {
  return new CommandFailure('failed', `What the server answered is no charter: ${detail}; is it an Outrider server?`);
}

/** A person reads what the key signs: these are the fields of the payload. */
function print(world: World, { signed, document }: ReadCharter, flags: OutputFlags): void {
  const { plan, groups, issuedAt, expiresAt } = document;
  const text = encodeSignedCharter(signed);
  show(world, flags, text, () => [
    ['rollout', plan.rolloutId],
    ['release', plan.releaseId],
    ['release digest', document.releaseSha256],
    ['device type', plan.deviceType],
    ['audience', JSON.stringify(plan.audience)],
    ['issued', instantText(issuedAt)],
    ['expires', instantText(expiresAt)],
    ['may halt', document.reports.halt.join(' ')],
    ['may widen', document.reports.widen.join(' ')],
    ['groups to sign', groups],
    ['signatures', signersOf(signed.document.signatures)],
  ]);
  if (flags.json === true) return;
  const openings = new Map(
    signed.openings.map((one) => {
      const opening = parseWaveOpening(one.payload);
      return [opening.ok ? opening.value.waveIndex : -1, one.signatures] as const;
    }),
  );
  world.write(
    `\n${table(
      document.waves.map((wave, index) => ({ wave, index })),
      [
        { title: 'wave', cell: ({ wave }) => wave.name },
        { title: 'of the order', cell: ({ wave }) => `${((100 * wave.threshold) / THRESHOLD_WHOLE).toFixed(2)} %` },
        { title: 'ring', cell: ({ wave }) => wave.ringDevices.length },
        { title: 'permits', cell: ({ wave }) => wave.devicesMax ?? 'no cap' },
        { title: 'not before', cell: ({ wave }) => instantText(wave.notBefore) },
        {
          title: 'own signatures',
          cell: ({ wave, index }) =>
            largestThreshold(wave) <= THRESHOLD_TENTH ? 'not needed' : signersOf(openings.get(index) ?? []),
        },
      ],
    )}`,
  );
}

function signersOf(signatures: readonly { readonly keyId: string }[]): string {
  return signatures.length === 0 ? 'none yet' : signatures.map(({ keyId }) => keyId.slice(0, SHOWN_DIGITS)).join(' ');
}

/** Of a key id: enough to tell the keys of one role apart. */
const SHOWN_DIGITS = 12;
