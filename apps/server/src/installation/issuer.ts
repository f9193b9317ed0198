// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { systemCivilClock } from '@outrider/adapters/shared/clock';
import { digestText } from '@outrider/adapters/shared/digest';
import { readTextIfPresent, writeFileDurably } from '@outrider/adapters/shared/files';
import { discoverIssuer, isLoopback } from '@outrider/adapters/shared/oidc/issuer';
import { createTokenKey, type TokenSigner, tokenSigner } from '@outrider/adapters/shared/oidc/signing-key';
import { tokenVerifier } from '@outrider/adapters/shared/oidc/verify-token';
import { randomSecret } from '@outrider/adapters/shared/random';
import { loadSecretFile } from '@outrider/adapters/shared/settings/config-file';
import type { InstallationSettings } from '@outrider/domain/decision/server-store';
import type { MachineClock } from '@outrider/domain/kernel/clock';
import { parseRoleGrant } from '@outrider/domain/trust/role-grants';
import { StartError } from '../exit-codes.ts';
import { DEVELOPMENT_ISSUER_PATH } from '../http/development-issuer-routes.ts';
import type { IssuerSetup } from '../http/sign-in-listener.ts';
import type { Log } from '../ports.ts';
import { developmentIssuer } from '../trust/development-issuer/issuer.ts';
import { DEVELOPMENT_GRANTS } from '../trust/development-issuer/people.ts';
import type { PeopleSettings } from '../trust/people-settings.ts';
import { CALLBACK_PATH, signIn } from '../trust/sign-in.ts';
import type { Flags } from './flags.ts';
import { SECRET_MODE, type SecretsPlace, settleToken } from './secrets.ts';

/** Under which the key lies that seals attempts to sign in: servers of one installation finish each other's. */
const SEAL_SETTING = 'sign-in-seal-key';

/**
 * How people sign in: at the issuer that was named, else, where nobody but this machine can ask, at the development issuer.
 * Undefined: at none, and the administrator's token and service tokens are the only ways in. Throws StartError.
 */
export async function settleIssuer(
  flags: Flags,
  world: {
    readonly secrets: SecretsPlace;
    readonly installation: InstallationSettings;
    readonly machineClock: MachineClock;
    readonly log: Log;
    /** From `ownIssuer`; undefined: none is named. */
    readonly own?: PeopleSettings | undefined;
  },
): Promise<((origin: string) => IssuerSetup) | undefined> {
  const { installation, machineClock, log, own } = world;
  if (own === undefined && !flags.signIn.hasDevelopmentIssuer) return undefined;
  const sealKey = await installation.settleSetting(SEAL_SETTING, randomSecret());
  const civilClock = systemCivilClock;
  if (own !== undefined) return (origin) => setupOf(own, origin);
  if (!isLoopback({ hostname: flags.host })) {
    const message = `No --oidc-issuer is named, and on ${flags.host} there is no development issuer: people come in with the token of the administrator and service tokens alone`;
    log.warn({ stage: 'server', code: 'issuer-absent' }, message);
    return undefined;
  }
  const passwordDigest = await settleToken(world.secrets, 'development-password');
  log.hide?.([passwordDigest]);
  const signer = await settleTokenKey(world.secrets);
  const message = 'People sign in at the development issuer: for trying out, not for production';
  log.info({ stage: 'server', code: 'development-issuer' }, message);
  return (origin) => {
    const settings = developmentSettings(flags, `${origin}${DEVELOPMENT_ISSUER_PATH}`);
    const development = developmentIssuer({
      ...{ issuer: settings.issuer, cliClientId: settings.cliClientId, passwordDigest, digestText, signer, civilClock },
      consoleClient: { clientId: settings.clientId, redirectUri: `${origin}${CALLBACK_PATH}` },
    });
    return { ...setupOf(settings, origin), developmentIssuer: development };
  };

  function setupOf(settings: PeopleSettings, origin: string): IssuerSetup {
    const discovered = discoverIssuer(settings, machineClock);
    const { clientId, cliClientId } = settings;
    const terms = { ...settings, audiences: [clientId, cliClientId, ...settings.audiences] };
    const verifier = tokenVerifier(discovered, terms, machineClock);
    const ports = { settings, discovered, verifier };
    return { ...ports, signIn: signIn({ ...ports, origin, sealKey, civilClock }) };
  }
}

/** What was said of an issuer of one's own, checked before anything is started. Throws StartError. */
export function ownIssuer({ signIn: said }: Flags): PeopleSettings | undefined {
  const { issuer } = said;
  if (issuer === undefined) return undefined;
  const { hostname, protocol } = new URL(issuer);
  if (protocol === 'http:' && !isLoopback({ hostname })) {
    throw new StartError(
      'usage',
      `The issuer is ${issuer}; other machines are reached by https alone: whoever sits in between could be anybody`,
    );
  }
  const grants = said.roles.map((text) => {
    const grant = parseRoleGrant(text);
    if (grant.ok) return grant.value;
    throw new StartError(
      'usage',
      `--oidc-role is ${grant.error.seen}, allowed is <value>=<role> and perhaps @customer:<name>,region:<name>`,
    );
  });
  if (grants.length === 0) {
    throw new StartError(
      'usage',
      'An issuer is named and nobody has a role: name what grants one with --oidc-role, for example fleet-ops=operator',
    );
  }
  return { ...clientsOf(said), issuer, ...secretIn(said.clientSecretFile), grants, isDevelopment: false };
}

function developmentSettings({ signIn: said }: Flags, issuer: string): PeopleSettings {
  const own = { personClaim: 'sub', rolesClaim: 'groups', algorithms: ['ES256'], scope: 'openid profile' };
  return { ...clientsOf(said), ...own, issuer, grants: DEVELOPMENT_GRANTS, isDevelopment: true };
}

function clientsOf(said: Flags['signIn']) {
  const { clientId, cliClientId, audiences, scope, personClaim, rolesClaim, algorithms, clockSkewS } = said;
  return { clientId, cliClientId, audiences, scope, personClaim, rolesClaim, algorithms, clockSkewS };
}

function secretIn(path: string | undefined): { readonly clientSecret?: string } {
  if (path === undefined) return {};
  const text = loadSecretFile(path);
  if (!text.ok) throw new StartError('usage', text.error.sentence);
  return { clientSecret: text.value.trim() };
}

/** The key of the development issuer outlives the process, so that a sign-in of the command line does. */
async function settleTokenKey({ folder }: SecretsPlace): Promise<TokenSigner> {
  const path = join(folder, 'development-issuer-key.json');
  const stored = await readTextIfPresent(path);
  const text = stored ?? (await createTokenKey());
  if (stored === undefined) await writeFileDurably(path, `${text}\n`, SECRET_MODE);
  try {
    return await tokenSigner(text);
  } catch (cause) {
    throw new StartError('file-malformed', `The key ${path} is damaged; remove it, and a new one is made`, cause);
  }
}
