// SPDX-License-Identifier: Apache-2.0
import type { Program } from '@outrider/adapters/shared/settings/program-settings';
import type { Setting, SettingsTable, Shape } from '@outrider/adapters/shared/settings/setting';

/** As in `domain/kernel/ids`, which checks it again. */
const ID = {
  kind: 'text',
  pattern: /^[A-Za-z0-9][A-Za-z0-9._:@+-]{0,127}$/,
  allowed: '1 to 128 of the characters A-Z a-z 0-9 . _ : @ + -, beginning with a letter or digit',
} as const satisfies Shape;

/** Every setting of the agent: `docs/configuration.md` and its JSON Schema are made from this table. */
export const AGENT_SETTINGS = {
  server: {
    shape: { kind: 'url', protocols: ['http:', 'https:'] },
    flag: 'server',
    variable: 'OUTRIDER_AGENT_SERVER',
    isNeeded: true,
    sentence: 'Where the gateway is',
  },
  dataFolder: {
    shape: { kind: 'path' },
    flag: 'data',
    variable: 'OUTRIDER_AGENT_DATA',
    isNeeded: true,
    sentence: "The device's own folder: journal, slots, staging, key",
  },
  deviceId: id('device-id', 'Its name in the fleet'),
  deviceType: id('device-type', 'Its type, for example camera'),
  hardwareId: id('hardware-id', 'Its hardware revision, for example rev-c'),
  model: attribute('model'),
  region: attribute('region'),
  customer: attribute('customer'),
  carrier: attribute('carrier'),
  tags: {
    shape: { ...ID, kind: 'texts' },
    flag: 'tag',
    variable: 'OUTRIDER_AGENT_TAGS',
    default: [],
    sentence: 'Tags, told at registration',
  },
  token: {
    shape: { kind: 'text', pattern: /^\S+$/, allowed: 'the text that `outrider device token` prints' },
    flag: 'token',
    variable: 'OUTRIDER_AGENT_TOKEN',
    isSecret: true,
    sentence: 'The registration token, needed once; every user of the machine sees a flag, so a device uses tokenFile',
  },
  tokenFile: {
    shape: { kind: 'path' },
    flag: 'token-file',
    variable: 'OUTRIDER_AGENT_TOKEN_FILE',
    sentence: 'A file that holds the registration token; read when there is no token and the device is not registered',
  },
  serverRoots: {
    shape: { kind: 'path' },
    flag: 'server-roots',
    variable: 'OUTRIDER_AGENT_SERVER_ROOTS',
    sentence:
      'A PEM file with the roots that the server must show by TLS; without it the one that the token names, then those it was given',
  },
  factoryCertificate: {
    shape: { kind: 'path' },
    flag: 'factory-certificate',
    variable: 'OUTRIDER_AGENT_FACTORY_CERTIFICATE',
    sentence:
      'A PEM file with the certificate of the factory for this device: it registers with that instead of a token',
  },
  factoryKey: {
    shape: { kind: 'path' },
    flag: 'factory-key',
    variable: 'OUTRIDER_AGENT_FACTORY_KEY',
    sentence: 'The key of the factory certificate, PEM',
  },
  tpmProgram: {
    shape: { kind: 'path' },
    flag: 'tpm-program',
    variable: 'OUTRIDER_AGENT_TPM_PROGRAM',
    sentence: 'The program `tpm2` of tpm2-tools; with it the TPM of the device vouches for its version manifests',
  },
  tpmKey: {
    shape: {
      kind: 'text',
      pattern: /^(0x81[0-9a-fA-F]{6}|\/\S+)$/,
      allowed: 'a persistent handle, for example 0x81010002, or the path of a context file',
    },
    flag: 'tpm-key',
    variable: 'OUTRIDER_AGENT_TPM_KEY',
    default: '0x81010002',
    sentence: 'The attestation key of the TPM',
  },
  tpmPcrs: {
    shape: {
      kind: 'text',
      pattern: /^(\d|1\d|2[0-3])(,(\d|1\d|2[0-3]))*$/,
      allowed: 'numbers from 0 to 23 with commas between them',
    },
    flag: 'tpm-pcrs',
    variable: 'OUTRIDER_AGENT_TPM_PCRS',
    default: '0,2,7',
    sentence:
      'The registers of the SHA-256 bank that are quoted: those that an update of the images leaves as they are',
  },
  tpmTcti: {
    shape: { kind: 'text', pattern: /^[a-z][^\0]*$/, allowed: 'as in TPM2TOOLS_TCTI, for example device:/dev/tpmrm0' },
    flag: 'tpm-tcti',
    variable: 'OUTRIDER_AGENT_TPM_TCTI',
    sentence: 'Which TPM is asked; without it the one of the machine',
  },
  component: {
    shape: ID,
    flag: 'component',
    variable: 'OUTRIDER_AGENT_COMPONENT',
    default: 'main',
    sentence: 'The component whose image holds the launcher',
  },
  launcherArguments: {
    shape: { kind: 'texts', pattern: /^[^\0]*$/, allowed: 'texts' },
    flag: 'launcher-argument',
    variable: 'OUTRIDER_AGENT_LAUNCHER_ARGUMENTS',
    default: [],
    sentence: 'Handed to the launcher at the health check',
  },
  factoryImage: {
    shape: { kind: 'path' },
    flag: 'factory-image',
    variable: 'OUTRIDER_AGENT_FACTORY_IMAGE',
    sentence: 'Puts this image into slot a of a new device',
  },
  factoryVersion: {
    shape: { kind: 'text', pattern: /^\S+$/, allowed: 'SemVer, for example 1.0.0' },
    flag: 'factory-version',
    variable: 'OUTRIDER_AGENT_FACTORY_VERSION',
    sentence: "The factory image's version",
  },
  factoryCounter: {
    shape: { kind: 'whole', min: 0, max: Number.MAX_SAFE_INTEGER },
    flag: 'factory-counter',
    variable: 'OUTRIDER_AGENT_FACTORY_COUNTER',
    sentence: "The factory image's release counter",
  },
  reboot: {
    shape: { kind: 'choice', choices: ['in-place', 'exit'] },
    flag: 'reboot',
    variable: 'OUTRIDER_AGENT_REBOOT',
    default: 'in-place',
    sentence: 'How to reboot: in this process, or by exit code 75',
  },
  checkInNow: {
    shape: { kind: 'switch' },
    flag: 'check-in-now',
    variable: 'OUTRIDER_AGENT_CHECK_IN_NOW',
    default: false,
    sentence: 'Asks at once, instead of at its next poll',
  },
  listen: {
    shape: { kind: 'choice', choices: ['off', 'websocket', 'held-request'] },
    flag: 'listen',
    variable: 'OUTRIDER_AGENT_LISTEN',
    default: 'off',
    sentence:
      'Listens for a call to check in between two polls, over a connection that stays open: a WebSocket, or requests that the server holds back',
  },
  conducted: {
    shape: { kind: 'switch' },
    flag: 'conducted',
    variable: 'OUTRIDER_AGENT_CONDUCTED',
    default: false,
    sentence: 'No timers: reads {"now":<ms>} from stdin, answers a JSON line each',
  },
} as const satisfies SettingsTable;

/** The agent as a program: its table, and `agent.json` in the data folder unless another file is named. */
export const AGENT_PROGRAM: Program<typeof AGENT_SETTINGS> = {
  table: AGENT_SETTINGS,
  dataSetting: 'dataFolder',
  defaultFile: 'agent.json',
  configVariable: 'OUTRIDER_AGENT_CONFIG',
  variablePrefix: 'OUTRIDER_AGENT_',
  foreignVariables: /^$/,
  further: { help: 'switch', 'show-config': 'switch', 'config-schema': 'switch' },
};

export const AGENT_SCHEMA_TITLE = 'Settings of the Outrider agent';

function id(flag: string, sentence: string) {
  return { shape: ID, flag, variable: variableOf(flag), isNeeded: true, sentence } as const satisfies Setting<
    typeof ID
  >;
}

function attribute(flag: string) {
  const sentence = `Its ${flag}, told at registration`;
  return { shape: ID, flag, variable: variableOf(flag), default: 'unknown', sentence } as const satisfies Setting<
    typeof ID
  >;
}

function variableOf(flag: string): string {
  return `OUTRIDER_AGENT_${flag.toUpperCase().replaceAll('-', '_')}`;
}
