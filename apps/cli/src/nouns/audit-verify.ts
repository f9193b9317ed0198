// SPDX-License-Identifier: Apache-2.0
import { digestText } from '@outrider/adapters/shared/digest';
import type { Sha256 } from '@outrider/domain/kernel/ids';
import { parseSha256 } from '@outrider/domain/kernel/ids';
import { type AuditVerdict, auditCheck } from '@outrider/domain/trust/audit-check';
import { AUDIT_FAULTS, type AuditFault } from '@outrider/domain/trust/audit-faults';
import { parseAuditEntry } from '@outrider/protocol/trust/audit';
import { type Command, InvalidArgumentError } from 'commander';
import { readAuditOfBackup } from '../audit-of-backup.ts';
import { readAuditOfServer } from '../audit-of-server.ts';
import { type ConnectionFlags, withConnection } from '../connection.ts';
import { CommandFailure, usageFailure } from '../failure.ts';
import { pathOf } from '../files.ts';
import { type OutputFlags, show } from '../output.ts';
import { connect } from '../server.ts';
import type { World } from '../world.ts';

/** `outrider audit verify`: the chain computed again on this machine, and held against policy log and catalogue. */
export function auditVerifyVerb(audit: Command, world: World): void {
  withConnection(audit.command('verify'))
    .description(
      'compute every digest of the chain on this machine; exit code 1 when anything was changed or is missing',
    )
    .option('--from-backup <file>', 'the chain in a backup instead of that of a server')
    .option('--head <digest>', 'a head that was noted before: it must lie in the chain', parseHead)
    .option('--json', 'print JSON')
    .action((flags: Flags) => verify(world, flags));
}

interface Flags extends ConnectionFlags, OutputFlags {
  readonly fromBackup?: string;
  readonly head?: Sha256;
}

async function verify(world: World, flags: Flags): Promise<void> {
  const { fromBackup, head: noted } = flags;
  if (fromBackup !== undefined && (flags.data ?? flags.server) !== undefined) {
    throw usageFailure('Both a server and --from-backup were given; one of them holds the chain');
  }
  const check = auditCheck({ digestText, parse: parseAuditEntry, ...(noted === undefined ? {} : { noted }) });
  if (fromBackup !== undefined) await readAuditOfBackup(check, pathOf(world, fromBackup), world);
  else await readAuditOfServer(check, await connect(world, flags));
  const verdict = check.finish();
  if (flags.json !== true) for (const one of verdict.faults) world.write(`${faultText(one)}\n`);
  show(world, flags, JSON.stringify(verdict), () => fieldsOf(verdict));
  if (verdict.faultCount > 0) throw broken(verdict);
}

function fieldsOf({ entries, broughtIn, compared, head, faultCount }: AuditVerdict) {
  return [
    ['entries', entries],
    ['from before it was kept', broughtIn],
    [
      'compared',
      `${compared['policy-entry']} policy entries, ${compared.release} releases, ${compared.withdrawal} withdrawals`,
    ],
    ['found wrong', faultCount],
    ['head', `${head.digest} (entry ${head.sequence}): note it elsewhere, and give it to --head the next time`],
  ] as const;
}

function faultText({ code, sequence, about }: AuditFault): string {
  const place = sequence === 0 ? '' : `entry ${sequence}: `;
  return `${place}${AUDIT_FAULTS[code]}${about === undefined ? '' : ` (${about})`} [${code}]`;
}

function broken({ faultCount, faults }: AuditVerdict): CommandFailure {
  const [first] = faults;
  const where = first === undefined || first.sequence === 0 ? '' : ` at entry ${first.sequence}`;
  const count = faultCount === 1 ? 'one fault' : `${faultCount} faults`;
  return new CommandFailure(
    'failed',
    `The audit log is not the one that was written: ${count}, the first${where}, allowed are none; keep this output and see docs/audit.md`,
    { code: 'audit-broken' },
  );
}

function parseHead(value: string): Sha256 {
  const digest = parseSha256(value);
  if (digest.ok) return digest.value;
  throw new InvalidArgumentError(
    'allowed are the 64 hexadecimal digits that an earlier verification printed as the head',
  );
}
