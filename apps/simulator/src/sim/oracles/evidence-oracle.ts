// SPDX-License-Identifier: Apache-2.0
import type { Evidence } from '@outrider/domain/evidence/evidence';
import type { LedgerRow } from '@outrider/domain/gateway/ledger';
import type { Report } from '@outrider/domain/gateway/report';
import type { Oracle } from './observation.ts';

/** A row of the ledger, and what was heard of it, each thing once. */
interface Row {
  readonly row: LedgerRow;
  readonly heard: Set<string>;
  /** What has been counted of it so far. */
  readonly counted: Set<string>;
}

/** Something that counts from an instant on. */
interface Waiting {
  readonly at: number;
  readonly row: Row;
  readonly what: 'granted' | Report['event'];
}

/** A rollout up to the newest evidence that was looked at. */
interface Counting {
  readonly segments: Map<string, Tally>;
  waiting: Waiting[];
  upTo: number;
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
  const rollouts = new Map<string, Counting>();
  const byPermit = new Map<string, Row>();
  const reported = new Set<string>();
  const closedTo = new Map<string, number>();

  function countingOf(rolloutId: string): Counting {
    const counting = rollouts.get(rolloutId) ?? { segments: new Map(), waiting: [], upTo: -1 };
    rollouts.set(rolloutId, counting);
    return counting;
  }

  function enrol(row: LedgerRow): void {
    if (row.kind !== 'enrolment' || byPermit.has(row.permitId)) return;
    const entry: Row = { row, heard: new Set(), counted: new Set() };
    byPermit.set(row.permitId, entry);
    countingOf(row.rolloutId).waiting.push({ at: row.grantedAt, row: entry, what: 'granted' });
  }

  function hear({ rolloutId, permitId, deviceId, sequence, event }: Report, receivedAt: number): void {
    const key = `${deviceId} ${sequence}`;
    if (reported.has(key)) return;
    reported.add(key);
    const row = permitId === undefined ? undefined : byPermit.get(permitId);
    if (row === undefined || row.row.rolloutId !== rolloutId || row.heard.has(event)) return;
    row.heard.add(event);
    const closed = closedTo.get(rolloutId) ?? -1;
    const at = receivedAt > closed ? receivedAt : closed + 1;
    countingOf(rolloutId).waiting.push({ at, row, what: event });
  }

  return {
    name: 'evidence',
    see(observation) {
      switch (observation.kind) {
        case 'permit-committed':
          enrol(observation.row);
          return undefined;
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
          const counting = countingOf(evidence.rolloutId);
          // Older evidence than was looked at already: another server was slower, and the newer one has been checked.
          if (evidence.asOf < counting.upTo) return undefined;
          countUpTo(counting, evidence.asOf);
          return differenceOf(evidence, counting.segments);
        }
        default:
          return undefined;
      }
    },
  };
}

/** What is known by an instant; the order of what is counted together does not matter. */
function countUpTo(counting: Counting, asOf: number): void {
  const later: Waiting[] = [];
  for (const one of counting.waiting) {
    if (one.at > asOf) later.push(one);
    else countOne(counting.segments, one);
  }
  counting.waiting = later;
  counting.upTo = asOf;
}

function countOne(segments: Map<string, Tally>, { row, what }: Waiting): void {
  const { segment, arm } = row.row;
  const tally = segments.get(segment) ?? noTally();
  segments.set(segment, tally);
  const { counted } = row;
  counted.add(what);
  if (what === 'granted') tally[arm]++;
  if (arm === 'control') return;
  const isOther = counted.has(what === 'verified' ? 'reverted' : 'verified');
  if (what === 'install-failed') tally.failed++;
  // A confirmation after a revert is no success, and a revert takes its confirmation back.
  if (what === 'verified' && !isOther) {
    tally.booted++;
    tally.confirmed++;
  }
  if (what === 'reverted') {
    tally.reverted++;
    if (isOther) tally.confirmed--;
    else tally.booted++;
  }
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
