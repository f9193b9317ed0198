// SPDX-License-Identifier: Apache-2.0
import type { CounterFamily } from '../gateway/counters.ts';
import type { Timing } from './recorder.ts';

/**
 * Every metric of our own: name, kind, labels, and where its values come from. The text that Prometheus reads, the tables of
 * docs/observability.md and the lint of names are all made from this.
 */
export type MetricSpec = CounterSpec | HistogramSpec | GaugeSpec;

interface NamedMetric {
  /** `outrider_<stage>_<what>_<unit>`; counters end in `_total`. */
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
}

/** Counts what one family of counters counts, by its code. */
export interface CounterSpec extends NamedMetric {
  readonly kind: 'counter';
  readonly family: CounterFamily;
}

/** One distribution of the recorder. */
export interface HistogramSpec extends NamedMetric {
  readonly kind: 'histogram';
  readonly timing: Timing;
  /** Values are divided by this: 1,000 where milliseconds become seconds. */
  readonly divisor: number;
}

/** A value that is read when it is asked for: `source` names the reading in `gauge-readings.ts`. */
export interface GaugeSpec extends NamedMetric {
  readonly kind: 'gauge';
  readonly source: GaugeSource;
}

/** A rollout has these at most, and this many rollouts are shown: what is live in one installation, with room. */
export const ROLLOUT_SERIES_MAX = 50;

const ROLLOUT = ['rollout'] as const;
const ROLLOUT_SEGMENT = ['rollout', 'segment'] as const;

export type GaugeSource =
  | 'snapshot-age'
  | 'revision'
  | 'paused-scopes'
  | 'rollouts'
  | 'cap'
  | 'granted'
  | 'segment-cap'
  | 'segment-granted'
  | 'segment-population'
  | 'device-states'
  | 'funnel'
  | 'evidence-lag'
  | 'evidence'
  | 'threshold'
  | 'segment-evidence'
  | 'connections'
  | 'waiting'
  | 'database-up'
  | 'watchers'
  | 'trust-expiry'
  | 'build';

export const METRICS: readonly MetricSpec[] = [
  counter('outrider_release_changes_total', 'Releases published, withdrawn or refused, by what became of them', {
    family: 'release',
    label: 'result',
  }),
  counter('outrider_delta_builds_total', 'Deltas that were to be made, by what became of them', {
    family: 'delta',
    label: 'result',
  }),
  seconds('outrider_delta_build_duration_seconds', 'Time to make one delta and to prove it by applying it', 'delta'),
  gauge('outrider_policy_revision_count', 'Revision of the policy in force here: entries of the policy log', {
    source: 'revision',
  }),
  gauge('outrider_policy_snapshot_age_seconds', 'Since the policy was last read; above 3 nothing is offered', {
    source: 'snapshot-age',
  }),
  seconds(
    'outrider_policy_propagation_seconds',
    'From the instant of a change, by the clock of the server that made it, to when it is in force here',
    'propagation',
  ),
  counter('outrider_policy_changes_total', 'Changes of the policy made by this server, by their kind', {
    family: 'policy',
    label: 'change',
  }),
  gauge('outrider_policy_paused_scopes_count', 'Scopes in which nothing may be exposed', { source: 'paused-scopes' }),
  gauge('outrider_policy_rollouts_count', 'Rollouts by their state', { source: 'rollouts', labels: ['state'] }),
  gauge('outrider_policy_cap_permits', 'Permits that a live rollout may give', { source: 'cap', labels: ROLLOUT }),
  gauge('outrider_policy_granted_permits', 'Permits that a live rollout has given; never above its cap', {
    source: 'granted',
    labels: ROLLOUT,
  }),
  gauge('outrider_policy_segment_cap_permits', 'Permits that one segment may have: those nearest to their cap', {
    source: 'segment-cap',
    labels: ROLLOUT_SEGMENT,
  }),
  gauge('outrider_policy_segment_granted_permits', 'Permits that one segment has; never above its cap', {
    source: 'segment-granted',
    labels: ROLLOUT_SEGMENT,
  }),
  gauge('outrider_policy_segment_population_devices', 'Eligible devices of one segment when the rollout started', {
    source: 'segment-population',
    labels: ROLLOUT_SEGMENT,
  }),
  counter('outrider_gateway_check_ins_total', 'Check-ins by their answer: offer, or the reason of the refusal', {
    family: 'check-in',
    label: 'answer',
  }),
  counter(
    'outrider_gateway_permit_requests_total',
    'Permit requests by their answer: permit, or why there is none yet',
    {
      family: 'permit',
      label: 'answer',
    },
  ),
  counter('outrider_gateway_charter_refusals_total', 'Answers that a charter did not allow, by its name for why', {
    family: 'charter',
    label: 'code',
  }),
  counter('outrider_gateway_reports_total', 'Reports taken in: counted, duplicate or unmatched', {
    family: 'report',
    label: 'result',
  }),
  counter(
    'outrider_gateway_claims_total',
    'Claims of devices to have installed, by whether and why not they are believed',
    {
      family: 'claim',
      label: 'verdict',
    },
  ),
  counter('outrider_gateway_ddi_events_total', 'Polls and feedback of DDI devices, by what they were shown or said', {
    family: 'ddi',
    label: 'event',
  }),
  counter('outrider_gateway_registrations_total', 'Devices that registered', {
    family: 'registration',
    label: 'result',
  }),
  counter(
    'outrider_gateway_refused_requests_total',
    'Requests of devices answered by a problem document, by its code',
    {
      family: 'refused',
      label: 'code',
    },
  ),
  counter('outrider_gateway_wake_events_total', 'Devices that began to listen, were called, or had to end, by which', {
    family: 'wake',
    label: 'event',
  }),
  counter(
    'outrider_gateway_refused_connections_total',
    'Connections that were ended before their first request, by the reason',
    { family: 'connection', label: 'reason' },
  ),
  counter('outrider_gateway_shed_requests_total', 'Requests of devices turned away under load, by their kind', {
    family: 'shed',
    label: 'kind',
  }),
  counter('outrider_gateway_problems_total', 'Requests of devices answered by a problem document, by HTTP status', {
    family: 'problem',
    label: 'status',
  }),
  seconds(
    'outrider_gateway_request_duration_seconds',
    'From a request of a device to its answer, all kinds',
    'request',
  ),
  seconds('outrider_gateway_permit_duration_seconds', 'From a permit request to its answer, with the commit', 'permit'),
  seconds('outrider_gateway_permit_commit_duration_seconds', 'One statement of the permit ledger', 'permit-commit'),
  rows('outrider_gateway_permit_batch_rows', 'Proposals that one statement of the ledger decided', 'permit-batch'),
  seconds('outrider_gateway_report_commit_duration_seconds', 'One statement of the report log', 'report-commit'),
  rows('outrider_gateway_report_batch_rows', 'Reports that one statement took in', 'report-batch'),
  gauge(
    'outrider_device_registered_devices',
    'Registered devices by the state they last told; counted once a minute at most',
    { source: 'device-states', labels: ['state'] },
  ),
  gauge('outrider_device_funnel_devices', 'Devices of a live rollout that have come to a step', {
    source: 'funnel',
    labels: ['rollout', 'step'],
  }),
  gauge('outrider_evidence_lag_seconds', 'Fleet time since the evidence of a live rollout was counted', {
    source: 'evidence-lag',
    labels: ROLLOUT,
  }),
  gauge('outrider_decision_evidence_nats', 'Natural logarithm of the e-process of one metric, overall', {
    source: 'evidence',
    labels: ['rollout', 'metric'],
  }),
  gauge('outrider_decision_threshold_nats', 'Where the evidence of one metric stops the rollout, overall', {
    source: 'threshold',
    labels: ['rollout', 'metric'],
  }),
  gauge(
    'outrider_decision_segment_evidence_ratio',
    'Evidence over its threshold in one segment, 1 stops it: those nearest to it',
    { source: 'segment-evidence', labels: ['rollout', 'segment', 'metric'] },
  ),
  counter('outrider_decision_verdicts_total', 'Decisions made, by their verdict; failed: the rule itself failed', {
    family: 'decision',
    label: 'verdict',
  }),
  seconds('outrider_decision_tick_duration_seconds', 'One round: count and decide about every live rollout', 'tick'),
  counter(
    'outrider_server_log_lines_total',
    'Lines that the stages of this server logged, by level, those left out as repetitions included',
    {
      family: 'log',
      label: 'level',
    },
  ),
  gauge('outrider_server_database_connections', 'Connections of the pool: in use, and the most there may be', {
    source: 'connections',
    labels: ['kind'],
  }),
  gauge('outrider_server_database_waiting_requests', 'Callers that wait for a connection', { source: 'waiting' }),
  gauge('outrider_server_database_up', '1 when the last read of the policy went through, else 0', {
    source: 'database-up',
  }),
  gauge('outrider_server_trust_expiry_seconds', 'Until a document of the repositories expires; below zero it has', {
    source: 'trust-expiry',
    labels: ['repository', 'role'],
  }),
  gauge('outrider_server_overview_watchers_count', 'Open streams of the overview', { source: 'watchers' }),
  gauge('outrider_server_build_info', 'Always 1; its label names the version', {
    source: 'build',
    labels: ['version'],
  }),
];

function counter(
  name: string,
  help: string,
  { family, label }: { readonly family: CounterFamily; readonly label: string },
): CounterSpec {
  return { kind: 'counter', name, help, family, labels: [label] };
}

function seconds(name: string, help: string, timing: Timing): HistogramSpec {
  return { kind: 'histogram', name, help, timing, divisor: 1_000, labels: [] };
}

function rows(name: string, help: string, timing: Timing): HistogramSpec {
  return { kind: 'histogram', name, help, timing, divisor: 1, labels: [] };
}

function gauge(
  name: string,
  help: string,
  reading: { readonly source: GaugeSource; readonly labels?: readonly string[] },
): GaugeSpec {
  return { kind: 'gauge', name, help, source: reading.source, labels: reading.labels ?? [] };
}
