// SPDX-License-Identifier: Apache-2.0
import { isRole } from '@outrider/domain/trust/role-grants';
import { type Command, InvalidArgumentError } from 'commander';
import { cellAt, listAt, timeAt } from '../answer.ts';
import { type ConnectionFlags, withConnection } from '../connection.ts';
import { parseCount, parseLabel, repeated, repeatedLabel } from '../flags.ts';
import { type OutputFlags, show, showList } from '../output.ts';
import { PATHS } from '../paths.ts';
import { ask, tell } from '../server.ts';
import type { World } from '../world.ts';

/** `outrider token`: what programs prove themselves by, each with no more than its person has. */
export function tokenNoun(program: Command, world: World): void {
  const token = program.command('token').description('service tokens: for pipelines and other programs');

  withConnection(token.command('create'))
    .description('make a service token; its text is shown once and kept by nobody')
    .argument('<name>', 'what it is for', parseLabel)
    .requiredOption('--role <role>', 'viewer, operator, approver or security; may be given several times', repeatedRole)
    .option('--customer <name>', 'limit it to this customer; may be given several times', repeatedLabel)
    .option('--region <name>', 'limit it to this region; may be given several times', repeatedLabel)
    .option('--days <count>', 'how long it lives', parseCount, DAYS_DEFAULT)
    .option('--json', 'print JSON')
    .action((name: string, flags: CreateFlags) => create(world, name, flags));

  withConnection(token.command('list'))
    .description('your service tokens; those of everybody for whoever looks after security')
    .option('--json', 'print JSON')
    .action((flags: ConnectionFlags & OutputFlags) => list(world, flags));

  withConnection(token.command('revoke'))
    .description('end a service token; the next request by it is refused')
    .argument('<id>', 'its id, as `token list` shows it', parseLabel)
    .requiredOption('--reason <text>', 'why, for people; kept in the audit log')
    .option('--json', 'print JSON')
    .action(async (id: string, flags: ConnectionFlags & OutputFlags & { readonly reason: string }) => {
      const { text, value } = await tell(world, flags, `${PATHS.serviceTokens}/${id}/revoke`, { reason: flags.reason });
      show(world, flags, text, () => fieldsOf(value));
    });
}

/** A quarter: whoever renews it looks whether it is still needed. */
const DAYS_DEFAULT = 90;

interface CreateFlags extends ConnectionFlags, OutputFlags {
  readonly role: readonly string[];
  readonly customer?: readonly string[];
  readonly region?: readonly string[];
  readonly days: number;
}

function repeatedRole(value: string, before: readonly string[] | undefined): readonly string[] {
  if (isRole(value)) return repeated(value, before);
  throw new InvalidArgumentError('allowed are viewer, operator, approver and security');
}

async function create(world: World, name: string, flags: CreateFlags): Promise<void> {
  const body = { name, roles: flags.role, customers: flags.customer, regions: flags.region, days: flags.days };
  const { text, value } = await tell(world, flags, PATHS.serviceTokens, body);
  show(world, flags, text, () => [...fieldsOf(value), ['token', cellAt(value, 'token')]]);
  if (flags.json !== true) world.log('This text is shown once: put it where the program finds it, as OUTRIDER_TOKEN');
}

function fieldsOf(value: unknown): readonly (readonly [string, string | number | undefined])[] {
  return [
    ['id', cellAt(value, 'tokenId')],
    ['name', cellAt(value, 'name')],
    ['roles', listAt(value, 'roles').join(', ')],
    ['reach', reachAt(value)],
    ['person', cellAt(value, 'personId')],
    ['expires', timeAt(value, 'expiresAtMs')],
    ['revoked', timeAt(value, 'revokedAtMs')],
  ];
}

async function list(world: World, flags: ConnectionFlags & OutputFlags): Promise<void> {
  const { text, value } = await ask(world, flags, PATHS.serviceTokens);
  showList(world, flags, {
    json: text,
    noun: 'service token',
    rows: listAt(value, 'items'),
    columns: [
      { title: 'id', cell: (row) => cellAt(row, 'tokenId') },
      { title: 'name', cell: (row) => cellAt(row, 'name') },
      { title: 'roles', cell: (row) => listAt(row, 'roles').join(', ') },
      { title: 'reach', cell: reachAt },
      { title: 'person', cell: (row) => cellAt(row, 'personId') },
      { title: 'last used', cell: (row) => timeAt(row, 'lastUsedAtMs') },
      { title: 'expires', cell: (row) => timeAt(row, 'expiresAtMs') },
      { title: 'revoked', cell: (row) => timeAt(row, 'revokedAtMs') },
    ],
  });
}

function reachAt(value: unknown): string {
  const names = [...listAt(value, 'reach.customers'), ...listAt(value, 'reach.regions')];
  return names.length === 0 ? 'everything' : names.join(' ');
}
