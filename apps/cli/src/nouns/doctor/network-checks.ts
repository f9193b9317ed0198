// SPDX-License-Identifier: Apache-2.0
import { type Finding, ok, warn, wrong } from './finding.ts';

/** The port that the settings name. */
export interface PortFacts {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Why it could not be opened; undefined: it could, and was closed again. */
  readonly fault?: string;
  /** Who answers there, if anybody. */
  readonly answeredBy?: 'outrider' | 'another-program';
}

/** The server that says it runs on this data folder. */
export interface ServerFacts {
  /** From server.json; undefined: none has run, or it was stopped. */
  readonly url?: string;
  readonly pid?: number;
  /** A process of this number runs. */
  readonly isAlive?: boolean;
  readonly isAnswering: boolean;
  /** The body of /health/ready. */
  readonly ready?: ReadyFacts;
  /** Its clock less ours, to the second. */
  readonly clockAheadMs?: number;
}

export interface ReadyFacts {
  readonly status: string;
  readonly checks: readonly {
    readonly name: string;
    readonly isOk: boolean;
    readonly seen?: number;
    readonly allowed?: number;
    readonly detail?: string;
  }[];
}

export interface BackupFacts {
  /** When the newest was made, in milliseconds; undefined: none is known. */
  readonly madeAtMs?: number;
  readonly nowMs: number;
  readonly hasRun: boolean;
}

export function portCheck({ host, port, fault, answeredBy }: PortFacts, server: ServerFacts): Finding {
  const place = `${host}:${port}`;
  if (port === 0) return ok('port', 'Any free one');
  if (fault === undefined) return ok('port', `${place} is free`);
  if (fault !== 'EADDRINUSE') return wrong('port', `${place} cannot be opened (${fault})`, mendOfFault(fault));
  if (server.isAnswering) {
    if (portOf(server.url) === port) return ok('port', `${place} is this server's`);
    return ok('port', `This server runs at ${server.url}; ${place}, which the settings name, is taken`);
  }
  if (server.isAlive === true && portOf(server.url) === port)
    return ok('port', `${place} is held by process ${server.pid}`);
  const mend = 'Stop that program, or choose another port with --port';
  if (answeredBy === 'outrider') return wrong('port', `${place} is taken by another Outrider server`, mend);
  return wrong('port', `${place} is taken by another program`, mend);
}

function mendOfFault(fault: string): string {
  if (fault === 'EACCES') return 'Choose a port of 1024 or above, or give the program the right to open it';
  if (fault === 'EADDRNOTAVAIL' || fault === 'ENOTFOUND')
    return 'Name an address of this machine with --host, or 0.0.0.0 for all';
  return 'Choose another address with --host and --port';
}

function portOf(url: string | undefined): number | undefined {
  const parsed = url === undefined ? null : URL.parse(url);
  return parsed === null ? undefined : Number(parsed.port);
}

export function serverChecks(facts: ServerFacts): readonly Finding[] {
  const { url, pid, isAlive, isAnswering, ready } = facts;
  if (url === undefined) return [ok('server', 'Not running')];
  if (!isAnswering && isAlive === true) {
    const mend = `It hangs, or starts just now, or another program has its number: look at the end of server.log in the data folder, end process ${pid}, start the server`;
    return [wrong('server', `Process ${pid} runs, and does not answer at ${url}`, mend)];
  }
  if (!isAnswering) {
    const mend = 'Start it: it was killed; the log is server.log in the data folder';
    return [warn('server', `server.json names ${url}, process ${pid}, and nobody answers there`, mend)];
  }
  if (ready === undefined)
    return [wrong('server', `${url} answers, and not what a server of this kind does`, 'Restart it')];
  const bad = ready.checks.filter(({ name, isOk }) => !isOk && name !== 'snapshot');
  const seen = bad.map(({ name, detail }) => detail ?? name).join('; ');
  return [
    bad.length === 0
      ? ok('server', `Ready at ${url}, process ${pid}`)
      : wrong('server', `${url} is not ready: ${seen}`, 'Mend what it names; it needs no restart afterwards'),
    ...snapshotCheck(ready),
    ...clockCheck(facts),
  ];
}

function snapshotCheck({ checks }: ReadyFacts): readonly Finding[] {
  const snapshot = checks.find(({ name }) => name === 'snapshot');
  if (snapshot === undefined) return [];
  const { isOk, seen, allowed, detail } = snapshot;
  const age = seen === undefined ? 'Never read' : `Read ${seen} ms ago, ${allowed} are allowed`;
  return [
    isOk
      ? ok('snapshot', age)
      : wrong('snapshot', detail ?? age, 'Look at the database: the policy is read from there'),
  ];
}

/** An HTTP date has whole seconds, and the answer took some time. */
const CLOCK_OFF_MS = 2_500;
const CLOCK_WRONG_MS = 30_000;

function clockCheck({ clockAheadMs }: ServerFacts): readonly Finding[] {
  if (clockAheadMs === undefined) return [];
  const off = Math.abs(clockAheadMs);
  const seen =
    off <= CLOCK_OFF_MS ? 'The same as here' : `${Math.round(off / 1_000)} s ${clockAheadMs < 0 ? 'behind' : 'ahead'}`;
  const mend = 'Let NTP keep the clocks of both machines';
  if (off > CLOCK_WRONG_MS) return [wrong('server-clock', seen, mend)];
  return [off > CLOCK_OFF_MS ? warn('server-clock', seen, mend) : ok('server-clock', seen)];
}

/** A week of permits and reports is what one can bear to lose at most. */
const BACKUP_AGE_MS_MAX = 7 * 86_400_000;

export function backupCheck({ madeAtMs, nowMs, hasRun }: BackupFacts): Finding {
  const mend = 'Make one with `outrider backup`, and let a timer do it';
  if (!hasRun) return ok('backup', 'Nothing to back up yet');
  if (madeAtMs === undefined) return warn('backup', 'None is known', mend);
  const days = Math.floor((nowMs - madeAtMs) / 86_400_000);
  const seen = `The newest is of ${new Date(madeAtMs).toISOString()}, ${days} days ago`;
  return nowMs - madeAtMs > BACKUP_AGE_MS_MAX ? warn('backup', seen, mend) : ok('backup', seen);
}
