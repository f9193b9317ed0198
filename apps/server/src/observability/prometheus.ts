// SPDX-License-Identifier: Apache-2.0
import { Counter, collectDefaultMetrics, Gauge, type Histogram, Registry } from 'prom-client';
import type { Server } from '../compose.ts';
import { type GaugeReading, readGauges } from './gauge-readings.ts';
import { type HistogramSpec, METRICS } from './metric-table.ts';
import { type Recorder, TIMING_BOUNDS } from './recorder.ts';

/** What `GET /metrics` answers. */
export interface Metrics {
  readonly contentType: string;
  text(): Promise<string>;
}

/** The metrics of a server, with those of its process. All is read when it is asked for; a request pays for none of it. */
export function prometheusMetrics(server: Server, version: string): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const { recorder } = server;
  let gauges: Promise<Readonly<Record<string, readonly GaugeReading[]>>> | undefined;
  for (const metric of METRICS) {
    const { name, help, labels } = metric;
    const shared = { name, help, labelNames: [...labels], registers: [registry] };
    switch (metric.kind) {
      case 'counter':
        new Counter({
          ...shared,
          collect() {
            this.reset();
            const [label = ''] = labels;
            const counts = recorder.counters.read()[metric.family] ?? {};
            for (const [code, count] of Object.entries(counts)) this.inc({ [label]: code }, count);
          },
        });
        break;
      case 'gauge':
        new Gauge({
          ...shared,
          async collect() {
            this.reset();
            gauges ??= server.readGaugeWorld(version).then(readGauges);
            for (const { labels: own, value } of (await gauges)[metric.source] ?? []) this.set(own, value);
          },
        });
        break;
      case 'histogram':
        // The registry asks a metric for its name and for `get`, and for nothing else; its type names four classes.
        registry.registerMetric(readHistogram(metric, recorder) as unknown as Histogram);
        break;
    }
  }
  return {
    contentType: registry.contentType,
    text() {
      gauges = undefined;
      return registry.metrics();
    },
  };
}

/** A histogram whose buckets are those that the recorder has counted already. */
function readHistogram({ name, help, timing, divisor }: HistogramSpec, recorder: Recorder) {
  return {
    name,
    async get() {
      const { counts, sum } = recorder.timings[timing].read();
      let total = 0;
      const buckets = counts.map((count, index) => {
        total += count;
        const bound = TIMING_BOUNDS[timing][index];
        const le = bound === undefined ? '+Inf' : String(bound / divisor);
        return { metricName: `${name}_bucket`, labels: { le }, value: total };
      });
      return {
        ...{ name, help, type: 'histogram', aggregator: 'sum' },
        values: [
          ...buckets,
          { metricName: `${name}_sum`, labels: {}, value: sum / divisor },
          { metricName: `${name}_count`, labels: {}, value: total },
        ],
      };
    },
  };
}
