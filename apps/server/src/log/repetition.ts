// SPDX-License-Identifier: Apache-2.0
import type { MachineClock } from '@outrider/domain/kernel/clock';
import { elapsedMs, type MachineInstant } from '@outrider/domain/kernel/time';
import type { LogFields } from '../ports.ts';

/** Lines that were left out because the same had been written often enough. */
export interface Repetition {
  readonly severity: 'info' | 'warn' | 'error';
  readonly fields: LogFields;
  readonly leftOut: number;
}

/** Lets the first lines of a kind through and counts the rest: a log that drowns tells nothing, one that is silent neither. */
export interface RepetitionGate {
  /** Undefined: leave the line out. Else fields to add to it. */
  admit(severity: Repetition['severity'], fields: LogFields): { readonly leftOut?: number } | undefined;
  /** Kinds whose time is over and of which lines were left out; each once. */
  summaries(): readonly Repetition[];
  /** All that was left out and has not been told. */
  rest(): readonly Repetition[];
}

/** Lines of one kind a minute: enough to see a pattern, few enough that a disk is not filled by one fault. */
const LINES_MAX = 5;
const WINDOW_MS = 60_000;
/** Kinds that are remembered: codes times rollouts. Beyond, the oldest is forgotten with its count told. */
const KINDS_MAX = 1_000;
/** Looking for windows that are over costs a pass over all kinds: not with each line. */
const SWEEP_EVERY_MS = 1_000;

/** Information that devices bring about as often as they like; all other is told as often as it happens. */
const OFTEN: ReadonlySet<string> = new Set(['connection-ended', 'postgres', 'request-turned-away']);

interface Kind {
  readonly severity: Repetition['severity'];
  readonly fields: LogFields;
  readonly beganAt: MachineInstant;
  lines: number;
  leftOut: number;
}

export function repetitionGate(clock: MachineClock): RepetitionGate {
  const kinds = new Map<string, Kind>();
  const due: Repetition[] = [];
  let sweptAt: MachineInstant | undefined;

  function forget(key: string, kind: Kind): void {
    kinds.delete(key);
    const { severity, fields, leftOut } = kind;
    if (leftOut > 0) due.push({ severity, fields, leftOut });
  }

  function sweep(now: MachineInstant): void {
    if (sweptAt !== undefined && elapsedMs(sweptAt, now) < SWEEP_EVERY_MS) return;
    sweptAt = now;
    for (const [key, kind] of kinds) if (elapsedMs(kind.beganAt, now) >= WINDOW_MS) forget(key, kind);
  }

  function open(key: string, kind: Kind): void {
    const oldest = kinds.size >= KINDS_MAX ? kinds.entries().next().value : undefined;
    if (oldest !== undefined) forget(...oldest);
    kinds.set(key, kind);
  }

  return {
    admit(severity, fields) {
      if (severity === 'info' && !OFTEN.has(fields.code)) return {};
      const now = clock.now();
      const key = [severity, fields.stage, fields.code, fields.rolloutId, fields.segment].join('|');
      const known = kinds.get(key);
      if (known === undefined || elapsedMs(known.beganAt, now) >= WINDOW_MS) {
        const { stage, code } = fields;
        if (known !== undefined) kinds.delete(key);
        open(key, { severity, fields: { stage, code, ...namesOf(fields) }, beganAt: now, lines: 1, leftOut: 0 });
        return known === undefined || known.leftOut === 0 ? {} : { leftOut: known.leftOut };
      }
      known.lines++;
      if (known.lines <= LINES_MAX) return {};
      known.leftOut++;
      return undefined;
    },
    summaries() {
      sweep(clock.now());
      return due.splice(0);
    },
    rest() {
      for (const [key, kind] of kinds) forget(key, kind);
      return due.splice(0);
    },
  };
}

/** What tells two kinds of one code apart. */
function namesOf({ rolloutId, segment }: LogFields): Readonly<Record<string, unknown>> {
  return { ...(rolloutId === undefined ? {} : { rolloutId }), ...(segment === undefined ? {} : { segment }) };
}
