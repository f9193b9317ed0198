// SPDX-License-Identifier: Apache-2.0
import type { LedgerOutcome, LedgerRow } from '../gateway/ledger.ts';
import type { OutcomeEvent, Report, ReportEvent, StoredReport } from '../gateway/report.ts';
import type { DeviceId } from '../kernel/ids.ts';
import type { FleetInstant } from '../kernel/time.ts';

/** An instant on a ledger row and the raw reports that do not say the same. */
export interface OutcomeFault {
  readonly code: OutcomeFaultCode;
  readonly position: number;
  readonly deviceId: DeviceId;
  readonly event: ReportEvent;
  /** The instant on the row, or that of the report that is not noted. */
  readonly at: FleetInstant;
}

/** How a row and the reports can disagree. Codes never change. */
export type OutcomeFaultCode =
  /** The row has an instant at which no report for it was taken in. */
  | 'instant-unreported'
  /** A report stands for the row, and the row says nothing of it. */
  | 'report-unnoted';

/** What is checked: some ledger rows, all rows of their devices, and up to when. */
export interface CheckedRows {
  readonly rows: readonly LedgerOutcome[];
  /** Of each device on them: all its rows, in any rollout. */
  readonly ledgers: ReadonlyMap<DeviceId, readonly LedgerRow[]>;
  /** Later instants and later reports are left out: they may still be under way. */
  readonly asOf: FleetInstant;
}

/** Takes the reports of the rows' devices one by one, in any order, and says in the end what does not fit. */
export interface OutcomeCheck {
  add(report: StoredReport): void;
  faults(): readonly OutcomeFault[];
}

/**
 * Checks that each outcome instant on the rows is one at which a report for it was taken in, and that no report for a row
 * was left unnoted. Of two reports of one kind that came at once either may have set the instant. Memory is bounded by the
 * rows, whatever a device sends. Source: `ReportLog.appendReports`.
 */
export function outcomeCheck({ rows, ledgers, asOf }: CheckedRows): OutcomeCheck {
  const ofDevice = byDevice(rows);
  const reported = new Set<string>();
  const unnoted = new Map<string, OutcomeFault>();

  return {
    add({ report, receivedAt }) {
      if (receivedAt > asOf) return;
      const { event, deviceId } = report;
      // A refusal and a driver's word stand on no row.
      if (event === 'refused' || event === 'driver-flag') return;
      for (const outcome of ofDevice.get(deviceId) ?? []) {
        const { position, row } = outcome;
        if (!mayStandFor(report, row)) continue;
        const key = `${position} ${event}`;
        const noted = outcome[OUTCOME_OF_EVENT[event]];
        if (noted === receivedAt) reported.add(key);
        const isSilent = noted === undefined || noted > asOf;
        if (isSilent && mustBeNoted(report, receivedAt, { row, ledger: ledgers.get(deviceId) ?? [] })) {
          unnoted.set(key, { code: 'report-unnoted', position, deviceId, event, at: receivedAt });
        }
      }
    },
    faults() {
      const unreported = rows
        .flatMap((outcome) => instantsOf(outcome, asOf))
        .filter((one) => !reported.has(keyOf(one)));
      return [...unreported, ...unnoted.values()];
    },
  };
}

/** The field that each report sets on its row, where it is still absent. */
const OUTCOME_OF_EVENT = {
  verified: 'verifiedAt',
  reverted: 'revertedAt',
  'install-failed': 'installFailedAt',
  crash: 'crashedAt',
  'sensor-fault': 'sensorFaultAt',
} as const satisfies Record<OutcomeEvent, keyof LedgerOutcome>;

const EVENTS: readonly OutcomeEvent[] = ['verified', 'reverted', 'install-failed', 'crash', 'sensor-fault'];

/** The row of the permit it names; a fault without a permit is of some enrolment of its device. */
function mayStandFor(report: Report, row: LedgerRow): boolean {
  if (report.permitId !== undefined) return report.permitId === row.permitId && report.releaseId === row.releaseId;
  return (report.event === 'crash' || report.event === 'sensor-fault') && row.kind === 'enrolment';
}

/** Whether it came while the row was there and, for a fault without a permit, was the newest enrolment. */
function mustBeNoted(
  report: Report,
  receivedAt: FleetInstant,
  { row, ledger }: { readonly row: LedgerRow; readonly ledger: readonly LedgerRow[] },
): boolean {
  if (report.permitId !== undefined) return receivedAt >= row.grantedAt;
  const isSuperseded = ledger.some(
    (one) =>
      one.rolloutId === row.rolloutId &&
      one.kind === 'enrolment' &&
      one.enrolment > row.enrolment &&
      one.grantedAt <= receivedAt,
  );
  // At the very instant of the grant the report may have come first.
  return receivedAt > row.grantedAt && !isSuperseded;
}

function byDevice(rows: readonly LedgerOutcome[]): ReadonlyMap<DeviceId, readonly LedgerOutcome[]> {
  const groups = new Map<DeviceId, LedgerOutcome[]>();
  for (const outcome of rows) {
    const group = groups.get(outcome.row.deviceId);
    if (group === undefined) groups.set(outcome.row.deviceId, [outcome]);
    else group.push(outcome);
  }
  return groups;
}

function instantsOf(outcome: LedgerOutcome, asOf: FleetInstant): readonly OutcomeFault[] {
  const { position, row } = outcome;
  return EVENTS.flatMap((event) => {
    const at = outcome[OUTCOME_OF_EVENT[event]];
    if (at === undefined || at > asOf) return [];
    return [{ code: 'instant-unreported' as const, position, deviceId: row.deviceId, event, at }];
  });
}

function keyOf({ position, event }: OutcomeFault): string {
  return `${position} ${event}`;
}
