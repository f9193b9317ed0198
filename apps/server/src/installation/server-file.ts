// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { readTextIfPresent, removeDurably, writeFileDurably } from '@outrider/adapters/shared/files';
import { StartError } from '../exit-codes.ts';

/** Where a running server says how to reach it: `{"url": …, "tlsUrl": …, "pid": …}`. */
export function serverFile(dataFolder: string) {
  const path = join(dataFolder, 'server.json');
  return {
    /** Throws StartError: data-folder-in-use, when the server of an earlier start still answers. */
    async refuseSecondServer(): Promise<void> {
      const url = urlIn(await readTextIfPresent(path));
      if (url === undefined || !(await answers(url))) return;
      const detail = `A server runs on ${dataFolder} already, at ${url}; stop it first, or choose another --data`;
      throw new StartError('data-folder-in-use', detail);
    },
    write: ({ url, tlsUrl }: { readonly url: string; readonly tlsUrl?: string }, pid: number) =>
      writeFileDurably(path, `${JSON.stringify({ url, tlsUrl, pid })}\n`),
    remove: () => removeDurably(path),
  };
}

/** A live server on this machine answers at once. */
const ANSWER_MS = 1_000;

function urlIn(text: string | undefined): string | undefined {
  const found = /"url":"(http:\/\/[^"]+)"/.exec(text ?? '');
  return found?.[1];
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/health/live`, { signal: AbortSignal.timeout(ANSWER_MS) });
    return response.ok;
  } catch {
    // Nobody listens there any more: the file was left by a server that was killed.
    return false;
  }
}
