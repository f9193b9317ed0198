// SPDX-License-Identifier: Apache-2.0
import type { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  CA_FILES,
  CA_FOLDER,
  type CaFiles,
  certificatesIn,
  loadCaFolder,
  readCaTexts,
} from '@outrider/adapters/server/ca/ca-folder';
import { CA_LIVES, makeRoot, type Root, writeCaFiles, writeOnlineCa } from '@outrider/adapters/server/ca/init-ca';
import { pemOf } from '@outrider/adapters/server/ca/make-certificate';
import { wallClock } from '@outrider/adapters/shared/clock';
import { createFolder, exists, readTextIfPresent } from '@outrider/adapters/shared/files';
import { openSealedKey, PASSPHRASE_CHARACTERS_MIN, sealKey } from '@outrider/adapters/shared/sealed-key';
import { loadSecretFile } from '@outrider/adapters/shared/settings/config-file';
import { fleetInstant, instantText } from '@outrider/domain/kernel/time';
import type { Command } from 'commander';
import { dataFolder } from '../connection.ts';
import { CommandFailure, usageFailure } from '../failure.ts';
import { createFile, fileFailure, pathOf, readTextFile } from '../files.ts';
import { repeated } from '../flags.ts';
import { show } from '../output.ts';
import type { World } from '../world.ts';
import { digestOf, withFormerBehind, withoutCertificate, withRootBeside } from './ca-exchange.ts';

const DATA_HELP = 'data folder of the server';

/** `outrider ca`: the CA that gives devices their certificates, and the server its own. */
export function caNoun(program: Command, world: World): void {
  const ca = program.command('ca').description('the CA that devices and the server have their certificates from');
  const withOutput = (command: Command) => command.option('--data <folder>', DATA_HELP).option('--json', 'print JSON');

  withOutput(ca.command('init'))
    .description(
      'make a root, the online CA for devices and the certificate of the server; then start the server again',
    )
    .requiredOption('--server-name <name>', 'a name or address by which devices reach it; repeat it for each', repeated)
    .requiredOption('--passphrase-file <file>', 'a file with the passphrase that seals the key of the root')
    .option('--root-key <file>', 'the sealed key of the root, to be kept elsewhere', 'ca-root.key.json')
    .option('--name <company>', 'what the names of the CAs begin with', 'Outrider')
    .action((flags: InitFlags) => init(world, flags));

  withOutput(ca.command('renew'))
    .description('make the online CA and the certificate of the server anew, under the same root')
    .requiredOption('--server-name <name>', 'a name or address by which devices reach it; repeat it for each', repeated)
    .requiredOption('--passphrase-file <file>', 'a file with the passphrase of the key of the root')
    .requiredOption('--root-key <file>', 'the sealed key of the root')
    .option('--name <company>', 'what the names of the CAs begin with', 'Outrider')
    .action((flags: InitFlags) => renew(world, flags));

  withOutput(ca.command('adopt'))
    .description('take certificates and keys that your own CA has made, after checking that they fit together')
    .requiredOption('--from <folder>', `a folder with ${Object.values(CA_FILES).slice(0, 5).join(', ')}`)
    .option('--beside', 'go on trusting the roots and the CAs for devices that are there, behind the new ones')
    .action((flags: AdoptFlags) => adopt(world, flags));

  withOutput(ca.command('pin-root'))
    .description('let devices pin another root beside those there are, with their next certificate')
    .argument('<certificate>', 'the roots.pem of the other CA')
    .action((path: string, flags: DataFlags) => pinRoot(world, path, flags));

  withOutput(ca.command('forget'))
    .description(
      'drop a former CA for devices, or a root with every CA below it; devices order new certificates by their keys',
    )
    .argument('<sha256>', 'the beginning of its digest, as `ca show` prints it')
    .action((digest: string, flags: DataFlags) => forget(world, digest, flags));

  withOutput(ca.command('pin-factory'))
    .description('let devices register that show a certificate of this CA of a factory')
    .argument('<certificate>', 'the CA of the factory, PEM')
    .action((path: string, flags: DataFlags) => pinFactory(world, path, flags));

  withOutput(ca.command('show'))
    .description('print what there is, and when it runs out')
    .action(async (flags: DataFlags) => showCa(world, flags, await load(world, flags)));
}

interface DataFlags {
  readonly data?: string;
  readonly json?: true;
}

interface InitFlags extends DataFlags {
  readonly name: string;
  readonly serverName: readonly string[];
  readonly passphraseFile: string;
  readonly rootKey: string;
}

interface AdoptFlags extends DataFlags {
  readonly from: string;
  readonly beside?: true;
}

async function init(world: World, flags: InitFlags): Promise<void> {
  const folder = dataFolder(world, flags);
  if (await exists(join(folder, CA_FOLDER))) {
    const detail = `There is a CA in ${join(folder, CA_FOLDER)} already, which devices have pinned; \`outrider ca renew\` keeps its root`;
    throw new CommandFailure('refused', detail, { code: 'ca-exists' });
  }
  const passphrase = passphraseIn(world, flags.passphraseFile);
  const order = orderOf(flags);
  const root = makeRoot(order);
  // The key first: a root whose key could not be kept must not come into use.
  await createFile(
    world,
    { noun: 'sealed key', path: flags.rootKey, mode: 0o600 },
    `${sealKey(root.key, passphrase)}\n`,
  );
  await writing(folder, () => writeOnlineCa(folder, root, order));
  world.log(
    `The key of the root is in ${flags.rootKey}: keep it and its passphrase off this machine, apart from each other`,
  );
  world.log('Start the server again: it then speaks mutual TLS too');
  showCa(world, flags, await load(world, flags));
}

async function renew(world: World, flags: InitFlags): Promise<void> {
  const folder = dataFolder(world, flags);
  const opened = openSealedKey(
    await readTextFile(world, 'sealed key', flags.rootKey),
    passphraseIn(world, flags.passphraseFile),
  );
  if (!opened.ok) {
    const { code, detail } = opened.error;
    throw new CommandFailure('refused', `The key in ${flags.rootKey} cannot be opened: ${detail}`, { code });
  }
  // What runs out may be damaged too: the roots alone are needed.
  const roots = certificatesIn(await readTextIfPresent(join(folder, CA_FOLDER, CA_FILES.roots)));
  const certificate = roots.find((one) => one.checkPrivateKey(opened.value));
  if (certificate === undefined) {
    const detail = `The key in ${flags.rootKey} belongs to no root in ${join(folder, CA_FOLDER, CA_FILES.roots)}; name the right key, or the right data folder`;
    throw new CommandFailure('refused', detail, { code: 'root-differs' });
  }
  const root: Root = { certificate: certificate.raw, key: opened.value };
  const factories = await readTextIfPresent(join(folder, CA_FOLDER, CA_FILES.factories));
  // Certificates of devices outlive the CA that has signed them by a year at most.
  const formerIssuing = await readTextIfPresent(join(folder, CA_FOLDER, CA_FILES.issuing));
  await writing(folder, () => writeOnlineCa(folder, root, { ...orderOf(flags), factories, formerIssuing }));
  world.log('Start the server again. Certificates of devices that are in date stay good: they lead to the same root');
  showCa(world, flags, await load(world, flags));
}

async function adopt(world: World, flags: AdoptFlags): Promise<void> {
  const folder = dataFolder(world, flags);
  const from = pathOf(world, flags.from);
  const checked = await loadCaFolder({ folder: from });
  if (!checked.ok) throw new CommandFailure('refused', checked.error.detail, { code: checked.error.code });
  if (checked.value === undefined) {
    throw usageFailure(`There is no CA in ${from}; it must hold ${Object.values(CA_FILES).slice(0, 5).join(', ')}`);
  }
  const next = checked.value;
  const texts =
    flags.beside === true ? await withFormerBehind(next, await load(world, flags)) : await readCaTexts(from);
  await writing(folder, () => writeCaFiles(folder, texts));
  world.log('Start the server again: it then speaks mutual TLS too');
  showCa(world, flags, await load(world, flags));
}

async function pinFactory(world: World, path: string, flags: DataFlags): Promise<void> {
  const folder = dataFolder(world, flags);
  const files = await load(world, flags);
  let added: readonly X509Certificate[];
  try {
    added = certificatesIn(await readFile(pathOf(world, path), 'utf8'));
  } catch (cause) {
    throw fileFailure(cause, 'certificate', path, 'read');
  }
  const [first] = added;
  if (first === undefined || !added.every((one) => one.ca)) {
    throw usageFailure(
      `The file ${path} holds no certificate of a CA in PEM; name the CA of the factory, not a device's`,
    );
  }
  const kept = files.factories.filter((one) => !added.some((other) => other.raw.equals(one.raw)));
  const texts = await readCaTexts(files.folder);
  const factories = [...kept, ...added].map((one) => pemOf(one.raw)).join('');
  await writing(folder, () => writeCaFiles(folder, { ...texts, factories }));
  world.log('Start the server again: devices with certificates of this factory may then register');
  showCa(world, flags, await load(world, flags));
}

async function pinRoot(world: World, path: string, flags: DataFlags): Promise<void> {
  const texts = await withRootBeside(await load(world, flags), await readTextFile(world, 'certificate', path), path);
  await writing(dataFolder(world, flags), () => writeCaFiles(dataFolder(world, flags), texts));
  world.log('Start the server again: devices pin both roots with their next certificate, within half its life');
  showCa(world, flags, await load(world, flags));
}

async function forget(world: World, digest: string, flags: DataFlags): Promise<void> {
  const texts = await withoutCertificate(await load(world, flags), digest);
  await writing(dataFolder(world, flags), () => writeCaFiles(dataFolder(world, flags), texts));
  world.log('Start the server again: devices with certificates below it order new ones by their keys, at once');
  showCa(world, flags, await load(world, flags));
}

async function load(world: World, flags: DataFlags): Promise<CaFiles> {
  const folder = dataFolder(world, flags);
  const files = await loadCaFolder({ folder: join(folder, CA_FOLDER) });
  if (!files.ok) throw new CommandFailure('failed', files.error.detail, { code: files.error.code });
  if (files.value !== undefined) return files.value;
  const detail = `There is no CA in ${folder}; make one with \`outrider ca init\`, or take your own with \`outrider ca adopt\``;
  throw new CommandFailure('not-found', detail, { code: 'ca-missing' });
}

function showCa(world: World, flags: DataFlags, files: CaFiles): void {
  const shown = {
    ...rowsOf(files),
    serverNames: files.server[0].subjectAltName ?? '',
    factories: files.factories.length,
  };
  show(world, flags, JSON.stringify(shown), () => [
    ...Object.entries(rowsOf(files)).map(([name, text]): readonly [string, string] => [ROW_TITLES[name] ?? name, text]),
    ['server names', shown.serverNames],
    ['factories', shown.factories],
  ]);
}

const ROW_TITLES: Readonly<Record<string, string>> = { formerDevices: 'former devices' };

function rowsOf(files: CaFiles): Readonly<Record<'root' | 'devices' | 'formerDevices' | 'server', string>> {
  return {
    root: files.roots.map(lineOf).join('; '),
    devices: lineOf(files.issuing[0]),
    formerDevices: files.issuing.slice(1).map(lineOf).join('; ') || 'none',
    server: lineOf(files.server[0]),
  };
}

function lineOf(certificate: X509Certificate): string {
  const until = instantText(fleetInstant(certificate.validToDate.getTime()));
  return `${certificate.subject.replaceAll('\n', ', ')}, until ${until}, SHA-256 ${digestOf(certificate)}`;
}

function orderOf({ name, serverName }: InitFlags) {
  const wrong = serverName.find((one) => !/^[A-Za-z0-9.:-]{1,253}$/.test(one));
  if (wrong !== undefined) {
    throw usageFailure(`The server name is ${wrong.slice(0, 80)}, allowed is a host name or an IP address`);
  }
  if (!/^[A-Za-z0-9][A-Za-z0-9 ._-]{0,49}$/.test(name)) {
    throw usageFailure(`The name is ${name.slice(0, 80)}, allowed are 1 to 50 letters, digits, spaces and . _ -`);
  }
  return { name, serverNames: serverName, nowMs: wallClock().now(), lives: CA_LIVES };
}

function passphraseIn(world: World, path: string): string {
  const read = loadSecretFile(pathOf(world, path));
  if (!read.ok) throw usageFailure(read.error.sentence);
  if (read.value.length >= PASSPHRASE_CHARACTERS_MIN) return read.value;
  throw usageFailure(
    `The passphrase in ${path} has ${read.value.length} characters, at least ${PASSPHRASE_CHARACTERS_MIN} are needed`,
  );
}

async function writing(folder: string, write: () => Promise<unknown>): Promise<void> {
  try {
    await createFolder(folder, 0o700);
    await write();
  } catch (cause) {
    throw fileFailure(cause, 'CA', join(folder, CA_FOLDER), 'written');
  }
}
