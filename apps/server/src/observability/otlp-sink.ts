// SPDX-License-Identifier: Apache-2.0
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, TraceFlags, trace } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AlwaysOnSampler,
  BatchSpanProcessor,
  RandomIdGenerator,
  SamplingDecision,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { delay } from '@outrider/adapters/shared/delay';
import type { MachineClock } from '@outrider/domain/kernel/clock';
import type { EndedSpan, SpanSink } from '../ports.ts';

/** A sink that sends spans to an OpenTelemetry collector. */
export interface OtlpSink extends SpanSink {
  /** Sends what is waiting, for a second at most, and ends. */
  close(): Promise<void>;
}

/** Spans that wait to be sent; while the collector is away the rest is dropped, and nothing else suffers. */
const WAITING_SPANS_MAX = 8_192;
const BATCH_SPANS_MAX = 512;
const SEND_EVERY_MS = 1_000;
const SEND_MS = 5_000;
const CLOSE_MS = 1_000;
const PERMILLE = 1_000;

/** Opens the way to a collector: OTLP over HTTP, JSON, `<endpoint>/v1/traces`. Nothing is sent before there is a span. */
export function openOtlpSink(options: {
  /** Without `/v1/traces`, as in OTEL_EXPORTER_OTLP_ENDPOINT. */
  readonly endpoint: string;
  readonly version: string;
  /** Share of traces that are kept, by trace id: all spans of a trace, on all servers, or none. */
  readonly samplePermille: number;
  readonly clock: MachineClock;
}): OtlpSink {
  const { endpoint, version, samplePermille, clock } = options;
  const ids = new RandomIdGenerator();
  // Ours are known before the span: the generator hands over what the next span is to have.
  let next = { traceId: '', spanId: '' };
  const exporter = new OTLPTraceExporter({ url: `${endpoint.replace(/\/+$/, '')}/v1/traces`, timeoutMillis: SEND_MS });
  const processor = new BatchSpanProcessor({
    exporter,
    maxQueueSize: WAITING_SPANS_MAX,
    maxExportBatchSize: BATCH_SPANS_MAX,
    scheduledDelayMillis: SEND_EVERY_MS,
    exportTimeoutMillis: SEND_MS,
  });
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'outrider-server', 'service.version': version }),
    // What is not sampled never gets here.
    sampler: new AlwaysOnSampler(),
    idGenerator: { generateTraceId: () => next.traceId, generateSpanId: () => next.spanId },
    spanProcessors: [processor],
  });
  const tracer = provider.getTracer('outrider', version);
  const share = new TraceIdRatioBasedSampler(samplePermille / PERMILLE);

  function record(span: EndedSpan): void {
    next = { traceId: span.traceId, spanId: span.spanId };
    const context =
      span.parentSpanId === undefined
        ? ROOT_CONTEXT
        : trace.setSpanContext(ROOT_CONTEXT, {
            ...{ traceId: span.traceId, spanId: span.parentSpanId, traceFlags: TraceFlags.SAMPLED },
          });
    const started = tracer.startSpan(
      span.name,
      {
        kind: span.kind === 'server' ? SpanKind.SERVER : SpanKind.INTERNAL,
        startTime: span.beganAt,
        attributes: span.attributes,
        links: span.links.map((link) => ({ context: { ...link, traceFlags: TraceFlags.SAMPLED } })),
      },
      context,
    );
    if (span.isError) started.setStatus({ code: SpanStatusCode.ERROR });
    started.end(span.endedAt);
  }

  return {
    now: () => clock.now(),
    newTraceId: () => ids.generateTraceId(),
    newSpanId: () => ids.generateSpanId(),
    isSampled: (traceId) => share.shouldSample(ROOT_CONTEXT, traceId).decision === SamplingDecision.RECORD_AND_SAMPLED,
    record,
    async close() {
      // A collector that is away must not keep a server from stopping.
      await Promise.race([provider.shutdown().catch(() => undefined), delay(CLOSE_MS)]);
    },
  };
}
