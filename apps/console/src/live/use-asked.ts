// SPDX-License-Identifier: Apache-2.0
import type { Result } from '@outrider/domain/kernel/result';
import { useEffect, useState } from 'react';
import type { World } from '../world.ts';
import type { Management } from './management.ts';

/** What was asked of the server, again and again while somebody looks. The last answer stays when the next one fails. */
export interface Asked<T> {
  readonly value?: T;
  /** Why there is nothing newer, in a sentence. */
  readonly fault?: string;
}

export interface Question<T> {
  readonly world: World;
  readonly management: Management;
  readonly path: string;
  readonly parse: (body: string) => Result<T, unknown>;
  readonly everyMs: number;
}

export function useAsked<T>({ world, management, path, parse, everyMs }: Question<T>): Asked<T> {
  const [asked, setAsked] = useState<Asked<T>>({});
  useEffect(() => {
    let isGone = false;
    let takeBack = (): void => {};
    setAsked({});
    async function ask(): Promise<void> {
      const answer = await management.get(path);
      if (isGone) return;
      if (answer.kind === 'done') {
        const read = parse(answer.body);
        setAsked((before) =>
          read.ok ? { value: read.value } : { ...before, fault: 'The answer has another form; reload the page' },
        );
      } else {
        const fault = answer.kind === 'refused' ? answer.detail : 'The server does not answer';
        setAsked((before) => ({ ...before, fault }));
      }
      takeBack = world.after(everyMs, () => void ask());
    }
    void ask();
    return () => {
      isGone = true;
      takeBack();
    };
  }, [world, management, path, parse, everyMs]);
  return asked;
}
