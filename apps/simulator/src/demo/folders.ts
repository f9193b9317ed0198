// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';

/** Where the demonstration keeps what: the server is given its own folder and no other. */
export interface DemoFolders {
  readonly root: string;
  /** The only one that the server is given. */
  readonly server: string;
  /** What is true and what no server may read. */
  readonly world: string;
  /** The keys of the two groups that sign releases: they are on no server either. */
  readonly keys: string;
  readonly images: string;
  readonly agents: string;
  readonly logs: string;
}

/** The folders below the demonstration's data folder. */
export function demoFolders(root: string): DemoFolders {
  return {
    root,
    server: join(root, 'server'),
    world: join(root, 'world'),
    keys: join(root, 'keys'),
    images: join(root, 'images'),
    agents: join(root, 'agents'),
    logs: join(root, 'logs'),
  };
}
