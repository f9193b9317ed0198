// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { readServerSettings, SERVER_SETTINGS } from '@outrider/adapters/server/server-settings';
import type { ProgramStart, SettingNotice } from '@outrider/adapters/shared/settings/program-settings';
import { settingsUsage } from '@outrider/adapters/shared/settings/settings-page';
import { type ShownSetting, shownSettings } from '@outrider/adapters/shared/settings/shown-settings';
import { StartError } from '../exit-codes.ts';
import type { ConnectionRules } from '../http/connection-gate.ts';
import type { ServerRole } from '../ports.ts';

/** What the server is started with: flags over environment over configuration file, every value checked. */
export interface Flags {
  readonly role: ServerRole;
  readonly dataFolder: string;
  /** Of tokens, permit key and roles. */
  readonly secretsFolder: string;
  readonly blobFolder: string;
  /** A secret; undefined: notices go through the database. */
  readonly noticesUrl: string | undefined;
  /** 0: any free one. */
  readonly port: number;
  readonly host: string;
  /** Where others reach it, through a proxy. */
  readonly publicUrl: string | undefined;
  readonly ddiTenant: string;
  /** Where a terminator of TLS hands over requests; undefined: none is trusted. */
  readonly terminatorSocket: string | undefined;
  /** For mutual TLS, where there is a CA. */
  readonly tlsPort: number;
  readonly connections: ConnectionRules;
  /** How long a device's certificate is good for; it is renewed at half time. */
  readonly certificateLifeDays: number;
  readonly clock: 'wall' | 'conducted';
  /** Who must sign releases; a file that need not be there yet, unless it was named. */
  readonly releaseRoleFile: string;
  readonly isReleaseRoleNamed: boolean;
  /** A secret; undefined: a PostgreSQL is started in the data folder. */
  readonly databaseUrl: string | undefined;
  readonly databaseConnectionsMax: number;
  /** Before the time to stop begins. */
  readonly drainDelayMs: number;
  readonly drainTimeoutMs: number;
  readonly logLevel: 'error' | 'warn' | 'info' | 'debug';
  readonly hasMetrics: boolean;
  /** The OpenTelemetry collector; undefined: no traces. */
  readonly traceEndpoint: string | undefined;
  readonly traceSamplePermille: number;
  readonly signIn: SignInFlags;
  /** What works and should be looked at, to be logged at the start. */
  readonly notices: readonly SettingNotice[];
  /** Every setting as it may be logged, and where it was said. */
  readonly shown: readonly ShownSetting[];
}

/** How people sign in. */
export interface SignInFlags {
  readonly issuer: string | undefined;
  readonly clientId: string;
  readonly clientSecretFile: string | undefined;
  readonly cliClientId: string;
  readonly audiences: readonly string[];
  readonly scope: string;
  readonly personClaim: string;
  readonly rolesClaim: string;
  readonly roles: readonly string[];
  readonly algorithms: readonly string[];
  readonly clockSkewS: number;
  readonly hasDevelopmentIssuer: boolean;
}

export const USAGE = `Usage: server --data <path> [flags]
${settingsUsage(SERVER_SETTINGS, {
  '--config <path>': 'The configuration file (default: outrider.json in the data folder, if it is there)',
  '--help': 'Prints this',
  '--version': 'Prints the version',
})}
A flag wins over the environment, the environment over the file; see docs/configuration.md.
Environment: DATABASE_URL for a PostgreSQL of your own; without it one is started in the data folder
`;

/** Reads the settings, or what else was asked for. Throws StartError: usage. */
export function readStart(start: ProgramStart): Flags | 'help' | 'version' {
  const asked = (['help', 'version'] as const).find((flag) => start.parameters.includes(`--${flag}`));
  return asked ?? readFlags(start.parameters, start);
}

/** Reads the settings. Throws StartError: usage. */
export function readFlags(
  parameters: readonly string[],
  { environment, workingFolder }: Omit<ProgramStart, 'parameters'> = { environment: {}, workingFolder: '.' },
): Flags {
  const read = readServerSettings({ parameters, environment, workingFolder });
  if (!read.ok) throw new StartError('usage', read.error.sentence);
  const { values, notices, databaseUrl } = read.value;
  const { dataFolder, releaseRoleFile, metrics, ...rest } = values;
  const secretsFolder = rest.secretsFolder ?? dataFolder;
  refuseLoneRole({ ...rest, databaseUrl });
  return {
    role: rest.role,
    dataFolder,
    secretsFolder,
    blobFolder: rest.blobFolder ?? join(dataFolder, 'blobs'),
    noticesUrl: rest.noticesUrl,
    port: rest.port,
    host: rest.host,
    publicUrl: rest.publicUrl,
    ddiTenant: rest.ddiTenant,
    terminatorSocket: rest.terminatorSocket,
    tlsPort: rest.tlsPort,
    connections: {
      perAddressMax: rest.connectionsPerAddressMax,
      proxies: rest.proxyProtocolFrom,
      uncapped: rest.connectionsUncappedFrom,
    },
    certificateLifeDays: rest.certificateLifeDays,
    clock: rest.clock,
    releaseRoleFile: releaseRoleFile ?? join(secretsFolder, 'release-role.json'),
    isReleaseRoleNamed: releaseRoleFile !== undefined,
    databaseUrl,
    databaseConnectionsMax: rest.databaseConnectionsMax,
    drainDelayMs: rest.drainDelayMs,
    drainTimeoutMs: rest.drainTimeoutMs,
    logLevel: rest.logLevel,
    hasMetrics: metrics,
    traceEndpoint: rest.traceEndpoint,
    traceSamplePermille: rest.traceSamplePermille,
    signIn: {
      issuer: rest.oidcIssuer,
      clientId: rest.oidcClientId,
      clientSecretFile: rest.oidcClientSecretFile,
      cliClientId: rest.oidcCliClientId,
      audiences: rest.oidcAudience,
      scope: rest.oidcScope,
      personClaim: rest.oidcPersonClaim,
      rolesClaim: rest.oidcRolesClaim,
      roles: rest.oidcRole,
      algorithms: rest.oidcAlgorithm,
      clockSkewS: rest.oidcClockSkewS,
      hasDevelopmentIssuer: rest.developmentIssuer,
    },
    notices,
    shown: shownSettings(SERVER_SETTINGS, read.value),
  };
}

/** Part of an installation needs what the parts share. Throws StartError: usage. */
function refuseLoneRole(said: {
  readonly role: ServerRole;
  readonly databaseUrl: string | undefined;
  readonly clock: Flags['clock'];
}): void {
  const { role, databaseUrl, clock } = said;
  if (role === 'all') return;
  if (databaseUrl === undefined) {
    const detail = `The role is ${role} and no database is named; give the one that all servers share, with DATABASE_URL or --database-url-file`;
    throw new StartError('usage', detail);
  }
  if (clock === 'conducted') {
    const detail = `The role is ${role} and the clock conducted, which one process alone can step; leave out --clock, or take --role all`;
    throw new StartError('usage', detail);
  }
}
