// SPDX-License-Identifier: Apache-2.0
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import { loadSecretFile } from '../shared/settings/config-file.ts';
import {
  type Program,
  type ProgramFault,
  type ProgramSettings,
  type ProgramStart,
  readProgramSettings,
} from '../shared/settings/program-settings.ts';
import { ORIGIN_RANK, placeOf } from '../shared/settings/read-settings.ts';
import type { SettingsTable } from '../shared/settings/setting.ts';

const ADDRESSES = { kind: 'texts', pattern: /^[0-9a-fA-F.:]{2,45}$/, allowed: 'an IP address' } as const;

/** Every setting of the server: `docs/configuration.md` and its JSON Schema are made from this table. */
export const SERVER_SETTINGS = {
  dataFolder: {
    shape: { kind: 'path' },
    flag: 'data',
    variable: 'OUTRIDER_DATA',
    isNeeded: true,
    sentence: 'The data folder, where everything is kept; made if it is missing',
  },
  role: {
    shape: { kind: 'choice', choices: ['all', 'gateway', 'control'] },
    flag: 'role',
    variable: 'OUTRIDER_ROLE',
    default: 'all',
    sentence:
      'Whom this server answers: gateway for devices, control for people (and decides), all for both; several servers share one database',
  },
  secretsFolder: {
    shape: { kind: 'path' },
    flag: 'secrets',
    variable: 'OUTRIDER_SECRETS',
    sentence:
      'Where tokens, permit key and roles lie, the same for all servers of an installation; without it the data folder',
  },
  blobFolder: {
    shape: { kind: 'path' },
    flag: 'blobs',
    variable: 'OUTRIDER_BLOBS',
    sentence:
      'Where images and deltas lie, the same for all servers of an installation; without it blobs in the data folder',
  },
  noticesUrl: {
    shape: { kind: 'url', protocols: ['nats:'] },
    variable: 'OUTRIDER_NOTICES_URL',
    isSecret: true,
    sentence:
      'A NATS server over which the servers of an installation tell each other to look; without it the database does that',
  },
  host: {
    shape: { kind: 'text', pattern: /^[\w.:%-]{1,253}$/, allowed: 'a host name or an IP address' },
    flag: 'host',
    variable: 'OUTRIDER_HOST',
    default: '127.0.0.1',
    sentence: 'The address to listen on; 0.0.0.0 for all of this machine',
  },
  port: {
    shape: { kind: 'whole', min: 0, max: 65_535 },
    flag: 'port',
    variable: 'OUTRIDER_PORT',
    default: 8_440,
    sentence: 'The port to listen on; 0 for any free one, which server.json in the data folder then names',
  },
  publicUrl: {
    shape: { kind: 'url', protocols: ['http:', 'https:'] },
    flag: 'public-url',
    variable: 'OUTRIDER_PUBLIC_URL',
    sentence:
      'Where devices and people reach the server through a proxy; named at the start and in the OpenAPI document',
  },
  terminatorSocket: {
    shape: { kind: 'path' },
    flag: 'terminator-socket',
    variable: 'OUTRIDER_TERMINATOR_SOCKET',
    sentence:
      'A Unix socket, mode 0600, for a terminator of TLS that names the client certificate of each request; see docs/protocol/terminator.md',
  },
  tlsPort: {
    shape: { kind: 'whole', min: 0, max: 65_535 },
    flag: 'tls-port',
    variable: 'OUTRIDER_TLS_PORT',
    default: 8_441,
    sentence: 'Where devices speak mutual TLS, once there is a CA (`outrider ca init`); 0 for any free one',
  },
  connectionsPerAddressMax: {
    shape: { kind: 'whole', min: 0, max: 1_000_000, unit: 'connections' },
    flag: 'connections-per-address-max',
    variable: 'OUTRIDER_CONNECTIONS_PER_ADDRESS_MAX',
    default: 4_096,
    sentence:
      'How many connections one address (of IPv6 a network of 64 bits) holds at most, over all ports; room for a carrier that puts thousands behind one address; 0 for no limit',
  },
  proxyProtocolFrom: {
    shape: ADDRESSES,
    flag: 'proxy-protocol-from',
    variable: 'OUTRIDER_PROXY_PROTOCOL_FROM',
    default: [],
    sentence:
      'The address of a balancer that begins each connection with the PROXY protocol (version 1 or 2), then that address counts; repeat it for each',
  },
  connectionsUncappedFrom: {
    shape: ADDRESSES,
    flag: 'connections-uncapped-from',
    variable: 'OUTRIDER_CONNECTIONS_UNCAPPED_FROM',
    default: [],
    sentence:
      'An address whose connections are not counted, a balancer without the PROXY protocol for instance; repeat it for each',
  },
  certificateLifeDays: {
    shape: { kind: 'whole', min: 1, max: 3_650, unit: 'days' },
    flag: 'certificate-life-days',
    variable: 'OUTRIDER_CERTIFICATE_LIFE_DAYS',
    default: 365,
    sentence: 'How long the certificate of a device is good for; agents renew it at half time',
  },
  ddiTenant: {
    shape: { kind: 'text', pattern: /^[A-Za-z0-9][\w.-]{0,63}$/, allowed: 'letters, digits and . _ -' },
    flag: 'ddi-tenant',
    variable: 'OUTRIDER_DDI_TENANT',
    default: 'DEFAULT',
    sentence: 'The tenant in the paths of clients that speak hawkBit’s DDI; upper and lower case are one',
  },
  databaseUrl: {
    shape: { kind: 'url', protocols: ['postgres:', 'postgresql:'] },
    variable: 'DATABASE_URL',
    isSecret: true,
    sentence: 'A PostgreSQL of your own, version 15 or newer; without it one is started in the data folder',
  },
  databaseUrlFile: {
    shape: { kind: 'path' },
    flag: 'database-url-file',
    variable: 'DATABASE_URL_FILE',
    sentence: 'A file that holds the database URL, as secret stores hand it over; instead of databaseUrl',
  },
  databaseConnectionsMax: {
    shape: { kind: 'whole', min: 2, max: 500, unit: 'connections' },
    flag: 'database-connections-max',
    variable: 'OUTRIDER_DATABASE_CONNECTIONS_MAX',
    default: 8,
    sentence: 'How many connections to the database this server holds at most',
  },
  releaseRoleFile: {
    shape: { kind: 'path' },
    flag: 'release-role',
    variable: 'OUTRIDER_RELEASE_ROLE',
    sentence: 'Who must sign releases; without it release-role.json beside the secrets, which may come later',
  },
  oidcIssuer: {
    shape: { kind: 'url', protocols: ['https:', 'http:'] },
    flag: 'oidc-issuer',
    variable: 'OUTRIDER_OIDC_ISSUER',
    sentence:
      'The OpenID Connect issuer at which people sign in; without it the development issuer, on a loopback host',
  },
  oidcClientId: {
    shape: { kind: 'text', pattern: /^\S{1,200}$/, allowed: '1 to 200 characters without spaces' },
    flag: 'oidc-client-id',
    variable: 'OUTRIDER_OIDC_CLIENT_ID',
    default: 'outrider',
    sentence: 'The client that the console is at the issuer; its redirect is <public URL>/sign-in/callback',
  },
  oidcClientSecretFile: {
    shape: { kind: 'path' },
    flag: 'oidc-client-secret-file',
    variable: 'OUTRIDER_OIDC_CLIENT_SECRET_FILE',
    sentence: 'A file that holds the secret of that client; without it the client is a public one, with PKCE alone',
  },
  oidcCliClientId: {
    shape: { kind: 'text', pattern: /^\S{1,200}$/, allowed: '1 to 200 characters without spaces' },
    flag: 'oidc-cli-client-id',
    variable: 'OUTRIDER_OIDC_CLI_CLIENT_ID',
    default: 'outrider-cli',
    sentence:
      'The public client that the command line is at the issuer; its redirect is http://127.0.0.1/callback, any port',
  },
  oidcAudience: {
    shape: { kind: 'texts', pattern: /^\S{1,200}$/, allowed: '1 to 200 characters without spaces' },
    flag: 'oidc-audience',
    variable: 'OUTRIDER_OIDC_AUDIENCE',
    default: [],
    sentence: 'Further audiences of bearer tokens that are let in, beside the two clients',
  },
  oidcScope: {
    shape: {
      kind: 'text',
      pattern: /^openid( [\x21-\x7e]{1,100}){0,20}$/,
      allowed: 'openid, and further scopes behind it',
    },
    flag: 'oidc-scope',
    variable: 'OUTRIDER_OIDC_SCOPE',
    default: 'openid profile',
    sentence: 'What is asked for at the issuer, so that its tokens carry the claims below',
  },
  oidcPersonClaim: {
    shape: { kind: 'text', pattern: /^[\w:/.-]{1,200}$/, allowed: 'the name of a claim' },
    flag: 'oidc-person-claim',
    variable: 'OUTRIDER_OIDC_PERSON_CLAIM',
    default: 'sub',
    sentence: 'The claim by which a person stands in the logs: one that the issuer never gives to another person',
  },
  oidcRolesClaim: {
    shape: { kind: 'text', pattern: /^[\w:/.-]{1,200}$/, allowed: 'the name of a claim' },
    flag: 'oidc-roles-claim',
    variable: 'OUTRIDER_OIDC_ROLES_CLAIM',
    default: 'groups',
    sentence: 'The claim whose values grant roles',
  },
  oidcRole: {
    shape: {
      kind: 'texts',
      pattern:
        /^[^=@\s]{1,200}=(viewer|operator|approver|security)(@(customer|region):[\w.:@+-]{1,128}(,(customer|region):[\w.:@+-]{1,128})*)?$/,
      allowed: '<value>=viewer, operator, approver or security, and perhaps @customer:<name>,region:<name>',
    },
    flag: 'oidc-role',
    variable: 'OUTRIDER_OIDC_ROLE',
    default: [],
    sentence: 'What a value of that claim grants, for example eu-ops=operator@region:eu; nobody has a role by itself',
  },
  oidcAlgorithm: {
    shape: {
      kind: 'texts',
      pattern: /^(ES256|ES384|EdDSA|Ed25519|RS256|PS256)$/,
      allowed: 'ES256, ES384, EdDSA, Ed25519, RS256 or PS256',
    },
    flag: 'oidc-algorithm',
    variable: 'OUTRIDER_OIDC_ALGORITHM',
    default: ['ES256', 'EdDSA', 'Ed25519', 'RS256', 'PS256'],
    sentence: 'Algorithms that tokens may be signed by',
  },
  oidcClockSkewS: {
    shape: { kind: 'whole', min: 0, max: 300, unit: 'seconds' },
    flag: 'oidc-clock-skew-s',
    variable: 'OUTRIDER_OIDC_CLOCK_SKEW_S',
    default: 30,
    sentence: 'How far the clock of the issuer may differ',
  },
  developmentIssuer: {
    shape: { kind: 'switch' },
    flag: 'development-issuer',
    variable: 'OUTRIDER_DEVELOPMENT_ISSUER',
    default: true,
    sentence:
      'Whether people of a development issuer may sign in where no issuer is named and the host is a loopback address',
  },
  clock: {
    shape: { kind: 'choice', choices: ['wall', 'conducted'] },
    flag: 'clock',
    variable: 'OUTRIDER_CLOCK',
    default: 'wall',
    sentence: 'Under conducted, fleet time stands still until it is stepped: for demonstrations and simulations',
  },
  drainDelayMs: {
    shape: { kind: 'whole', min: 0, max: 60_000, unit: 'milliseconds' },
    flag: 'drain-delay-ms',
    variable: 'OUTRIDER_DRAIN_DELAY_MS',
    default: 0,
    sentence:
      'How long a server that is asked to stop says that it is not ready and goes on answering, so that a balancer takes it out',
  },
  drainTimeoutMs: {
    shape: { kind: 'whole', min: 1_000, max: 60_000, unit: 'milliseconds' },
    flag: 'drain-timeout-ms',
    variable: 'OUTRIDER_DRAIN_TIMEOUT_MS',
    default: 4_500,
    sentence: 'How long a stop may take; then whatever still hangs is cut',
  },
  logLevel: {
    shape: { kind: 'choice', choices: ['error', 'warn', 'info', 'debug'] },
    flag: 'log-level',
    variable: 'OUTRIDER_LOG_LEVEL',
    default: 'info',
    sentence: 'The least important lines that are logged',
  },
  metrics: {
    shape: { kind: 'switch' },
    flag: 'metrics',
    variable: 'OUTRIDER_METRICS',
    default: true,
    sentence: 'Whether metrics are given out; --no-metrics turns them off',
  },
  traceEndpoint: {
    shape: { kind: 'url', protocols: ['http:', 'https:'] },
    flag: 'trace-endpoint',
    variable: 'OTEL_EXPORTER_OTLP_ENDPOINT',
    sentence: 'The OpenTelemetry collector that traces are sent to (OTLP over HTTP); without it none are made',
  },
  traceSamplePermille: {
    shape: { kind: 'whole', min: 0, max: 1_000, unit: 'permille' },
    flag: 'trace-sample-permille',
    variable: 'OUTRIDER_TRACE_SAMPLE_PERMILLE',
    default: 1_000,
    sentence: 'How many of a thousand permits are traced, from the check-in to the decision',
  },
} as const satisfies SettingsTable;

/** The server as a program: its table, and `outrider.json` in the data folder unless another file is named. */
export const SERVER_PROGRAM: Program<typeof SERVER_SETTINGS> = {
  table: SERVER_SETTINGS,
  dataSetting: 'dataFolder',
  defaultFile: 'outrider.json',
  configVariable: 'OUTRIDER_CONFIG',
  variablePrefix: 'OUTRIDER_',
  // The command line's, the launcher's, the agent's and what the agent tells its launcher.
  foreignVariables: /^OUTRIDER_(SERVER|TOKEN|ROOT|PASSPHRASE|HARDWARE_ID|AGENT_\w+)$/,
  further: { help: 'switch', version: 'switch' },
};

export interface ServerSettings extends ProgramSettings<typeof SERVER_SETTINGS> {
  /** The database URL, wherever it came from; undefined: a PostgreSQL of our own. A secret. */
  readonly databaseUrl: string | undefined;
}

/** Reads the server's settings, and the file that holds the database URL. */
export function readServerSettings(start: ProgramStart): Result<ServerSettings, ProgramFault> {
  const settings = readProgramSettings(SERVER_PROGRAM, start);
  if (!settings.ok) return settings;
  const { values, origins } = settings.value;
  const rankOf = (name: 'databaseUrl' | 'databaseUrlFile') =>
    values[name] === undefined ? -1 : ORIGIN_RANK[origins[name].kind];
  const [urlRank, fileRank] = [rankOf('databaseUrl'), rankOf('databaseUrlFile')];
  if (urlRank >= 0 && urlRank === fileRank) {
    const other = placeOf(origins.databaseUrlFile, 'databaseUrlFile');
    const sentence = `${placeOf(origins.databaseUrl, 'databaseUrl')} and ${lowered(other)} both name a database; take one of them out`;
    return err({ code: 'setting-malformed', sentence });
  }
  if (values.databaseUrlFile === undefined || urlRank > fileRank) {
    return ok({ ...settings.value, databaseUrl: values.databaseUrl });
  }
  const text = loadSecretFile(values.databaseUrlFile);
  if (!text.ok) return text;
  if (/^postgres(ql)?:\/\/\S+$/.test(text.value)) return ok({ ...settings.value, databaseUrl: text.value });
  const sentence = `The file ${values.databaseUrlFile} holds a text of ${text.value.length} characters, allowed is one line that begins with postgres:// or postgresql://`;
  return err({ code: 'setting-malformed', sentence });
}

function lowered(sentence: string): string {
  return sentence.slice(0, 1).toLowerCase() + sentence.slice(1);
}
