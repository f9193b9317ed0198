// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import type { Decision } from '@outrider/domain/decision/decision';
import type { ReportedState } from '@outrider/domain/gateway/device-record';
import type { LedgerRow } from '@outrider/domain/gateway/ledger';
import type { Report } from '@outrider/domain/gateway/report';
import type { DeviceId, Sha256 } from '@outrider/domain/kernel/ids';
import type { FleetInstant } from '@outrider/domain/kernel/time';
import type { PolicyEntry } from '@outrider/domain/policy/log';
import { encodeJson } from '@outrider/protocol/kernel/json-text';

/** What a run leaves behind: every fact that somebody could be asked about later, in the order it happened. */
export type LoggedEvent =
  | { readonly kind: 'permit'; readonly at: FleetInstant; readonly row: LedgerRow }
  | { readonly kind: 'report'; readonly at: FleetInstant; readonly report: Report; readonly result: string }
  | { readonly kind: 'decision'; readonly at: FleetInstant; readonly decision: Decision }
  | { readonly kind: 'policy'; readonly at: FleetInstant; readonly entry: PolicyEntry }
  | {
      readonly kind: 'state';
      readonly at: FleetInstant;
      readonly deviceId: DeviceId;
      readonly state: ReportedState;
      readonly version: string;
    };

/** Canonical JSON, a line for each event, and the SHA-256 of all of them. */
export interface EventLog {
  append(event: LoggedEvent): void;
  /** Lines so far, by kind. */
  counts(): Readonly<Record<LoggedEvent['kind'], number>>;
  /** The digest of all lines so far, each with its line feed. */
  digest(): Sha256;
}

/**
 * Starts a log. `alteredPermit`: the permit line of this number, counted from 1, is written with its arm changed, as a
 * tampered ledger would have it; the digest must tell.
 */
export function eventLog(options: {
  readonly sink?: (line: string) => void;
  readonly alteredPermit?: number;
}): EventLog {
  const { sink, alteredPermit } = options;
  const hash = createHash('sha256');
  const counts = { permit: 0, report: 0, decision: 0, policy: 0, state: 0 };
  return {
    append(event) {
      counts[event.kind]++;
      const isAltered = event.kind === 'permit' && counts.permit === alteredPermit;
      const line = `${encodeJson(isAltered ? withArmChanged(event) : withoutSignatures(event))}\n`;
      hash.update(line);
      sink?.(line);
    },
    counts: () => ({ ...counts }),
    // A digest is asked for as often as one likes; node:crypto gives it once for each hash.
    digest: () => hash.copy().digest('hex') as Sha256,
  };
}

/** What was signed is a fact of the run; the signature is of the keys that it was played with. */
function withoutSignatures(event: LoggedEvent): LoggedEvent {
  if (event.kind !== 'report' || event.report.manifest === undefined) return event;
  return { ...event, report: { ...event.report, manifest: { ...event.report.manifest, signatures: [] } } };
}

function withArmChanged(event: Extract<LoggedEvent, { kind: 'permit' }>): LoggedEvent {
  return { ...event, row: { ...event.row, arm: event.row.arm === 'treated' ? 'control' : 'treated' } };
}
