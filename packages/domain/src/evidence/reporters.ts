// SPDX-License-Identifier: Apache-2.0
import type { DeviceRecord } from '../gateway/device-record.ts';
import type { Arm, LedgerOutcome } from '../gateway/ledger.ts';
import type { DeviceId, KeyId, SegmentId } from '../kernel/ids.ts';
import { type FleetInstant, instantText } from '../kernel/time.ts';
import type { MetricName, RolloutPlan } from '../policy/rollout.ts';
import { eventsBetween } from './events.ts';
import type { CoinMetric, EvidenceEvent } from './evidence.ts';

/** A device of which at least one event is counted, or would be if it were believed. */
export interface Reporter {
  readonly deviceId: DeviceId;
  /** The key that signs its reports. */
  readonly keyId: KeyId;
  readonly segment: SegmentId;
  readonly region: string;
  readonly arm: Arm;
  readonly metrics: readonly MetricName[];
  /** When the first of its events was heard; absent where all of them are silence. */
  readonly firstEventAt?: FleetInstant;
  readonly registeredAt: FleetInstant;
  readonly isExcluded: boolean;
}

/** What reporters have in common: stolen keys come from one workshop, one shipment or one day more often than faults do. */
export interface Cluster {
  readonly by: 'region' | 'segment' | 'model' | 'customer' | 'carrier' | 'registered on';
  readonly value: string;
  readonly reporters: number;
}

/** The events of one ledger row up to an instant as the metrics they count for, each once; none: it is no reporter. */
export function metricsOf(outcome: LedgerOutcome, plan: RolloutPlan, upTo: FleetInstant): readonly MetricName[] {
  const events = eventsBetween(outcome, { afterMs: -1, upTo }, plan);
  return [...new Set(events.flatMap(metricOf))];
}

/** What a person sees of a row with events and its device. */
export function reporterOf(
  { row, ...heard }: LedgerOutcome,
  record: DeviceRecord,
  known: { readonly metrics: readonly MetricName[]; readonly isExcluded: boolean },
): Reporter {
  const heardAt = [heard.revertedAt, heard.installFailedAt, heard.crashedAt, heard.sensorFaultAt];
  const first = heardAt.reduce((least, at) => (least === undefined || (at ?? least) < least ? at : least), undefined);
  return {
    deviceId: row.deviceId,
    keyId: record.publicKey.keyId,
    segment: row.segment,
    region: record.attributes.region,
    arm: row.arm,
    ...known,
    ...(first === undefined ? {} : { firstEventAt: first }),
    registeredAt: record.registeredAt,
  };
}

/** The largest groups among the devices that reported, largest first; a group of one is none. */
export function clustersOf(
  records: readonly DeviceRecord[],
  segmentOf: (id: DeviceId) => SegmentId,
): readonly Cluster[] {
  const counts = new Map<string, Cluster>();
  for (const { deviceId, attributes, registeredAt } of records) {
    const { region, model, customer, carrier } = attributes;
    const day = instantText(registeredAt).slice(0, DATE_CHARACTERS);
    const values: Readonly<Record<Cluster['by'], string>> = {
      ...{ region, segment: segmentOf(deviceId), model, customer, carrier },
      'registered on': day,
    };
    for (const by of DIMENSIONS) {
      const value = values[by];
      const key = `${by} ${value}`;
      counts.set(key, { by, value, reporters: (counts.get(key)?.reporters ?? 0) + 1 });
    }
  }
  const groups = [...counts.values()].filter((one) => one.reporters > 1);
  return groups.sort((a, b) => b.reporters - a.reporters || (a.by < b.by ? -1 : 1)).slice(0, CLUSTERS_MAX);
}

const DIMENSIONS: readonly Cluster['by'][] = ['region', 'segment', 'model', 'customer', 'carrier', 'registered on'];
/** `2026-11-21`. */
const DATE_CHARACTERS = 10;
/** What a person reads. */
const CLUSTERS_MAX = 24;

function metricOf(event: EvidenceEvent): readonly MetricName[] {
  switch (event.kind) {
    case 'reverted':
      return ['revert'];
    case 'install-failed':
      return ['install'];
    case 'coin-event': {
      const metric: CoinMetric = event.metric;
      return [metric];
    }
    default:
      return [];
  }
}
