// SPDX-License-Identifier: Apache-2.0
import { monotonicClock } from '@outrider/adapters/shared/clock';
import {
  beginSignIn,
  finishSignIn,
  type IssuedTokens,
  signInByDeviceCode,
} from '@outrider/adapters/shared/oidc/code-flow';
import { type DiscoveredIssuer, discoverIssuer } from '@outrider/adapters/shared/oidc/issuer';
import type { Result } from '@outrider/domain/kernel/result';
import { parseText } from '@outrider/protocol/kernel/json-text';
import { record, text, whole } from '@outrider/protocol/kernel/reader';
import type { Command } from 'commander';
import { cellAt, jsonAt, listAt } from '../answer.ts';
import { type ConnectionFlags, serverAddress, withConnection } from '../connection.ts';
import { CommandFailure } from '../failure.ts';
import { expiryOf, forgetLogin, storeLogin } from '../logins.ts';
import { openLoopbackRedirect } from '../loopback-redirect.ts';
import { type OutputFlags, show } from '../output.ts';
import { PATHS } from '../paths.ts';
import { ask } from '../server.ts';
import type { World } from '../world.ts';

/** `outrider login`, `logout` and `whoami`: a person, with a name and roles of their own. */
export function loginNouns(program: Command, world: World): void {
  withConnection(program.command('login'))
    .description('sign in as a person; the commands after it are yours and not the administrator’s')
    .option('--device-code', 'where there is no browser: type a code at another device')
    .action((flags: LoginFlags) => login(world, flags));
  withConnection(program.command('logout'))
    .description('forget the sign-in of this account at the server')
    .action((flags: ConnectionFlags) => logout(world, flags));
  withConnection(program.command('whoami'))
    .description('who the server takes you for: roles, customers and regions')
    .option('--json', 'print JSON')
    .action((flags: ConnectionFlags & OutputFlags) => whoami(world, flags));
}

interface LoginFlags extends ConnectionFlags {
  readonly deviceCode?: true;
}

interface SignInSettings {
  readonly issuer: string;
  readonly clientId: string;
  readonly scope: string;
  readonly clockSkewS: number;
}

/** A person needs some minutes at the issuer, with a second factor and a telephone. */
const WAIT_MS = 600_000;

async function login(world: World, flags: LoginFlags): Promise<void> {
  const url = await serverAddress(world, flags);
  const settings = await settingsOf(world, url);
  const issuer = discoverIssuer(settings, monotonicClock());
  const tokens =
    flags.deviceCode === true ? await byDeviceCode(world, issuer, settings) : await byBrowser(world, issuer, settings);
  if (!tokens.ok) {
    const exit = tokens.error.code === 'issuer-unreachable' ? 'unreachable' : 'refused';
    throw new CommandFailure(exit, tokens.error.detail, { code: tokens.error.code });
  }
  const { issuer: name, clientId, clockSkewS } = settings;
  const expiresAtMs = expiryOf(tokens.value.idToken);
  await storeLogin(world, { url, issuer: name, clientId, clockSkewS, ...tokens.value, expiresAtMs });
  world.log(`Signed in at ${url} until ${new Date(expiresAtMs).toISOString()}; \`outrider whoami\` shows as whom`);
}

type Signed = Result<IssuedTokens, { readonly code: string; readonly detail: string }>;

async function byBrowser(world: World, issuer: DiscoveredIssuer, { scope }: SignInSettings): Promise<Signed> {
  const loopback = await openLoopbackRedirect();
  const stop = world.interruption();
  const giveUp = AbortSignal.any([stop, AbortSignal.timeout(WAIT_MS)]);
  giveUp.addEventListener('abort', () => loopback.close());
  try {
    const begun = await beginSignIn(issuer, { redirectUri: loopback.redirectUri, scope });
    if (!begun.ok) return begun;
    world.log(`Open this address in a browser of this machine:\n${begun.value.url}`);
    const answer = await loopback.answer;
    if (answer !== undefined) return await finishSignIn(issuer, answer, begun.value.attempt);
    throw new CommandFailure('refused', 'Nobody has signed in; run `outrider login` again', {
      code: 'sign-in-abandoned',
    });
  } finally {
    loopback.close();
  }
}

async function byDeviceCode(world: World, issuer: DiscoveredIssuer, { scope }: SignInSettings): Promise<Signed> {
  return await signInByDeviceCode(issuer, {
    scope,
    signal: AbortSignal.any([world.interruption(), AbortSignal.timeout(WAIT_MS)]),
    show: (address, code) => world.log(`Open ${address} on any device and type the code ${code}`),
  });
}

/** What the server says about signing in, before anybody is known to it. */
async function settingsOf(world: World, url: string): Promise<SignInSettings> {
  const answer = await fetched(world, `${url}/sign-in/settings`);
  const parsed = parseText(answer, { noun: 'sign-in-settings', bytesMax: SETTINGS_BYTES_MAX, reader: settingsReader });
  if (parsed.ok) return parsed.value;
  const sentence = `The server ${url} has no issuer at which people sign in; start it with --oidc-issuer, or use a service token with --token`;
  throw new CommandFailure('refused', sentence, { code: 'issuer-absent' });
}

const SETTINGS_BYTES_MAX = 65_536;
const line = text({ charactersMin: 1, charactersMax: 2_048 });
const settingsReader = record<SignInSettings>({
  issuer: line,
  clientId: line,
  scope: line,
  clockSkewS: whole({ min: 0 }),
});

async function fetched(world: World, url: string): Promise<string> {
  try {
    return await (await world.fetch(url)).text();
  } catch (cause) {
    throw new CommandFailure('unreachable', `No server answers at ${url}; name another with --data or --server`, {
      code: 'server-unreachable',
      cause,
    });
  }
}

async function logout(world: World, flags: ConnectionFlags): Promise<void> {
  const url = await serverAddress(world, flags);
  const isForgotten = await forgetLogin(world, url);
  world.log(isForgotten ? `Signed out at ${url}` : `Nobody was signed in at ${url}`);
}

async function whoami(world: World, flags: ConnectionFlags & OutputFlags): Promise<void> {
  const { text: json, value } = await ask(world, flags, PATHS.session);
  show(world, flags, json, () => [
    ['person', cellAt(value, 'personId')],
    ['name', cellAt(value, 'name')],
    ['roles', listAt(value, 'roles').join(', ')],
    ['customers', namesAt(value, 'reach.customers')],
    ['regions', namesAt(value, 'reach.regions')],
    ['by', cellAt(value, 'credential')],
  ]);
}

function namesAt(value: unknown, path: string): string {
  return jsonAt(value, path) === undefined ? 'all' : listAt(value, path).join(', ');
}
