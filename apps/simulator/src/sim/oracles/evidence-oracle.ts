// SPDX-License-Identifier: Apache-2.0
import type { Evidence } from '@outrider/domain/evidence/evidence';
import type { LedgerRow } from '@outrider/domain/gateway/ledger';
import type { Report } from '@outrider/domain/gateway/report';
import type { Oracle } from './observation.ts';

/** A row of the ledger and when each thing was first heard of it. */
interface Row {
  readonly row: LedgerRow;
  readonly heardAt: Map<string, number>;
}

interface Tally {
  treated: number;
  control: number;
  booted: number;
  reverted: number;
  confirmed: number;
  failed: number;
}

/**
 * Every report counts once: evidence that a decision was made on is counted here again, from the rows and reports as they
 * were committed, each (device, sequence) once. A report that comes after an interval was closed counts after it.
 */
export function evidenceOracle(): Oracle {
  const rows = new Map<string, Row[]>();
  const byPermit = new Map<string, Row>();
  const reported = new Set<string>();
  const closedTo = new Map<string, number>();

  function hear({ rolloutId, permitId, deviceId, sequence, event }: Report, receivedAt: number): void {
    const key = `${deviceId} ${sequence}`;
    if (reported.has(key)) return;
    reported.add(key);
    const row = permitId === undefined ? undefined : byPermit.get(permitId);
    if (row === undefined || row.row.rolloutId !== rolloutId || row.heardAt.has(event)) return;
    const closed = closedTo.get(rolloutId) ?? -1;
    row.heardAt.set(event, receivedAt > closed ? receivedAt : closed + 1);
  }

  return {
    name: 'evidence',
    see(observation) {
      switch (observation.kind) {
        case 'permit-committed': {
          const { row } = observation;
          if (row.kind !== 'enrolment' || byPermit.has(row.permitId)) return undefined;
          const entry = { row, heardAt: new Map<string, number>() };
          byPermit.set(row.permitId, entry);
          const others = rows.get(row.rolloutId);
          if (others === undefined) rows.set(row.rolloutId, [entry]);
          else others.push(entry);
          return undefined;
        }
        case 'interval-closed': {
          const { rolloutId, upTo } = observation;
          closedTo.set(rolloutId, Math.max(upTo, closedTo.get(rolloutId) ?? -1));
          return undefined;
        }
        case 'report-appended':
          hear(observation.report, observation.receivedAt);
          return undefined;
        case 'decided': {
          const { evidence } = observation.input;
          return differenceOf(evidence, tallies(rows.get(evidence.rolloutId) ?? [], evidence.asOf));
        }
        default:
          return undefined;
      }
    },
  };
}

/** What is known of each segment at an instant. */
function tallies(rows: readonly Row[], asOf: number): ReadonlyMap<string, Tally> {
  const segments = new Map<string, Tally>();
  for (const { row, heardAt } of rows) {
    if (row.grantedAt > asOf) continue;
    const tally = segments.get(row.segment) ?? noTally();
    segments.set(row.segment, tally);
    tally[row.arm]++;
    if (row.arm === 'control') continue;
    const [verifiedAt, revertedAt, failedAt] = ['verified', 'reverted', 'install-failed'].map((event) => {
      const at = heardAt.get(event);
      return at !== undefined && at <= asOf ? at : undefined;
    });
    // A confirmation after a revert is no success, and a revert takes its confirmation back.
    if (verifiedAt !== undefined || revertedAt !== undefined) tally.booted++;
    if (revertedAt !== undefined) tally.reverted++;
    else if (verifiedAt !== undefined) tally.confirmed++;
    if (failedAt !== undefined) tally.failed++;
  }
  return segments;
}

function noTally(): Tally {
  return { treated: 0, control: 0, booted: 0, reverted: 0, confirmed: 0, failed: 0 };
}

function differenceOf(evidence: Evidence, counted: ReadonlyMap<string, Tally>): string | undefined {
  for (const segment of new Set([...counted.keys(), ...evidence.enrolments.map((one) => one.segment)])) {
    const own = counted.get(segment) ?? noTally();
    const of = (metric: string) => evidence.base.find((one) => one.metric === metric && one.segment === segment);
    const enrolled = evidence.enrolments.filter((one) => one.segment === segment);
    const [revert, install] = [of('revert'), of('install')];
    const pairs: readonly (readonly [string, number, number])[] = [
      ['treated', sum(enrolled.map((one) => one.treated)), own.treated],
      ['control', sum(enrolled.map((one) => one.control)), own.control],
      ['booted', revert?.closed ?? 0, own.booted],
      ['reverted', revert?.events ?? 0, own.reverted],
      ['confirmed', revert?.confirmed ?? 0, own.confirmed],
      // A person who resumes after a pause for failed installations starts this count again.
      ['failed', install?.events ?? 0, evidence.installRestartedAt === undefined ? own.failed : (install?.events ?? 0)],
    ];
    const wrong = pairs.find(([, stored, right]) => stored !== right);
    if (wrong !== undefined) {
      return `${evidence.rolloutId} ${segment} up to ${evidence.asOf}: ${wrong[1]} ${wrong[0]} in the evidence, ${wrong[2]} counted from rows and reports`;
    }
  }
  return undefined;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
