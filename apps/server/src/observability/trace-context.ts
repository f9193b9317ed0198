// SPDX-License-Identifier: Apache-2.0
import type { PermitId } from '@outrider/domain/kernel/ids';

/** A span as others refer to it. */
export interface SpanReference {
  /** 32 lower-case hexadecimal digits, not all zero. */
  readonly traceId: string;
  /** 16 of them. */
  readonly spanId: string;
}

/** What came in the header `traceparent`. */
export interface TraceParent extends SpanReference {
  readonly isSampled: boolean;
}

/** W3C Trace Context §3.2: a version that we do not know is read as far as we know it; `ff` is forbidden. */
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const SAMPLED = 0x01;

/** The span that a request is part of; undefined when the header is absent or malformed, as the standard wants it. */
export function parseTraceparent(header: string | readonly string[] | undefined): TraceParent | undefined {
  const found = typeof header === 'string' ? TRACEPARENT.exec(header) : null;
  const [, traceId, spanId, flags, more] = found ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  const isOfOurVersion = typeof header === 'string' && header.startsWith('00-');
  if (isZero(traceId) || isZero(spanId) || (isOfOurVersion && more !== undefined)) return undefined;
  return { traceId, spanId, isSampled: (Number.parseInt(flags, 16) & SAMPLED) === SAMPLED };
}

/** The same for a header, version 00. */
export function traceparentOf({ traceId, spanId }: SpanReference, isSampled: boolean): string {
  return `00-${traceId}-${spanId}-${isSampled ? '01' : '00'}`;
}

/**
 * The trace of a permit is named by its id: whoever has a permit, from the ledger, a report or a log, has its trace, days later
 * and on any server, without a table in between. Its root span has the first half of the id for a name. Undefined for an
 * id of another form, which no server of ours gives.
 */
export function permitTrace(permitId: PermitId | undefined): SpanReference | undefined {
  if (permitId === undefined || !/^[0-9a-f]{32}$/.test(permitId)) return undefined;
  const spanId = permitId.slice(0, 16);
  return isZero(spanId) ? undefined : { traceId: permitId, spanId };
}

function isZero(digits: string): boolean {
  return /^0+$/.test(digits);
}
