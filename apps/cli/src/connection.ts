// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { readTextIfPresent } from '@outrider/adapters/shared/files';
import { parseText } from '@outrider/protocol/kernel/json-text';
import { record, text } from '@outrider/protocol/kernel/reader';
import { label } from '@outrider/protocol/kernel/values';
import type { Command } from 'commander';
import { CommandFailure, usageFailure } from './failure.ts';
import { fileFailure, pathOf } from './files.ts';
import { tokenOfLogin } from './logins.ts';
import type { World } from './world.ts';

/** Where the server is and how to be let in. */
export interface Connection {
  /** Without a slash at its end. */
  readonly url: string;
  readonly token: string;
  /** Who this says it is, for the administrator's token alone: the server believes nobody else. */
  readonly author?: string;
}

export interface ConnectionFlags {
  readonly data?: string;
  readonly server?: string;
  readonly token?: string;
}

/** Adds the flags that name a server to a verb. */
export function withConnection(command: Command): Command {
  return command
    .option(
      '--data <folder>',
      'data folder of a server on this machine (default: OUTRIDER_DATA, else .outrider in the checkout or, installed, in this folder)',
    )
    .option('--server <url>', 'a server elsewhere, for example http://10.0.0.5:8440 (default: OUTRIDER_SERVER)')
    .option(
      '--token <token>',
      'bearer token (default: OUTRIDER_TOKEN, else your login, else the administrator token of the data folder)',
    );
}

/** The data folder: --data, else OUTRIDER_DATA, else `.outrider` in the checkout or, installed, in the working folder. */
export function dataFolder(world: World, flags: { readonly data?: string }): string {
  const named = flags.data ?? world.environment.OUTRIDER_DATA;
  if (named === '') throw usageFailure('The data folder is an empty text; name it with --data or OUTRIDER_DATA');
  return pathOf(world, named ?? join(world.root, '.outrider'));
}

/** Finds the server: --server with a token, or the data folder in which a running server left its address and token. */
export async function findServer(world: World, flags: ConnectionFlags): Promise<Connection> {
  const server = flags.server ?? (flags.data === undefined ? world.environment.OUTRIDER_SERVER : undefined);
  if (server === undefined) return serverOfFolder(world, flags);
  if (flags.data !== undefined)
    throw usageFailure('Both --data and --server were given; one of them says where the server is');
  const url = parseServerUrl(server);
  const token = givenToken(world, flags) ?? (await tokenOfLogin(world, url));
  if (token === undefined) {
    throw usageFailure(
      `Nobody is signed in at ${server}; run \`outrider login --server ${server}\`, add --token or set OUTRIDER_TOKEN`,
    );
  }
  return { url, token, ...authorOf(world) };
}

/** The address of the server that the flags name, whoever asks. */
export async function serverAddress(world: World, flags: ConnectionFlags): Promise<string> {
  const server = flags.server ?? (flags.data === undefined ? world.environment.OUTRIDER_SERVER : undefined);
  return server === undefined ? addressOfFolder(dataFolder(world, flags)) : parseServerUrl(server);
}

async function serverOfFolder(world: World, flags: ConnectionFlags): Promise<Connection> {
  const folder = dataFolder(world, flags);
  const url = await addressOfFolder(folder);
  const proof = givenToken(world, flags) ?? (await tokenOfLogin(world, url));
  if (proof !== undefined) return { url, token: proof, ...authorOf(world) };
  const token = await readIfPresent('admin token', join(folder, 'admin-token'));
  if (token === undefined) {
    throw new CommandFailure(
      'failed',
      `There is no admin-token in ${folder}; start the server again with \`outrider up\`, which makes one`,
    );
  }
  return { url, token: token.trim(), ...authorOf(world) };
}

async function addressOfFolder(folder: string): Promise<string> {
  const address = await readIfPresent('server address', join(folder, 'server.json'));
  if (address === undefined) {
    throw new CommandFailure(
      'unreachable',
      `No server has run in ${folder}; start one with \`outrider up\`, or name it with --data or --server`,
    );
  }
  const parsed = parseText(address, { noun: 'server-address', bytesMax: ADDRESS_BYTES_MAX, reader: addressFile });
  if (parsed.ok) return parseServerUrl(parsed.value.url);
  throw new CommandFailure(
    'failed',
    `${join(folder, 'server.json')} is damaged; start the server again with \`outrider up\``,
  );
}

/** An empty variable is none. The end of the line that a file or a secret store adds is no part of a token. */
function givenToken(world: World, flags: ConnectionFlags): string | undefined {
  const token = (flags.token ?? world.environment.OUTRIDER_TOKEN)?.trim();
  if (token === undefined || (token === '' && flags.token === undefined)) return undefined;
  if (TOKEN.test(token)) return token;
  throw usageFailure(
    `The token is a text of ${token.length} characters, allowed is one line of visible ASCII without spaces; look at --token or OUTRIDER_TOKEN`,
  );
}

/** What fits into a header; anything else `fetch` would refuse with the token in its message. */
const TOKEN = /^[!-~]+$/;

/** The name of the person's account; the server takes it for nothing but the administrator's token. */
function authorOf(world: World): { readonly author?: string } {
  const account = label(world.environment.USER ?? world.environment.LOGNAME);
  return { author: account.ok ? account.value : 'cli' };
}

/** A URL and a process id. */
const ADDRESS_BYTES_MAX = 4_096;
const addressFile = record<{ readonly url: string }>({ url: text({ charactersMin: 1, charactersMax: 1_024 }) });

function parseServerUrl(server: string): string {
  const url = URL.parse(server);
  // A password may stand in it, so it is not repeated.
  if (url === null ? server.includes('@') : url.username !== '' || url.password !== '') {
    throw usageFailure(
      'The server is a URL with a user or a password in it, which let nobody in; leave them out, and use --token or `outrider login`',
    );
  }
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw usageFailure(
      `The server is ${server}, allowed is a URL with http or https, for example http://127.0.0.1:8440`,
    );
  }
  return url.href.replace(/\/+$/, '');
}

async function readIfPresent(noun: string, path: string): Promise<string | undefined> {
  try {
    return await readTextIfPresent(path);
  } catch (cause) {
    throw fileFailure(cause, noun, path, 'read');
  }
}
