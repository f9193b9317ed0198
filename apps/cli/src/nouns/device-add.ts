// SPDX-License-Identifier: Apache-2.0
import { type Command, Option } from 'commander';
import { cellAt, listAt, parseAnswer } from '../answer.ts';
import { type ConnectionFlags, withConnection } from '../connection.ts';
import { CommandFailure, usageFailure } from '../failure.ts';
import { openNewFile, readTextFile } from '../files.ts';
import { parseLabel, parseWhole, repeatedLabel } from '../flags.ts';
import { type OutputFlags, show } from '../output.ts';
import { PATHS } from '../paths.ts';
import { tell } from '../server.ts';
import type { World } from '../world.ts';

/** Devices of one request: what the server takes in one transaction. */
const BATCH = 500;

/** `outrider device add`: registers a device that cannot register itself, since it speaks hawkBit's DDI. */
export function deviceAddVerb(device: Command, world: World): void {
  withConnection(device.command('add'))
    .description(
      'register a device that speaks hawkBit’s DDI (SWUpdate and others); its token is printed here and never again',
    )
    .argument('[device]', 'its id: the controller id of the client; left out with --file')
    .option('--ddi', 'it speaks DDI; devices of our own register themselves, see `device token`')
    .option('--device-type <name>', 'what kind of device it is', parseLabel)
    .option('--hardware-id <id>', 'its hardware revision', parseLabel)
    .option('--model <name>', 'its model; what is left out here it may tell itself in configData', parseLabel)
    .option('--region <name>', 'where it is', parseLabel)
    .option('--customer <name>', 'whose it is', parseLabel)
    .option('--carrier <name>', 'over which network it comes', parseLabel)
    .option('--tag <name>', 'a tag; repeat it', repeatedLabel)
    .option('--version <version>', 'what it runs now (default: 0.0.0)')
    .option('--counter <number>', 'the release counter of what it runs (default: 0)', parseWhole)
    .option('--window <from-to>', 'when it may be shown a deployment, in UTC, for example 22:00-04:00')
    .addOption(
      new Option('--shows <what>', 'how it shows who it is')
        .choices(['target-token', 'certificate'])
        .default('target-token'),
    )
    .option('--file <devices.ndjson>', 'many devices, a line of JSON each: deviceId, deviceType, hardwareId, ...')
    .option('--tokens <file>', 'with --file: where the tokens go, a line of JSON each, readable by you alone')
    .option('--only-token', 'print the token and nothing else, for scripts')
    .option('--json', 'print JSON')
    .action((id: string | undefined, flags: AddFlags) => add(world, id, flags));
}

interface AddFlags extends ConnectionFlags, OutputFlags {
  readonly ddi?: true;
  readonly deviceType?: string;
  readonly hardwareId?: string;
  readonly model?: string;
  readonly region?: string;
  readonly customer?: string;
  readonly carrier?: string;
  readonly tag?: readonly string[];
  readonly version?: string;
  readonly counter?: number;
  readonly window?: string;
  readonly shows: string;
  readonly file?: string;
  readonly tokens?: string;
  readonly onlyToken?: true;
}

async function add(world: World, id: string | undefined, flags: AddFlags): Promise<void> {
  if (flags.ddi !== true) {
    throw usageFailure(
      'Only devices that speak DDI are added by people, say --ddi; a device of our own registers itself with `outrider device token`',
    );
  }
  if ((id === undefined) === (flags.file === undefined)) {
    throw usageFailure('Name one device, or give a file of devices with --file; exactly one of the two');
  }
  if (flags.file !== undefined) return await addMany(world, flags, flags.file);
  const { deviceType, hardwareId, model, region, customer, carrier, tag: tags, version, shows } = flags;
  if (deviceType === undefined || hardwareId === undefined) {
    throw usageFailure('A device needs --device-type and --hardware-id: they decide which images it may get');
  }
  const device = {
    ...{ deviceId: id, deviceType, hardwareId, model, region, customer, carrier, tags, version, shows },
    ...{ releaseCounter: flags.counter, maintenanceWindow: flags.window },
  };
  const { text, value } = await tell(world, flags, PATHS.ddiDevices, {
    devices: [device],
  });
  const token = cellAt(listAt(value, 'items')[0], 'targetToken');
  if (flags.onlyToken === true) {
    if (token !== undefined) world.write(`${token}\n`);
    return;
  }
  show(world, flags, text, () => [
    ['device', id],
    ['target token', token ?? 'none: it shows a certificate, or comes through a gateway'],
  ]);
}

async function addMany(world: World, flags: AddFlags, file: string): Promise<void> {
  if (flags.tokens === undefined) {
    throw usageFailure('Many devices bring many tokens: say with --tokens <file> where they shall go');
  }
  const devices = linesOf(await readTextFile(world, 'file of devices', file), file);
  let added = 0;
  // The file first, and each batch as it comes: a token that was made and could not be kept would be lost.
  const keep = await openNewFile(world, { noun: 'file of tokens', path: flags.tokens, mode: 0o600 });
  try {
    for (let begin = 0; begin < devices.length; begin += BATCH) {
      const body = { devices: devices.slice(begin, begin + BATCH) };
      const items = listAt((await tell(world, flags, PATHS.ddiDevices, body)).value, 'items');
      await keep.write(items.map((one) => `${JSON.stringify(one)}\n`).join(''));
      added += items.length;
    }
  } finally {
    await keep.close();
  }
  show(world, flags, JSON.stringify({ added }), () => [
    ['added', added],
    ['tokens', flags.tokens],
  ]);
}

function linesOf(text: string, file: string): readonly unknown[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lines.map((line, index) => {
    try {
      return parseAnswer(line).value;
    } catch (cause) {
      if (!(cause instanceof CommandFailure)) throw cause;
      throw usageFailure(`Line ${index + 1} of ${file} is not JSON; a line is one device, as {"deviceId": ...}`);
    }
  });
}
