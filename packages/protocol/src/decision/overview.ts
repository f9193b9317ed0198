// SPDX-License-Identifier: Apache-2.0
import type { Verdict } from '@outrider/domain/decision/decision';
import {
  type ArmOverview,
  type EvidenceFigure,
  type ExposureOverview,
  FIGURES_SHOWN_MAX,
  type Funnel,
  type RolloutOverview,
  SEGMENTS_SHOWN_MAX,
  type SegmentOverview,
  type VerdictNote,
} from '@outrider/domain/decision/overview';
import {
  FLAGS_SHOWN_MAX,
  type FlagOverview,
  type OrdersOverview,
  REGIONS_SHOWN_MAX,
  type RegionOverview,
} from '@outrider/domain/decision/overview-orders';
import type { ReportedState } from '@outrider/domain/gateway/device-record';
import type { Arm } from '@outrider/domain/gateway/ledger';
import type { Revision } from '@outrider/domain/kernel/ids';
import type { Result } from '@outrider/domain/kernel/result';
import type { FleetInstant } from '@outrider/domain/kernel/time';
import type { RolloutState } from '@outrider/domain/policy/rollout';
import { reportedState } from '../gateway/device-record.ts';
import { parseText } from '../kernel/json-text.ts';
import { DOCUMENT_BYTES_MAX } from '../kernel/limits.ts';
import type { ParseError } from '../kernel/parse-error.ts';
import { bool, finite, keyOf, listOf, oneOf, optional, type Reader, record, text, whole } from '../kernel/reader.ts';
import { deviceId, instant, label, releaseId, revision, rolloutId, segmentId } from '../kernel/values.ts';
import { metric } from './decision.ts';

/** The installation at a glance: `GET /api/v1/overview`, and each event of `GET /api/v1/overview/stream`. */
export interface Overview {
  /** Fleet time. */
  readonly at: FleetInstant;
  readonly isConducted: boolean;
  readonly revision: Revision;
  /** Scopes in which nothing may be exposed, for example `global` or `region:north`. */
  readonly pausedScopes: readonly string[];
  readonly vitals: ServerVitals;
  /** Devices by the state they last told; counted once a minute at most. Absent until they were counted. */
  readonly devices?: DeviceStates;
  /** Live ones first, then the newest that have ended. */
  readonly rollouts: readonly RolloutOverview[];
  readonly rolloutCount: number;
  /** The newest first, of all rollouts; those that say the same as the one before are one. */
  readonly decisions: readonly RepeatedVerdict[];
}

/** How the answering server itself is. Rates and latencies are those of the last ten seconds and the last minute. */
export interface ServerVitals {
  readonly upMs: number;
  /** False: nothing is offered, since the policy has not been read for three seconds. */
  readonly isFresh: boolean;
  /** Since the policy was last read; absent before the first time. */
  readonly snapshotAgeMs?: number;
  readonly checkInsPerSecond: number;
  readonly permitsPerSecond: number;
  readonly reportsPerSecond: number;
  /** From the request to the answer, with the commit of the ledger. */
  readonly permitLatency: Latency;
  /** Of all requests of devices. */
  readonly requestLatency: Latency;
  /** How late the event loop came to its turns in the last minute; absent where it is not measured. */
  readonly eventLoopLagP99Ms?: number;
  readonly memoryBytes?: number;
  readonly database: DatabaseVitals;
}

/** Quantiles of the last minute, interpolated in buckets; absent without any request. */
export interface Latency {
  readonly count: number;
  readonly p50Ms?: number;
  readonly p99Ms?: number;
}

/** The store as this server sees it. */
export interface DatabaseVitals {
  readonly isReachable: boolean;
  /** Connections of the pool in use, and callers that wait for one; absent where there is no pool. */
  readonly connectionsInUse?: number;
  readonly connectionsMax?: number;
  readonly waiting?: number;
}

/** Devices of the whole registry by the state they last told. */
export interface DeviceStates {
  readonly total: number;
  readonly states: readonly StateCount[];
}

/** Devices that last told this state. */
export interface StateCount {
  readonly state: ReportedState;
  readonly count: number;
}

/** Decisions in a row that say the same about a rollout, as one. */
export interface RepeatedVerdict extends VerdictNote {
  /** When the first of them was made; `at` is the last. */
  readonly since: FleetInstant;
  readonly count: number;
}

/** Rollouts of one overview. */
export const ROLLOUTS_SHOWN_MAX = 24;
/** Decisions of one overview, before those that repeat are joined. */
export const DECISIONS_SHOWN_MAX = 50;

/** Reads the installation at a glance. Code: body-malformed. */
export function parseOverview(body: string): Result<Overview, ParseError> {
  return parseText(body, { noun: 'overview', bytesMax: DOCUMENT_BYTES_MAX, reader: overview });
}

/** Reads how many devices are in one state, as a store counts them. Code: body-malformed. */
export function parseStateCount(body: string): Result<StateCount, ParseError> {
  return parseText(body, { noun: 'state-count', bytesMax: DOCUMENT_BYTES_MAX, reader: stateCount });
}

/** Reads what was decided when, as a store gives it. Code: body-malformed. */
export function parseVerdictNote(body: string): Result<VerdictNote, ParseError> {
  return parseText(body, { noun: 'verdict', bytesMax: DOCUMENT_BYTES_MAX, reader: verdictNote });
}

const count = whole({ min: 0 });
const amount = finite({ min: 0, max: Number.MAX_SAFE_INTEGER });
const figureValue = finite({ min: -Number.MAX_VALUE, max: Number.MAX_VALUE });
/** As long as a verdict of the log may be. */
const reason = text({ charactersMax: 1_048_576 });

const latency = record<Latency>({ count, p50Ms: optional(amount), p99Ms: optional(amount) });

const vitals = record<ServerVitals>({
  upMs: amount,
  isFresh: bool,
  snapshotAgeMs: optional(amount),
  checkInsPerSecond: amount,
  permitsPerSecond: amount,
  reportsPerSecond: amount,
  permitLatency: latency,
  requestLatency: latency,
  eventLoopLagP99Ms: optional(amount),
  memoryBytes: optional(count),
  database: record<DatabaseVitals>({
    isReachable: bool,
    connectionsInUse: optional(count),
    connectionsMax: optional(count),
    waiting: optional(count),
  }),
});

/** Reads a state of a rollout. */
const rolloutState = keyOf<RolloutState>({
  draft: true,
  approved: true,
  running: true,
  paused: true,
  halted: true,
  'rolling-back': true,
  'rolled-back': true,
  completed: true,
  cancelled: true,
});

const stateCount = record<StateCount>({ state: reportedState, count });

const verdictKind = keyOf<Verdict['kind']>({ admit: true, hold: true, pause: true, halt: true, complete: true });

const verdictNote = record<VerdictNote>({ rolloutId, at: instant, kind: verdictKind, reason });

const funnel = record<Funnel>({
  population: count,
  mayDownload: count,
  permitted: count,
  underWay: count,
  verified: count,
  reverted: count,
  installFailed: count,
  arms: listOf(
    record<ArmOverview>({
      arm: keyOf<Arm>({ treated: true, control: true }),
      enrolled: count,
      silent: count,
      crashed: count,
      sensorFaults: count,
    }),
    { countMax: 2 },
  ),
});

const exposure = record<ExposureOverview>({
  waveName: text({ charactersMax: 128 }),
  waveNumber: count,
  waveCount: count,
  waveStartedAt: instant,
  pi: finite({ min: 0, max: 1 }),
  cap: count,
  granted: count,
  isComplete: bool,
  holdReason: optional(reason),
});

const segment = record<SegmentOverview>({
  segment: segmentId,
  population: count,
  cap: count,
  granted: count,
  isHalted: bool,
});

const figure = record<EvidenceFigure>({
  metric,
  segment: optional(segmentId),
  lnE: figureValue,
  threshold: figureValue,
  harmUpper: figureValue,
});

const orders = record<OrdersOverview>({
  regions: listOf(record<RegionOverview>({ region: label, isRollingBack: bool, population: count }), {
    countMax: REGIONS_SHOWN_MAX,
  }),
  regionCount: count,
  excludedCount: count,
  flags: listOf(
    record<FlagOverview>({
      severity: oneOf(['note', 'safety']),
      at: instant,
      by: text({ charactersMax: 256 }),
      reason,
      deviceId: optional(deviceId),
      region: optional(label),
    }),
    { countMax: FLAGS_SHOWN_MAX },
  ),
  flagCount: count,
  driverFlagCount: count,
  limitDevices: optional(count),
});

const rollout = record<RolloutOverview>({
  rolloutId,
  releaseId,
  deviceType: label,
  state: rolloutState,
  stateSince: instant,
  reason,
  funnel,
  exposure: optional(exposure),
  segments: listOf(segment, { countMax: SEGMENTS_SHOWN_MAX }),
  segmentCount: count,
  figures: listOf(figure, { countMax: FIGURES_SHOWN_MAX }),
  figureCount: count,
  evidenceAsOf: optional(instant),
  verdict: optional(verdictNote),
  orders: optional(orders),
});

const overview: Reader<Overview> = record<Overview>({
  at: instant,
  isConducted: bool,
  revision,
  pausedScopes: listOf(text({ charactersMax: 256 }), { countMax: 10_000 }),
  vitals,
  devices: optional(
    record<DeviceStates>({
      total: count,
      states: listOf(stateCount, { countMax: 64 }),
    }),
  ),
  rollouts: listOf(rollout, { countMax: ROLLOUTS_SHOWN_MAX }),
  rolloutCount: count,
  decisions: listOf(
    record<RepeatedVerdict>({ rolloutId, at: instant, kind: verdictKind, reason, since: instant, count }),
    {
      countMax: DECISIONS_SHOWN_MAX,
    },
  ),
});
