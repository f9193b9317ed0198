// SPDX-License-Identifier: Apache-2.0
import { RESUME_TYPE, type ResumeApproval } from '@outrider/domain/policy/resume-approval';
import type { Envelope } from '@outrider/domain/trust/envelope';
import { describeParseError } from '@outrider/protocol/kernel/parse-error';
import { encodeResumeApproval, parseResumeApproval } from '@outrider/protocol/policy/resume-approval';
import { encodeEnvelope, parseEnvelope } from '@outrider/protocol/trust/envelope';
import type { Command } from 'commander';
import { cellAt, jsonAt, listAt, timeAt } from '../answer.ts';
import { type ConnectionFlags, withConnection } from '../connection.ts';
import { CommandFailure, usageFailure } from '../failure.ts';
import { createFile, readDocument } from '../files.ts';
import { repeated } from '../flags.ts';
import { type OutputFlags, show } from '../output.ts';
import { pathOfOne } from '../paths.ts';
import { ask, tell } from '../server.ts';
import type { World } from '../world.ts';
import { showReceipt } from './receipt.ts';
import { signedBy } from './sign-envelope.ts';

/** `outrider rollout sign-resume`: what two people sign, one after another, so that a halted rollout goes on. */
export function rolloutSignResumeVerb(rollout: Command, world: World): void {
  withConnection(rollout.command('sign-resume'))
    .description('draw up, or sign, the resume of a halted rollout; it takes two approvers and is good for 24 hours')
    .argument('<rollout>', 'its id')
    .option('--because <text>', 'why it may go on; draws up a new resume from what holds now')
    .option('--resume <file>', 'a resume that somebody else has drawn up or signed, instead of --because')
    .option(
      '--restart-counts',
      'with --because: begin the tests again, at half the error, from a first step of ten devices',
    )
    .option('--reopen <segment>', 'with --because: open this halted segment again, or `all`; repeat it', repeated)
    .option('--reopen-region <name>', 'with --because: open this halted region again; repeat it', repeated)
    .option('--key <file>', 'a secret key file of an approver; repeat it', repeated)
    .requiredOption('--out <file>', 'where the signed resume goes: to the next approver, or to `rollout resume`')
    .option('--json', 'print JSON')
    .action((id: string, flags: SignFlags) => signResume(world, id, flags));
}

/** For `outrider rollout resume --approval`: sends what two people have signed. */
export async function resumeHalted(
  world: World,
  id: string,
  flags: ConnectionFlags & OutputFlags & SentFlags,
): Promise<void> {
  const approval = await readResume(world, flags.approval);
  const body = { approval, expectedRevision: flags.expectedRevision, author: flags.author };
  showReceipt(world, flags, await tell(world, flags, pathOfOne('rollouts', id, 'resume'), body));
}

interface SentFlags {
  readonly approval: string;
  readonly author?: string;
  readonly expectedRevision?: number;
}

interface SignFlags extends ConnectionFlags, OutputFlags {
  readonly because?: string;
  readonly resume?: string;
  readonly restartCounts?: true;
  readonly reopen?: readonly string[];
  readonly reopenRegion?: readonly string[];
  readonly key?: readonly string[];
  readonly out: string;
}

async function signResume(world: World, id: string, flags: SignFlags): Promise<void> {
  const { because, resume } = flags;
  if ((because === undefined) === (resume === undefined)) {
    throw usageFailure(
      'A resume begins with --because <text>, or goes on from --resume <file>; give exactly one of the two',
    );
  }
  if (
    resume !== undefined &&
    (flags.restartCounts === true || [flags.reopen, flags.reopenRegion].some(Array.isArray))
  ) {
    throw usageFailure(
      'What a resume orders is fixed once it is drawn up; --restart-counts and --reopen go with --because',
    );
  }
  const begun =
    resume === undefined
      ? await drawUp(world, id, { ...flags, because: because ?? '' })
      : await readResume(world, resume);
  const document = contentOf(begun);
  if (document.rolloutId !== id) {
    throw usageFailure(`The resume is for ${document.rolloutId}, not for ${id}; sign it under its own rollout`);
  }
  const signed = await signedBy(world, begun, flags.key ?? []);
  const text = encodeEnvelope(signed);
  await createFile(world, { noun: 'resume', path: flags.out, mode: 0o644 }, `${text}\n`);
  // A person reads what the key signs: these are the fields of the payload, not of the request.
  show(world, flags, text, () => [
    ['rollout', document.rolloutId],
    ['release', document.releaseId],
    ['because', document.reason],
    ['counts', document.counts],
    [
      'opens again',
      [...document.segments, ...(document.regions ?? []).map((one) => `region ${one}`)].join(' ') || 'nothing',
    ],
    ['evidence', document.evidenceSha256],
    ['good until', timeAt(document, 'expiresAt')],
    ['signatures', signed.signatures.length === 0 ? 'none yet' : signed.signatures.map(({ keyId }) => keyId).join(' ')],
  ]);
}

/** About the rollout as it stands: its revision and the digest of its evidence are signed with it. */
async function drawUp(world: World, id: string, flags: SignFlags & { readonly because: string }): Promise<Envelope> {
  const { value } = await ask(world, flags, pathOfOne('rollouts', id, 'resume'));
  const stillHalts = cellAt(value, 'stillHalts');
  if (stillHalts !== undefined && flags.restartCounts !== true) {
    world.log(
      `The evidence would halt it again: ${stillHalts}; the server refuses such a resume while its counts continue`,
    );
  }
  const halted = listAt(value, 'haltedSegments');
  const field = (name: string) => JSON.parse(jsonAt(value, name) ?? 'null');
  const document = {
    schema: 1,
    action: 'resume',
    rolloutId: field('rolloutId'),
    releaseId: field('releaseId'),
    epoch: field('epoch'),
    revision: field('revision'),
    evidenceSha256: field('evidenceSha256'),
    reason: flags.because,
    counts: flags.restartCounts === true ? 'restart' : 'continue',
    segments: flags.reopen?.includes('all') === true ? halted : (flags.reopen ?? []),
    ...(flags.reopenRegion === undefined ? {} : { regions: flags.reopenRegion }),
    expiresAt: field('expiresAtMax'),
  };
  // The reader is the judge of what the server answered and of what was typed.
  const payload = JSON.stringify(Object.fromEntries(Object.entries(document).sort(([a], [b]) => (a < b ? -1 : 1))));
  const legible = parseResumeApproval(payload);
  if (!legible.ok)
    throw new CommandFailure('failed', `The resume cannot be written: ${describeParseError(legible.error)}`);
  return { payloadType: RESUME_TYPE, payload: encodeResumeApproval(legible.value), signatures: [] };
}

async function readResume(world: World, path: string): Promise<Envelope> {
  const envelope = await readDocument(world, { noun: 'resume', path }, parseEnvelope);
  if (envelope.payloadType === RESUME_TYPE) return envelope;
  throw usageFailure(`The file ${path} holds ${envelope.payloadType}, a resume is ${RESUME_TYPE}`);
}

function contentOf({ payload }: Envelope): ResumeApproval {
  const parsed = parseResumeApproval(payload);
  if (!parsed.ok) throw usageFailure(`The resume cannot be read: ${describeParseError(parsed.error)}`);
  return parsed.value;
}
