// SPDX-License-Identifier: Apache-2.0
import { DEVICE_HEADER } from '@outrider/protocol/gateway/request-signature';
import type { DeviceRequest } from '../gateway/device-request.ts';
import { type OpenTrace, openTrace, setTraceId } from '../log/request-context.ts';
import type { SpanSink } from '../ports.ts';
import { parseTraceparent, permitTrace, type SpanReference, traceparentOf } from './trace-context.ts';

/** Turns requests of devices into spans, once they are answered: only then is known what they were about. */
export interface RequestTraces {
  /** Undefined: nothing follows from this request that anybody could trace. */
  begin(request: DeviceRequest): OpenTrace | undefined;
  /** Records the spans of the request if it is sampled; answers with the `traceresponse` for it then. */
  end(trace: OpenTrace, request: DeviceRequest, status: number): string | undefined;
}

const NAMES: Readonly<Record<string, string>> = {
  '/v1/check-in': 'gateway.check-in',
  '/v1/permit': 'gateway.permit',
  '/v1/report': 'gateway.report',
};

/**
 * Requests a second that are traced because their device said so, whatever our own share is: a device may ask for its trace,
 * a fleet of them may not fill a disk with it.
 */
const ASKED_PER_SECOND_MAX = 50;

/** As long as an id may be: what came under its name may be anything. */
const DEVICE_ID_CHARACTERS_MAX = 128;

export function requestTraces(sink: SpanSink): RequestTraces {
  const asked = { sinceMs: 0, count: 0 };

  function mayAsk(): boolean {
    const nowMs = sink.now();
    if (nowMs - asked.sinceMs >= 1_000) Object.assign(asked, { sinceMs: nowMs, count: 0 });
    asked.count++;
    return asked.count <= ASKED_PER_SECOND_MAX;
  }

  return {
    begin: (request) => (Object.hasOwn(NAMES, request.path) ? openTrace(sink.now()) : undefined),

    end(trace, request, status) {
      const parent = parseTraceparent(request.headers.traceparent);
      const permit = permitTrace(trace.about.permitId);
      const isPermitSampled = permit !== undefined && sink.isSampled(permit.traceId);
      const isSampled = parent === undefined ? isPermitSampled : parent.isSampled && mayAsk();
      const isNew = trace.about.isNewRow === true;
      // Asked for under a trace of the device's own: the permit's trace gets its root all the same.
      const isRootApart = parent !== undefined && isPermitSampled && isNew;
      if (!isSampled && !isRootApart) return undefined;
      // The request that made the row is the root of the permit's trace; all others hang below it.
      const isRoot = parent === undefined && permit !== undefined && isNew;
      const traceId = parent?.traceId ?? permit?.traceId ?? sink.newTraceId();
      const own: SpanReference = isRoot ? permit : { traceId, spanId: sink.newSpanId() };
      const endedAt = sink.now();
      const attributes = {
        'http.request.method': request.method,
        'url.path': request.path,
        'http.response.status_code': status,
        'outrider.stage': 'gateway',
        'outrider.device_id': String(request.headers[DEVICE_HEADER] ?? '').slice(0, DEVICE_ID_CHARACTERS_MAX),
        ...trace.about.attributes,
      };
      if (isSampled) {
        const above = parent ?? (isRoot ? undefined : permit);
        sink.record({
          ...{
            name: NAMES[request.path] ?? 'gateway',
            kind: 'server',
            ...own,
            beganAt: trace.beganAt,
            endedAt,
            attributes,
          },
          ...(above === undefined ? {} : { parentSpanId: above.spanId }),
          links: parent !== undefined && permit !== undefined ? [permit] : [],
          isError: status >= 500,
        });
        for (const { name, beganAt, endedAt: phaseEndedAt, attributes: more } of trace.phases) {
          sink.record({
            ...{ name, kind: 'internal', traceId: own.traceId, spanId: sink.newSpanId(), parentSpanId: own.spanId },
            ...{ beganAt, endedAt: phaseEndedAt, attributes: { 'outrider.stage': 'gateway', ...more } },
            ...{ links: [], isError: false },
          });
        }
        setTraceId(own.traceId);
      }
      if (isRootApart && permit !== undefined) {
        const links = isSampled ? [own] : [];
        sink.record({
          ...{
            name: 'gateway.permit',
            kind: 'internal',
            ...permit,
            beganAt: trace.beganAt,
            endedAt,
            attributes,
            links,
          },
          isError: false,
        });
      }
      return isSampled ? traceparentOf(own, true) : undefined;
    },
  };
}
