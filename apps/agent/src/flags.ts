// SPDX-License-Identifier: Apache-2.0
import type { TpmProgramOptions } from '@outrider/adapters/device/tpm-program';
import { loadSecretFile } from '@outrider/adapters/shared/settings/config-file';
import {
  type ProgramSettings,
  type ProgramStart,
  readProgramSettings,
} from '@outrider/adapters/shared/settings/program-settings';
import { placeOf } from '@outrider/adapters/shared/settings/read-settings';
import { settingsUsage } from '@outrider/adapters/shared/settings/settings-page';
import { settingsSchema } from '@outrider/adapters/shared/settings/settings-schema';
import { shownSettings } from '@outrider/adapters/shared/settings/shown-settings';
import { assert } from '@outrider/domain/kernel/assert';
import { type DeviceId, parseId } from '@outrider/domain/kernel/ids';
import type { DeviceAttributes } from '@outrider/domain/policy/attributes';
import { parseVersion } from '@outrider/domain/release/version';
import { AgentEnd } from './exit-codes.ts';
import { AGENT_PROGRAM, AGENT_SCHEMA_TITLE, AGENT_SETTINGS } from './settings.ts';

/** What the agent is started with, checked: flags over environment over configuration file. */
export interface AgentFlags {
  readonly serverUrl: URL;
  readonly dataFolder: string;
  readonly deviceId: DeviceId;
  readonly attributes: DeviceAttributes;
  readonly token: string | undefined;
  readonly tokenFile: string | undefined;
  readonly serverRootsFile: string | undefined;
  /** Absent: the device registers with a token. */
  readonly factoryIdentity: { readonly certificateFile: string; readonly keyFile: string } | undefined;
  /** Absent: no TPM is asked. */
  readonly tpm: TpmFlags | undefined;
  readonly isConducted: boolean;
  readonly isRebootByExit: boolean;
  /** Ask at the start, whatever poll the journal waits for. */
  readonly isCheckInNow: boolean;
  /** How it listens for calls between two polls. */
  readonly listen: 'off' | 'websocket' | 'held-request';
  readonly component: string;
  readonly launcherArguments: readonly string[];
  readonly factory: FactoryFlags | undefined;
  /** Sentences about what works and should be looked at. */
  readonly notices: readonly string[];
}

/** How the TPM of the device is asked. */
export type TpmFlags = Pick<TpmProgramOptions, 'program' | 'key' | 'pcrs' | 'tcti'>;

/** What the device leaves the factory with. */
export interface FactoryFlags {
  readonly imagePath: string;
  readonly version: string;
  readonly releaseCounter: number;
}

const USAGE = `outrider agent: the device side; \`flag --help\` tells how a driver speaks up

${settingsUsage(AGENT_SETTINGS, {
  '--config <path>': 'The configuration file (default: agent.json in the data folder, if it is there)',
  '--show-config': 'Prints every setting with its value and where it was said; secrets are "set" or "not set"',
  '--config-schema': 'Prints the JSON Schema of the configuration file',
  '--help': 'Prints this',
})}`;

type Settings = ProgramSettings<typeof AGENT_SETTINGS>;

/** Reads the settings; a text when that is all that was asked for. Throws AgentEnd: usage. */
export function readFlags(start: ProgramStart): AgentFlags | string {
  if (start.parameters.includes('--help')) return USAGE;
  if (start.parameters.includes('--config-schema')) return settingsSchema(AGENT_SETTINGS, AGENT_SCHEMA_TITLE);
  const read = readProgramSettings(AGENT_PROGRAM, start);
  if (!read.ok) throw new AgentEnd('usage', `${read.error.sentence}. See --help`);
  const settings = read.value;
  return settings.commandLine.has('show-config') ? textOf(settings) : flagsOf(settings);
}

/** The token that a device registers with, if one was given. Throws AgentEnd: usage. */
export function tokenOf({ token, tokenFile }: Pick<AgentFlags, 'token' | 'tokenFile'>): string | undefined {
  if (token !== undefined || tokenFile === undefined) return token;
  const read = loadSecretFile(tokenFile);
  if (!read.ok) throw new AgentEnd('usage', read.error.sentence);
  if (/^\S+$/.test(read.value)) return read.value;
  throw new AgentEnd('usage', `The file ${tokenFile} holds no token, allowed is one word; write the token into it`);
}

function textOf(settings: Settings): string {
  return shownSettings(AGENT_SETTINGS, settings)
    .map(({ name, value, from }) => `${name}  ${value}  ${from}\n`)
    .join('');
}

function flagsOf(settings: Settings): AgentFlags {
  const { values, notices } = settings;
  const { deviceType, hardwareId, model, region, customer, carrier, tags } = values;
  const deviceId = parseId<DeviceId>('device id', values.deviceId);
  assert(deviceId.ok, 'a device id that its setting has checked');
  return {
    serverUrl: new URL(values.server),
    dataFolder: values.dataFolder,
    deviceId: deviceId.value,
    attributes: { deviceType, hardwareId, model, region, customer, carrier, tags },
    token: values.token,
    tokenFile: values.tokenFile,
    serverRootsFile: values.serverRoots,
    factoryIdentity: factoryIdentityOf(values),
    tpm: tpmOf(values),
    isConducted: values.conducted,
    isRebootByExit: values.reboot === 'exit',
    isCheckInNow: values.checkInNow,
    listen: values.listen,
    component: values.component,
    launcherArguments: values.launcherArguments,
    factory: factoryOf(settings),
    notices: notices.map(({ sentence }) => sentence),
  };
}

function tpmOf({ tpmProgram: program, tpmKey: key, tpmPcrs, tpmTcti: tcti }: Settings['values']): AgentFlags['tpm'] {
  if (program === undefined) return undefined;
  return { program, key, pcrs: tpmPcrs.split(',').map(Number), ...(tcti === undefined ? {} : { tcti }) };
}

function factoryIdentityOf({ factoryCertificate, factoryKey }: Settings['values']): AgentFlags['factoryIdentity'] {
  if (factoryCertificate === undefined && factoryKey === undefined) return undefined;
  if (factoryCertificate !== undefined && factoryKey !== undefined) {
    return { certificateFile: factoryCertificate, keyFile: factoryKey };
  }
  const missing = factoryKey === undefined ? 'factory-key' : 'factory-certificate';
  throw new AgentEnd(
    'usage',
    `The flag --${missing} is missing: certificate and key of a factory go together. See --help`,
  );
}

function factoryOf(settings: Settings): FactoryFlags | undefined {
  const { values, origins } = settings;
  const { factoryImage: imagePath, factoryVersion: version, factoryCounter: releaseCounter } = values;
  if (imagePath === undefined) return undefined;
  if (version === undefined || releaseCounter === undefined) {
    const missing = version === undefined ? 'factory-version' : 'factory-counter';
    throw new AgentEnd('usage', `The flag --${missing} is missing: a factory image needs it. See --help`);
  }
  if (parseVersion(version).ok) return { imagePath, version, releaseCounter };
  const place = placeOf(origins.factoryVersion, 'factoryVersion');
  throw new AgentEnd('usage', `${place} is ${version}, allowed is ${AGENT_SETTINGS.factoryVersion.shape.allowed}`);
}
