// SPDX-License-Identifier: Apache-2.0

import { logLines } from '@outrider/adapters/shared/log-lines';
import type { MachineClock } from '@outrider/domain/kernel/clock';
import type { Sha256 } from '@outrider/domain/kernel/ids';
import type { DigestText } from '@outrider/domain/trust/ports';
import pino, { type DestinationStream } from 'pino';
import type { Log, LogFields } from '../ports.ts';
import { redactLine } from './redact.ts';
import { type Repetition, repetitionGate } from './repetition.ts';
import { requestFields } from './request-context.ts';

export type LogLevel = 'error' | 'warn' | 'info' | 'debug';

/** The log of a program: one JSON object a line, without secrets, and without the same warning a thousand times. */
export interface ProgramLog extends Log {
  /** Writes how often lines were left out since they last were; to be called at the end. */
  flush(): void;
}

/** Writes lines of at least this level to `destination`: in production standard error, synchronously. */
export function createLog(options: {
  readonly level: LogLevel;
  readonly clock: MachineClock;
  readonly digestText: DigestText;
  /** Texts that must never be written, for example the password of the database. */
  readonly secrets?: readonly string[];
  readonly destination?: DestinationStream;
}): ProgramLog {
  const { level, clock, digestText, secrets = [], destination = logLines(STANDARD_ERROR) } = options;
  const hidden = new Set<Sha256>();
  const logger = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      // Names, not numbers: people read this too.
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: pino.stdSerializers.err, cause: pino.stdSerializers.err },
      mixin: requestFields,
      hooks: { streamWrite: (line) => redactLine(line, { secrets, hidden, digestText }) },
    },
    destination,
  );
  const gate = repetitionGate(clock);

  function write(severity: Repetition['severity'], fields: LogFields, message: string): void {
    for (const summary of gate.summaries()) tell(summary);
    const passing = gate.admit(severity, fields);
    if (passing !== undefined) logger[severity]({ ...fields, ...passing }, message);
  }

  function tell({ severity, fields, leftOut }: Repetition): void {
    logger[severity]({ ...fields, leftOut }, 'The same again and again: these lines were left out');
  }

  return {
    info: (fields, message) => write('info', fields, message),
    warn: (fields, message) => write('warn', fields, message),
    error: (fields, message) => write('error', fields, message),
    // Whoever sees it is there makes up its fields: absent, a request pays nothing for it.
    ...(level === 'debug' ? { debug: (fields: LogFields, message: string) => logger.debug(fields, message) } : {}),
    hide(digests) {
      for (const digest of digests) hidden.add(digest);
    },
    flush() {
      for (const summary of gate.rest()) tell(summary);
    },
  };
}

const STANDARD_ERROR = 2;
