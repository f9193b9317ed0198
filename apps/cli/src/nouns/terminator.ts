// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { CA_FOLDER, type CaFiles, loadCaFolder } from '@outrider/adapters/server/ca/ca-folder';
import { envoyFiles, envoyTicketFile } from '@outrider/adapters/server/ca/envoy-config';
import { haproxyConfig, ticketKeyLines } from '@outrider/adapters/server/ca/haproxy-config';
import { ticketKeys } from '@outrider/adapters/server/ca/ticket-keys';
import { tlsMaterial } from '@outrider/adapters/server/ca/tls-material';
import { wallClock } from '@outrider/adapters/shared/clock';
import { createFolder, writeFileDurably } from '@outrider/adapters/shared/files';
import { readWhole } from '@outrider/adapters/shared/x509/der-read';
import { commonNameIn, subjectIn } from '@outrider/adapters/shared/x509/distinguished-name';
import { type Command, Option } from 'commander';
import { dataFolder } from '../connection.ts';
import { CommandFailure, usageFailure } from '../failure.ts';
import { fileFailure, pathOf } from '../files.ts';
import { parseCount, repeated } from '../flags.ts';
import { show } from '../output.ts';
import type { World } from '../world.ts';

/** `outrider terminator`: Envoy or HAProxy in front, which ends mutual TLS for gateways (docs/adr/0023-where-tls-ends.md). */
export function terminatorNoun(program: Command, world: World): void {
  const terminator = program.command('terminator').description('a proxy that ends mutual TLS in front of gateways');
  for (const [verb, description] of [
    [
      'config',
      'write the configuration of Envoy or HAProxy, with the certificate, the roots and the ticket keys it needs',
    ],
    ['tickets', 'write the ticket keys of today anew, once a day; Envoy sees it, HAProxy is to be reloaded'],
  ] as const) {
    const command = terminator
      .command(verb)
      .description(description)
      .requiredOption('--out <folder>', 'where; made if it is missing, mode 0700')
      .addOption(new Option('--kind <kind>', 'which proxy').choices(['haproxy', 'envoy']).default('haproxy'))
      .option('--data <folder>', 'data folder of the server')
      .option('--json', 'print JSON');
    if (verb === 'tickets') command.action((flags: TicketFlags) => writeTickets(world, flags));
    else
      command
        .requiredOption(
          '--gateway-socket <path>',
          'what a gateway has as --terminator-socket; repeat it for each',
          repeated,
        )
        .option('--bind <address>', 'where devices connect to', '0.0.0.0:8443')
        .option('--connections-max <count>', 'connections at a time', parseCount, 100_000)
        .option('--threads <count>', 'threads of HAProxy; Envoy takes them as --concurrency', parseCount, 1)
        .action((flags: ConfigFlags) => writeConfig(world, flags));
  }
}

interface TicketFlags {
  readonly out: string;
  readonly kind: 'haproxy' | 'envoy';
  readonly data?: string;
  readonly json?: true;
}

interface ConfigFlags extends TicketFlags {
  readonly gatewaySocket: readonly string[];
  readonly bind: string;
  readonly connectionsMax: number;
  readonly threads: number;
}

async function writeConfig(world: World, flags: ConfigFlags): Promise<void> {
  const files = await load(world, flags);
  const folder = pathOf(world, flags.out);
  const gateways = flags.gatewaySocket.map((path) => pathOf(world, path));
  for (const path of [folder, ...gateways]) {
    if (/[\s"'\\#]/.test(path))
      throw usageFailure(`The path ${path} has a space or a quote, which the file of a proxy cannot hold`);
  }
  if (!/^[\w.:*[\]-]{1,260}:\d{1,5}$/.test(flags.bind)) {
    throw usageFailure(`--bind is ${flags.bind}, allowed is an address and a port, for example 0.0.0.0:8443`);
  }
  if (flags.kind === 'envoy') return writeEnvoy(world, { ...flags, gatewaySocket: gateways, out: folder }, files);
  const { key, cert, ca } = tlsMaterial(files);
  const issuer = readWhole(subjectIn(files.issuing[0].raw));
  const text = haproxyConfig({
    files: namesIn(folder),
    bind: flags.bind,
    gateways,
    issuer: (issuer && commonNameIn(issuer)) ?? '',
    adminSocket: join(folder, 'admin.sock'),
    connectionsMax: flags.connectionsMax,
    threads: flags.threads,
  });
  const path = join(folder, 'haproxy.cfg');
  await writing(folder, async () => {
    await writeFileDurably(namesIn(folder).server, cert + key, 0o600);
    await writeFileDurably(namesIn(folder).roots, ca.join(''), 0o644);
    await writeFileDurably(
      namesIn(folder).ticketKeys,
      ticketKeyLines(ticketKeys(files.issuingKey, wallClock().now())),
      0o600,
    );
    await writeFileDurably(path, text, 0o600);
  });
  show(world, flags, JSON.stringify({ configuration: path }), () => [
    ['configuration', path],
    ['check it', `haproxy -c -f ${path}`],
    ['run it', `haproxy -W -f ${path}`],
  ]);
}

/** `out` and the sockets as whole paths. */
async function writeEnvoy(world: World, flags: ConfigFlags, files: CaFiles): Promise<void> {
  const { out: folder, bind, gatewaySocket: gateways, connectionsMax } = flags;
  const at = bind.lastIndexOf(':');
  const host = bind.slice(0, at).replace(/^\[(.*)\]$/, '$1');
  const plan = { folder, host, port: Number(bind.slice(at + 1)), gateways, connectionsMax };
  const [configuration, ...others] = envoyFiles(files, plan, wallClock().now());
  await writing(folder, async () => {
    for (const { path, text, mode } of [...others, configuration]) await writeFileDurably(path, text, mode);
  });
  const { path } = configuration;
  show(world, flags, JSON.stringify({ configuration: path }), () => [
    ['configuration', path],
    ['check it', `envoy --mode validate -c ${path}`],
    ['run it', `envoy -c ${path} --concurrency ${flags.threads}`],
  ]);
}

async function writeTickets(world: World, flags: TicketFlags): Promise<void> {
  const files = await load(world, flags);
  const folder = pathOf(world, flags.out);
  const nowMs = wallClock().now();
  const { path, text } =
    flags.kind === 'envoy'
      ? envoyTicketFile(files, folder, nowMs)
      : { path: namesIn(folder).ticketKeys, text: ticketKeyLines(ticketKeys(files.issuingKey, nowMs)) };
  await writing(folder, () => writeFileDurably(path, text, 0o600));
  show(world, flags, JSON.stringify({ ticketKeys: path }), () => [['ticket keys', path]]);
}

function namesIn(folder: string) {
  return {
    server: join(folder, 'server.pem'),
    roots: join(folder, 'roots.pem'),
    ticketKeys: join(folder, 'ticket-keys'),
  };
}

async function load(world: World, flags: TicketFlags) {
  const data = dataFolder(world, flags);
  const files = await loadCaFolder({ folder: join(data, CA_FOLDER) });
  if (!files.ok) throw new CommandFailure('failed', files.error.detail, { code: files.error.code });
  if (files.value !== undefined) return files.value;
  throw new CommandFailure('not-found', `There is no CA in ${data}; make one with \`outrider ca init\``, {
    code: 'ca-missing',
  });
}

async function writing(folder: string, write: () => Promise<void>): Promise<void> {
  try {
    await createFolder(folder, 0o700);
    await write();
  } catch (cause) {
    throw fileFailure(cause, 'configuration', folder, 'written');
  }
}
