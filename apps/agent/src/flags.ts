// SPDX-License-Identifier: Apache-2.0
import { parseArgs } from 'node:util';
import { type DeviceId, parseId } from '@outrider/domain/kernel/ids';
import type { DeviceAttributes } from '@outrider/domain/policy/attributes';
import { parseVersion } from '@outrider/domain/release/version';
import { AgentEnd } from './exit-codes.ts';

/** What the command line says, checked. */
export interface AgentFlags {
  readonly serverUrl: URL;
  readonly dataFolder: string;
  readonly deviceId: DeviceId;
  readonly attributes: DeviceAttributes;
  readonly token: string | undefined;
  readonly isConducted: boolean;
  readonly isRebootByExit: boolean;
  /** Ask at the start, whatever poll the journal waits for. */
  readonly isCheckInNow: boolean;
  readonly component: string;
  readonly launcherArguments: readonly string[];
  readonly factory: FactoryFlags | undefined;
}

/** What the device leaves the factory with. */
export interface FactoryFlags {
  readonly imagePath: string;
  readonly version: string;
  readonly releaseCounter: number;
}

export const USAGE = `outrider agent: the device side

  --server <url>              where the gateway is
  --data <folder>             the device's own folder: journal, slots, staging, key
  --device-id <id>            its name in the fleet
  --device-type <type>        for example camera
  --hardware-id <revision>    for example rev-c
  --model, --region, --customer, --carrier <name>   attributes told at registration (default: unknown)
  --tag <tag>                 may be given several times
  --token <token>             the registration token, needed once
  --component <name>          the component whose image holds the launcher (default: main)
  --launcher-argument <text>  handed to the launcher at the health check; several times
  --factory-image <file>      puts this image into slot a of a new device
  --factory-version <semver>  its version
  --factory-counter <number>  its release counter
  --reboot in-place|exit      how to reboot: in this process (default), or by exit code 75
  --check-in-now              asks at once, instead of at its next poll
  --conducted                 no timers: reads {"now":<ms>} from stdin, answers a JSON line each
  --help
`;

/** Reads the command line; undefined when only help was asked for. Throws AgentEnd: usage. */
export function readFlags(args: readonly string[]): AgentFlags | undefined {
  const values = parse(args);
  if (values.help) return undefined;
  return {
    serverUrl: urlOf(needed('server', values.server)),
    dataFolder: needed('data', values.data),
    deviceId: idOf('device-id', needed('device-id', values['device-id'])) as DeviceId,
    attributes: {
      deviceType: idOf('device-type', needed('device-type', values['device-type'])),
      hardwareId: idOf('hardware-id', needed('hardware-id', values['hardware-id'])),
      model: idOf('model', values.model),
      region: idOf('region', values.region),
      customer: idOf('customer', values.customer),
      carrier: idOf('carrier', values.carrier),
      tags: values.tag.map((tag) => idOf('tag', tag)),
    },
    token: values.token,
    isConducted: values.conducted,
    isRebootByExit: rebootOf(values.reboot) === 'exit',
    isCheckInNow: values['check-in-now'],
    component: idOf('component', values.component),
    launcherArguments: values['launcher-argument'],
    factory: factoryOf(values),
  };
}

const UNKNOWN = { type: 'string', default: 'unknown' } as const;
const TEXT = { type: 'string' } as const;
const FLAG = { type: 'boolean', default: false } as const;
const NO_TEXTS: string[] = [];

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: false,
      options: {
        server: TEXT,
        data: TEXT,
        'device-id': TEXT,
        'device-type': TEXT,
        'hardware-id': TEXT,
        model: UNKNOWN,
        region: UNKNOWN,
        customer: UNKNOWN,
        carrier: UNKNOWN,
        tag: { type: 'string', multiple: true, default: NO_TEXTS },
        token: TEXT,
        component: { type: 'string', default: 'main' },
        'launcher-argument': { type: 'string', multiple: true, default: NO_TEXTS },
        'factory-image': TEXT,
        'factory-version': TEXT,
        'factory-counter': TEXT,
        reboot: { type: 'string', default: 'in-place' },
        'check-in-now': FLAG,
        conducted: FLAG,
        help: FLAG,
      },
    }).values;
  } catch (cause) {
    throw new AgentEnd('usage', `${cause instanceof Error ? cause.message : cause}. See --help`, cause);
  }
}

function needed(name: string, value: string | undefined): string {
  if (value !== undefined && value !== '') return value;
  throw new AgentEnd('usage', `The flag --${name} is missing: give it a value. See --help`);
}

function idOf(name: string, value: string): string {
  const parsed = parseId(name, value);
  if (parsed.ok) return parsed.value;
  const allowed = '1 to 128 of the characters A-Z a-z 0-9 . _ : @ + -';
  throw new AgentEnd('usage', `The flag --${name} is ${JSON.stringify(parsed.error.seen)}, allowed are ${allowed}`);
}

function urlOf(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url;
  throw new AgentEnd('usage', `The flag --server is ${JSON.stringify(text)}, allowed is an http or https URL`);
}

function rebootOf(text: string): 'in-place' | 'exit' {
  if (text === 'in-place' || text === 'exit') return text;
  throw new AgentEnd('usage', `The flag --reboot is ${JSON.stringify(text)}, allowed is in-place or exit`);
}

function factoryOf(values: {
  readonly 'factory-image'?: string;
  readonly 'factory-version'?: string;
  readonly 'factory-counter'?: string;
}): FactoryFlags | undefined {
  const imagePath = values['factory-image'];
  if (imagePath === undefined) return undefined;
  const version = needed('factory-version', values['factory-version']);
  if (!parseVersion(version).ok) {
    throw new AgentEnd('usage', `The flag --factory-version is ${version}, allowed is SemVer, for example 1.0.0`);
  }
  const counter = needed('factory-counter', values['factory-counter']);
  const releaseCounter = Number(counter);
  if (!/^\d+$/.test(counter) || !Number.isSafeInteger(releaseCounter)) {
    throw new AgentEnd('usage', `The flag --factory-counter is ${counter}, allowed is a whole number of zero or more`);
  }
  return { imagePath, version, releaseCounter };
}
