// SPDX-License-Identifier: Apache-2.0
import { AsyncLocalStorage } from 'node:async_hooks';
import { randomSecret } from '@outrider/adapters/shared/random';

/** The request that the running code belongs to. */
interface RequestContext {
  readonly sent: string | readonly string[] | undefined;
  id: string | undefined;
  traceId: string | undefined;
}

const requests = new AsyncLocalStorage<RequestContext>();

/** Ids of requests of one process begin alike, so that a number after it is enough for each. */
const PROCESS_BYTES = 4;
const processPart = randomSecret(PROCESS_BYTES);
let requestCount = 0;

/** What a client may choose as its request id: safe in logs and headers. */
const CHOSEN_ID = /^[A-Za-z0-9._:-]{1,64}$/;

/** Runs `work` as part of a request: lines of the log that come of it name its id and its trace. */
export function inRequest<T>(
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
  work: () => T,
): T {
  return requests.run({ sent: headers['x-request-id'], id: undefined, traceId: undefined }, work);
}

/** The id of the request under way: the one that the client sent, else one of ours; undefined outside of requests. */
export function requestId(): string | undefined {
  const request = requests.getStore();
  if (request === undefined) return undefined;
  request.id ??= chosenId(request.sent) ?? ownId();
  return request.id;
}

/** Names the trace of the request under way. */
export function setTraceId(traceId: string): void {
  const request = requests.getStore();
  if (request !== undefined) request.traceId = traceId;
}

/** For each line of the log. */
export function requestFields(): { readonly requestId?: string; readonly traceId?: string } {
  const id = requestId();
  const traceId = requests.getStore()?.traceId;
  return { ...(id === undefined ? {} : { requestId: id }), ...(traceId === undefined ? {} : { traceId }) };
}

function chosenId(sent: RequestContext['sent']): string | undefined {
  return typeof sent === 'string' && CHOSEN_ID.test(sent) ? sent : undefined;
}

function ownId(): string {
  requestCount++;
  return `${processPart}-${requestCount}`;
}
