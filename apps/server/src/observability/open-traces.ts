// SPDX-License-Identifier: Apache-2.0
import type { MachineClock } from '@outrider/domain/kernel/clock';
import type { OtlpSink } from './otlp-sink.ts';

/** The way to the collector that the settings name; without one nothing of OpenTelemetry is even loaded. */
export async function openTraces(
  settings: { readonly traceEndpoint: string | undefined; readonly traceSamplePermille: number },
  version: string,
  clock: MachineClock,
): Promise<OtlpSink | undefined> {
  const { traceEndpoint: endpoint, traceSamplePermille: samplePermille } = settings;
  if (endpoint === undefined) return undefined;
  const { openOtlpSink } = await import('./otlp-sink.ts');
  return openOtlpSink({ endpoint, version, samplePermille, clock });
}
