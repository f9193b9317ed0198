// SPDX-License-Identifier: Apache-2.0
import type { Epoch, ReleaseId, RolloutId } from '@outrider/domain/kernel/ids';
import { APPROVAL_TYPE, type ApprovalDocument } from '@outrider/domain/policy/approval';
import type { Envelope } from '@outrider/domain/trust/envelope';
import { describeParseError } from '@outrider/protocol/kernel/parse-error';
import { encodeApproval, parseApproval } from '@outrider/protocol/policy/approval';
import { encodeEnvelope, parseEnvelope } from '@outrider/protocol/trust/envelope';
import type { Command } from 'commander';
import { cellAt } from '../answer.ts';
import { type ConnectionFlags, withConnection } from '../connection.ts';
import { CommandFailure, usageFailure } from '../failure.ts';
import { createFile, readDocument } from '../files.ts';
import { parseLabel, parseWhole, repeated } from '../flags.ts';
import { type OutputFlags, show } from '../output.ts';
import { pathOfOne } from '../paths.ts';
import { ask, tell } from '../server.ts';
import type { World } from '../world.ts';
import { showReceipt } from './receipt.ts';
import { signedBy } from './sign-envelope.ts';

/** `outrider rollout complete`: all devices at once, by the signatures of approvers. */
export function rolloutCompleteVerb(rollout: Command, world: World): void {
  withConnection(rollout.command('complete'))
    .description('release all devices by the signatures of approvers, where the evidence would not yet')
    .argument('<rollout>', 'its id')
    .option('--reason <text>', 'why; it is part of what is signed')
    .option('--approval <file>', 'an approval that others have signed, instead of --reason')
    .option('--key <file>', 'a secret key file of an approver; repeat it', repeated)
    .option('--out <file>', 'write the signed approval for the next approver instead of sending it')
    .option('--author <name>', 'who does this (default: USER; whoever is signed in is taken by name)', parseLabel)
    .option('--expected-revision <number>', 'refuse when the policy has moved on since this revision', parseWhole)
    .option('--json', 'print JSON')
    .action((id: string, flags: CompleteFlags) => complete(world, id, flags));
}

interface CompleteFlags extends ConnectionFlags, OutputFlags {
  readonly reason?: string;
  readonly approval?: string;
  readonly key?: readonly string[];
  readonly out?: string;
  readonly author?: string;
  readonly expectedRevision?: number;
}

async function complete(world: World, id: string, flags: CompleteFlags): Promise<void> {
  if ((flags.reason === undefined) === (flags.approval === undefined)) {
    throw usageFailure(
      'An approval begins with --reason <text>, or goes on from --approval <file>; give exactly one of the two',
    );
  }
  const begun =
    flags.approval === undefined ? await beginApproval(world, id, flags) : await readApproval(world, flags.approval);
  const signed = await signedBy(world, begun, flags.key ?? []);
  if (flags.out === undefined) {
    const { expectedRevision } = flags;
    const body = { approval: signed, expectedRevision, author: flags.author };
    showReceipt(world, flags, await tell(world, flags, pathOfOne('rollouts', id, 'complete'), body));
    return;
  }
  const text = encodeEnvelope(signed);
  await createFile(world, { noun: 'approval', path: flags.out, mode: 0o644 }, `${text}\n`);
  world.log(
    `The approval is in ${flags.out}; the next approver adds a signature with --approval ${flags.out} --key <file>`,
  );
  show(world, flags, text, () => [
    ['rollout', id],
    ['signatures', signed.signatures.length === 0 ? 'none yet' : signed.signatures.map(({ keyId }) => keyId).join(' ')],
  ]);
}

/** About the rollout as it stands: its epoch is signed with it. */
async function beginApproval(world: World, id: string, flags: CompleteFlags): Promise<Envelope> {
  const { value } = await ask(world, flags, pathOfOne('rollouts', id));
  const [releaseId, epoch] = [cellAt(value, 'rollout.plan.releaseId'), cellAt(value, 'rollout.epoch')];
  if (typeof releaseId !== 'string' || typeof epoch !== 'number') {
    throw new CommandFailure(
      'failed',
      'The server tells neither release nor epoch of the rollout; is it an Outrider server?',
    );
  }
  const document: ApprovalDocument = {
    schema: 1,
    action: 'complete',
    // The server answered with them under these very names.
    rolloutId: id as RolloutId,
    releaseId: releaseId as ReleaseId,
    epoch: epoch as Epoch,
    reason: flags.reason ?? '',
  };
  const payload = encodeApproval(document);
  const legible = parseApproval(payload);
  if (!legible.ok) throw usageFailure(`The approval cannot be written: ${describeParseError(legible.error)}`);
  return { payloadType: APPROVAL_TYPE, payload, signatures: [] };
}

async function readApproval(world: World, path: string): Promise<Envelope> {
  const envelope = await readDocument(world, { noun: 'approval', path }, parseEnvelope);
  if (envelope.payloadType === APPROVAL_TYPE) return envelope;
  throw usageFailure(`The file ${path} holds ${envelope.payloadType}, an approval is ${APPROVAL_TYPE}`);
}
