// SPDX-License-Identifier: Apache-2.0
import { AsyncLocalStorage } from 'node:async_hooks';
import { randomSecret } from '@outrider/adapters/shared/random';
import type { PermitId } from '@outrider/domain/kernel/ids';
import type { MachineInstant } from '@outrider/domain/kernel/time';
import type { Person } from '@outrider/domain/trust/person';

/** The request that the running code belongs to. */
interface RequestContext {
  readonly sent: string | readonly string[] | undefined;
  id: string | undefined;
  traceId: string | undefined;
  trace: OpenTrace | undefined;
  person: Person | undefined;
  session: string | undefined;
}

/** What is gathered about a request that may be traced, until it is answered. */
export interface OpenTrace {
  readonly beganAt: MachineInstant;
  readonly phases: TracePhase[];
  about: TraceAbout;
}

/** A part of the request that took its time. */
export interface TracePhase {
  readonly name: string;
  readonly beganAt: MachineInstant;
  readonly endedAt: MachineInstant;
  readonly attributes: Readonly<Record<string, string | number>>;
}

/** What the request was about: known once it is answered. */
export interface TraceAbout {
  /** The permit it belongs to: given, asked for, reported about, or the one that an offer leads to. */
  readonly permitId?: PermitId;
  /** The request made the row of that permit. */
  readonly isNewRow?: boolean;
  readonly attributes: Readonly<Record<string, string | number>>;
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
  return requests.run(
    {
      sent: headers['x-request-id'],
      id: undefined,
      traceId: undefined,
      trace: undefined,
      person: undefined,
      session: undefined,
    },
    work,
  );
}

/** The id of the request under way: the one that the client sent, else one of ours; undefined outside of requests. */
export function requestId(): string | undefined {
  const request = requests.getStore();
  if (request === undefined) return undefined;
  request.id ??= chosenId(request.sent) ?? ownId();
  return request.id;
}

/** Says who is behind the request under way, once that is known, and what their cookie holds if they came by one. */
export function setPerson(person: Person, session?: string): void {
  const request = requests.getStore();
  if (request === undefined) return;
  request.person = person;
  request.session = session;
}

/** The secret of the session that the request under way came by. */
export function currentSession(): string | undefined {
  return requests.getStore()?.session;
}

/** Who is behind the request under way; undefined for devices, and for what the server does by itself. */
export function currentPerson(): Person | undefined {
  return requests.getStore()?.person;
}

/** Names the trace of the request under way. */
export function setTraceId(traceId: string): void {
  const request = requests.getStore();
  if (request !== undefined) request.traceId = traceId;
}

/** Begins to gather what the request under way is about. */
export function openTrace(beganAt: MachineInstant): OpenTrace | undefined {
  const request = requests.getStore();
  if (request === undefined) return undefined;
  request.trace = { beganAt, phases: [], about: { attributes: {} } };
  return request.trace;
}

/** What is gathered about the request under way; undefined, and nothing to be paid, where it is not traced. */
export function currentTrace(): OpenTrace | undefined {
  return requests.getStore()?.trace;
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
