// SPDX-License-Identifier: Apache-2.0
import type { Figure } from '../../bench/figures.ts';
import type { FirstStarts } from './first-starts.ts';
import type { KillResults } from './play-kills.ts';

/** "By itself, in under ten seconds": also the slowest of all. */
const RECOVERY_SECONDS_MAX = 10;

/** What the kills showed, beside what was promised. */
export function figuresOf(results: KillResults): readonly Figure[] {
  const { findings, held, recoveriesMs, pauses, replay } = results;
  return [
    // A kill that is not survived throws: the proof ends there.
    { figure: 'kills survived', value: results.kills, unit: 'kills', goal: `${results.kills}`, holds: true },
    some('processes cut off by SIGKILL', results.processes),
    some('permits acknowledged to devices', held.permitIds.size),
    none('of these, missing from the ledger after a kill', findings.permitsLost),
    some('reports acknowledged to devices', held.reportKeys.size),
    none('of these, missing from the log after a kill', findings.reportsLost),
    some('policy revisions acknowledged to people', held.entries.size),
    none('of these, missing from the policy log after a kill', findings.revisionsLost),
    none('of these, with another author, reason or instant in the log', findings.auditEntriesDiffering),
    none('of these and of releases, without their entry in the audit log', findings.auditEntriesLost),
    none('looks at which the chain of the audit log was broken', findings.auditChainsBroken),
    none('numbers missing in the policy log', findings.gapsInLog),
    some('registrations acknowledged to devices', held.keyIds.size),
    none('of these, missing from the registry after a kill', findings.devicesLost),
    some('releases acknowledged to the build server', held.releases.size),
    none('of these, missing from the catalogue after a kill', findings.releasesLost),
    some('blobs acknowledged to the build server', held.blobs.size),
    none('of these, not whole on the disk after a kill', results.blobsMissing),
    none('looks at which treated rows > cap, overall or in a segment', findings.overruns),
    none('looks at which granted was not the number of treated rows', findings.miscounts),
    none('looks at which a cap was lower than before', findings.capsFallen),
    some('pauses watched from receipt to resume', pauses.watched),
    none('permits that came into being in one of them', pauses.permits),
    some('looks at which the evidence was counted again', results.recounts),
    none('of these, at which it was not what the raw rows say', results.recountsDiffering),
    some('decisions made again at the end', replay.decisions),
    none('of these, that came out otherwise', replay.differing),
    none('of these, that were an error of the rule', replay.failed),
    none('requests of people that were refused for good', results.refusals.length),
    seconds('recovery, median', quantile(recoveriesMs, 0.5)),
    seconds('recovery, slowest of all', quantile(recoveriesMs, 1)),
    claim('PostgreSQL runs with fsync, synchronous_commit and full_page_writes', isDurable(results.durability)),
  ];
}

/** The same for first starts. */
export function firstStartFigures({ count, slowestMs, inMigration }: FirstStarts): readonly Figure[] {
  return [
    {
      figure: 'first starts killed, and up by themselves',
      value: count,
      unit: 'starts',
      goal: `${count}`,
      holds: true,
    },
    some('of these, killed while the schema was made', inMigration),
    seconds('first start after a kill, slowest of all', slowestMs),
  ];
}

function isDurable(settings: Readonly<Record<string, string>>): boolean {
  const values = Object.values(settings);
  return values.length === 3 && values.every((value) => value === 'on');
}

/** `ascending` has at least one. */
function quantile(ascending: readonly number[], share: number): number {
  return ascending[Math.min(ascending.length - 1, Math.floor(share * ascending.length))] ?? 0;
}

function seconds(figure: string, timeMs: number): Figure {
  const value = timeMs / 1_000;
  return { figure, value, unit: 's', goal: `< ${RECOVERY_SECONDS_MAX} s`, holds: value < RECOVERY_SECONDS_MAX };
}

function claim(figure: string, holds: boolean): Figure {
  return { figure, value: holds ? 1 : 0, unit: 'yes/no', goal: '1', holds };
}

function none(figure: string, value: number): Figure {
  return { figure, value, unit: 'count', goal: '0', holds: value === 0 };
}

/** A proof that looked at nothing is none. */
function some(figure: string, value: number): Figure {
  return { figure, value, unit: 'count', goal: '> 0', holds: value > 0 };
}
