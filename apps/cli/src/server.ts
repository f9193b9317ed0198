// SPDX-License-Identifier: Apache-2.0
import { type Answer, parseAnswer } from './answer.ts';
import { type ConnectionFlags, findServer } from './connection.ts';
import { type ManagementClient, managementClient } from './management-client.ts';
import type { World } from './world.ts';

/** The server that the flags name. */
export async function connect(world: World, flags: ConnectionFlags): Promise<ManagementClient> {
  return managementClient(world, await findServer(world, flags));
}

/** Asks the server that the flags name one question. */
export async function ask(world: World, flags: ConnectionFlags, path: string): Promise<Answer> {
  const client = await connect(world, flags);
  return parseAnswer(await client.ask({ method: 'GET', path }));
}

/** Tells the server that the flags name to do something; fields without a value are left out. */
export async function tell(world: World, flags: ConnectionFlags, path: string, body: object): Promise<Answer> {
  const client = await connect(world, flags);
  return parseAnswer(await client.ask({ method: 'POST', path, json: JSON.stringify(body) }));
}
