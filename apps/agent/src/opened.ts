// SPDX-License-Identifier: Apache-2.0
import type { Result } from '@outrider/domain/kernel/result';
import { AgentEnd } from './exit-codes.ts';

/** What was opened. Throws AgentEnd: data-folder. */
export function opened<T>(result: Result<T, { readonly code: string; readonly detail: string }>): T {
  if (result.ok) return result.value;
  const { code, detail } = result.error;
  const whatToDo = code === 'not-provisioned' ? ' Give --factory-image, --factory-version and --factory-counter' : '';
  throw new AgentEnd('data-folder', `${detail}.${whatToDo}`);
}
