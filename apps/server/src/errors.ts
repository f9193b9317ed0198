// SPDX-License-Identifier: Apache-2.0
import type { Json } from '@outrider/domain/kernel/canonical-json';
import { type Err, err } from '@outrider/domain/kernel/result';
import type { ProblemCode } from '@outrider/protocol/kernel/problem';

/**
 * Why a command or a query was refused. Codes and their HTTP status stand in one table, `protocol/kernel/problem.ts`;
 * `detail` is one sentence: what happened, the value seen, the value allowed, what to do.
 */
export interface CommandError {
  readonly code: ProblemCode;
  readonly detail: string;
  readonly fields?: Readonly<Record<string, Json | undefined>>;
}

/** A refusal as a value. */
export function refuse(code: ProblemCode, detail: string, fields?: CommandError['fields']): Err<CommandError> {
  return err({ code, detail, ...(fields === undefined ? {} : { fields }) });
}
