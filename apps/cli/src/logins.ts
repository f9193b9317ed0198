// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { monotonicClock, systemCivilClock } from '@outrider/adapters/shared/clock';
import { createFolder, readTextIfPresent, writeFileDurably } from '@outrider/adapters/shared/files';
import { refreshSignIn } from '@outrider/adapters/shared/oidc/code-flow';
import { discoverIssuer } from '@outrider/adapters/shared/oidc/issuer';
import { parseText } from '@outrider/protocol/kernel/json-text';
import { listOf, optional, record, text, whole } from '@outrider/protocol/kernel/reader';
import { CommandFailure } from './failure.ts';
import type { World } from './world.ts';

/** Somebody who is signed in at a server: what `outrider login` keeps for the commands after it. */
export interface Login {
  /** Of the server, without a slash at its end. */
  readonly url: string;
  readonly issuer: string;
  readonly clientId: string;
  readonly clockSkewS: number;
  readonly idToken: string;
  readonly refreshToken?: string;
  /** The wall clock, in milliseconds since 1970. */
  readonly expiresAtMs: number;
}

const token = text({ charactersMin: 1, charactersMax: 32_768 });
const line = text({ charactersMin: 1, charactersMax: 2_048 });

const loginsFile = record<{ readonly schema: number; readonly logins: readonly Login[] }>({
  schema: whole({ min: 1 }),
  logins: listOf(
    record<Login>({
      url: line,
      issuer: line,
      clientId: line,
      clockSkewS: whole({ min: 0 }),
      idToken: token,
      refreshToken: optional(token),
      expiresAtMs: whole({ min: 0 }),
    }),
    { countMax: 1_000 },
  ),
});

/** Some servers with tokens of some kilobytes. */
const FILE_BYTES_MAX = 4_194_304;
/** A token that ends in the middle of a command is no use. */
const AHEAD_MS = 30_000;

/**
 * The token of whoever is signed in at a server, renewed where the issuer lets us; undefined: nobody is. A login that has ended
 * ends the command: nobody must become the administrator by waiting.
 */
export async function tokenOfLogin(world: World, url: string): Promise<string | undefined> {
  const logins = await loadLogins(world);
  const login = logins.find((one) => one.url === url);
  if (login === undefined) return undefined;
  if (login.expiresAtMs - AHEAD_MS > systemCivilClock()) return login.idToken;
  const renewed = await renewedLogin(login);
  if (renewed === undefined) {
    const sentence = `The sign-in at ${url} has ended; run \`outrider login\` again, or \`outrider logout\` to go on without`;
    throw new CommandFailure('refused', sentence, { code: 'login-expired' });
  }
  await storeLogin(world, renewed);
  return renewed.idToken;
}

async function renewedLogin(login: Login): Promise<Login | undefined> {
  if (login.refreshToken === undefined) return undefined;
  const renewed = await refreshSignIn(discoverIssuer(login, monotonicClock()), login.refreshToken);
  if (renewed.ok) return { ...login, ...renewed.value, expiresAtMs: expiryOf(renewed.value.idToken) };
  if (renewed.error.code === 'issuer-unreachable') {
    throw new CommandFailure('unreachable', renewed.error.detail, { code: renewed.error.code });
  }
  return undefined;
}

/** Keeps a login in place of the former one at the same server. */
export async function storeLogin(world: World, login: Login): Promise<void> {
  const others = (await loadLogins(world)).filter((one) => one.url !== login.url);
  await storeLogins(world, [...others, login]);
}

/** Forgets the login at a server; false: there was none. */
export async function forgetLogin(world: World, url: string): Promise<boolean> {
  const logins = await loadLogins(world);
  const others = logins.filter((one) => one.url !== url);
  if (others.length < logins.length) await storeLogins(world, others);
  return others.length < logins.length;
}

/** When a token ends, by its own word: the server is who judges it. */
export function expiryOf(idToken: string): number {
  const part = idToken.split('.')[1] ?? '';
  try {
    const claims: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
    const exp = typeof claims === 'object' && claims !== null && 'exp' in claims ? claims.exp : undefined;
    return typeof exp === 'number' ? Math.max(0, Math.floor(exp * 1_000)) : 0;
  } catch (cause) {
    if (cause instanceof SyntaxError) return 0;
    throw cause;
  }
}

async function loadLogins(world: World): Promise<readonly Login[]> {
  const path = loginsPath(world);
  const content = path === undefined ? undefined : await readTextIfPresent(path);
  if (content === undefined) return [];
  const parsed = parseText(content, { noun: 'logins', bytesMax: FILE_BYTES_MAX, reader: loginsFile });
  if (parsed.ok) return parsed.value.logins;
  throw new CommandFailure('failed', `The file ${path} is damaged; remove it, and sign in again`, {
    code: 'file-malformed',
  });
}

async function storeLogins(world: World, logins: readonly Login[]): Promise<void> {
  const path = loginsPath(world);
  if (path === undefined) {
    const sentence = 'There is no home folder to keep the sign-in in; set HOME, or OUTRIDER_LOGINS to a file';
    throw new CommandFailure('failed', sentence);
  }
  await createFolder(join(path, '..'), 0o700);
  await writeFileDurably(path, `${JSON.stringify({ schema: 1, logins }, undefined, 2)}\n`, 0o600);
}

function loginsPath({ environment }: World): string | undefined {
  const { OUTRIDER_LOGINS: named, XDG_CONFIG_HOME: config, HOME: home } = environment;
  if (named) return named;
  if (config) return join(config, 'outrider', 'logins.json');
  return home ? join(home, '.config', 'outrider', 'logins.json') : undefined;
}
