// SPDX-License-Identifier: Apache-2.0
import { createServer, type Server as HttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Sha256 } from '@outrider/domain/kernel/ids';
import { ok, type Result } from '@outrider/domain/kernel/result';
import { type DurationMs, durationMs } from '@outrider/domain/kernel/time';
import type { CivilClock } from '@outrider/domain/trust/credentials';
import type { DigestText } from '@outrider/domain/trust/ports';
import { WAKE_PATH } from '@outrider/protocol/gateway/wake';
import type { Server } from '../compose.ts';
import type { Log, Schedule, ServerRole } from '../ports.ts';
import { auditRoutes } from './audit-routes.ts';
import { answerBrokenRequests } from './broken-request.ts';
import { type CheckInLane, checkInLane } from './check-in-lane.ts';
import { noCertificate } from './client-certificates.ts';
import type { ConnectionGate } from './connection-gate.ts';
import type { ConsoleFiles } from './console-files.ts';
import { consoleListener, isConsolePath } from './console-listener.ts';
import { ddiManagementRoutes } from './ddi-routes.ts';
import { deviceListener } from './device-listener.ts';
import { type DrainGate, drainGate } from './draining.ts';
import { evidenceRoutes } from './evidence-routes.ts';
import { forecastRoutes } from './forecast-routes.ts';
import { groupRoutes } from './group-routes.ts';
import { identityRoutes } from './identity-routes.ts';
import { installationRoutes } from './installation-routes.ts';
import { API_PREFIX } from './management.ts';
import { METRICS_PATH, type MetricsOptions, metricsListener } from './metrics-listener.ts';
import { type ListenError, type OpenPort, openPort } from './open-port.ts';
import { orderRoutes } from './order-routes.ts';
import { overviewRoutes } from './overview-routes.ts';
import { peopleDoor } from './people-door.ts';
import { registryRoutes } from './registry-routes.ts';
import { releaseRoutes } from './release-routes.ts';
import { rolloutRoutes } from './rollout-routes.ts';
import { refusingMessages } from './served-elsewhere.ts';
import { type IssuerSetup, isSignInPath } from './sign-in-listener.ts';
import type { WakeListener } from './wake-listener.ts';

/** The open port of a server. */
export interface Listener {
  readonly url: string;
  /** Turns new requests away, lets those under way finish for a while, then ends all connections. */
  close(): Promise<void>;
}

export interface ListenOptions {
  readonly server: Server;
  /** Whom it answers: a gateway devices, a control plane people. Absent: all. */
  readonly role?: ServerRole;
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly version: string;
  /** Where others reach it through a proxy. */
  readonly publicUrl?: string | undefined;
  /** Absent on a gateway, which answers no people. */
  readonly adminTokenDigest: Sha256 | undefined;
  readonly digestText: DigestText;
  readonly schedule: Schedule;
  /** Devices that listen over WebSockets. Absent: they may by requests alone. */
  readonly wakes?: WakeListener;
  /** Who may hold how many connections. Absent: whoever comes is taken. */
  readonly connections?: ConnectionGate;
  /** How long it goes on answering after it said that it is not ready. Absent: not at all. */
  readonly drainDelayMs?: DurationMs;
  /** Absent: there is no `/metrics`. */
  readonly metrics?: Pick<MetricsOptions, 'metrics' | 'tokenDigests'>;
  /** How people sign in; told where they reach this server. Absent: by the administrator's token and service tokens alone. */
  readonly issuer?: (origin: string) => IssuerSetup;
  /** Another one than this machine's, in tests. */
  readonly civilClock?: CivilClock;
  /** The page for people, at `/`. Absent: there is none. */
  readonly consoleFiles?: ConsoleFiles;
  readonly log: Log;
}

/** Devices keep their connections: setting one up costs more than an answer. Longer than the idle time of proxies. */
const KEEP_ALIVE_MS = 75_000;
/** The upload of an image of a gigabyte at 20 Mbit/s; bodies of devices are of 64 KiB and cut there. */
const REQUEST_MS = 600_000;
const HEADERS_MS = 15_000;

/** Of every socket that devices come by. */
export const DEVICE_TIMEOUTS = {
  keepAliveTimeout: KEEP_ALIVE_MS,
  headersTimeout: HEADERS_MS,
  requestTimeout: REQUEST_MS,
  // No route depends on the name it was called by.
  requireHostHeader: false,
  // Whoever offers to speak another protocol, as curl does with HTTP/2, is answered in this one.
  shouldUpgradeCallback: ({ url, headers }: IncomingMessage) =>
    url === WAKE_PATH && headers.upgrade?.toLowerCase() === 'websocket',
} as const;

/** For requests under way when the server stops: the longest commit is far below it; a slow body is sent again. */
const DRAIN_MS = durationMs(1_500);

/** What devices say: most of all requests. */
const MESSAGES_PREFIX = '/v1/';

/** Opens the one port: `/api/v1/*` is the management API, `/` the page for people, all else is for devices. */
export async function listen(options: ListenOptions): Promise<Result<Listener, ListenError>> {
  const { server, host, port, log } = options;
  const routes = [
    ...releaseRoutes(server),
    ...rolloutRoutes(server),
    ...forecastRoutes(server),
    ...evidenceRoutes(server),
    ...installationRoutes(server),
    ...registryRoutes(server),
    ...groupRoutes(server),
    ...orderRoutes(server),
    ...overviewRoutes(server),
    ...identityRoutes(server),
    ...auditRoutes(server),
    ...ddiManagementRoutes(server),
  ];
  const { digestText } = options;
  const { manage, answerSignIn, opened: onOpened } = await peopleDoor(routes, options);
  const answerMetrics =
    options.metrics === undefined ? undefined : metricsListener({ ...options.metrics, digestText, log });
  const answerConsole = options.consoleFiles === undefined ? undefined : consoleListener(options.consoleFiles);
  const handler =
    options.role === 'control'
      ? { handle: refusingMessages(server.handleDevice) }
      : { handle: server.handleDevice, handleAtOnce: server.handleDeviceAtOnce };
  const answerDevice = deviceListener(handler, noCertificate, { log, schedule: options.schedule });
  const http = createServer(DEVICE_TIMEOUTS);
  answerBrokenRequests(http, (code) => server.recorder.counters.add('refused', code));
  if (options.role !== 'control') options.wakes?.attach(http, noCertificate);
  const gate = drainGate(options.schedule);
  const lane = checkInLane(http, { handler, certificateOf: noCertificate, gate, machineClock: server.machineClock });
  // After the lane: nobody comes to it who is not let in.
  options.connections?.guard(http);
  http.on('request', (request: IncomingMessage, response: ServerResponse) => {
    if (!gate.admits(request, response)) return;
    if (request.url?.startsWith(MESSAGES_PREFIX)) return answerDevice(request, response);
    const path = request.url?.split('?', 1)[0] ?? '';
    if (answerMetrics !== undefined && path === METRICS_PATH) return answerMetrics(request, response);
    if (answerConsole !== undefined && isConsolePath(path)) return answerConsole(request, response);
    if (isSignInPath(path)) return answerSignIn(request, response);
    const isManagement = request.url?.startsWith(`${API_PREFIX}/`) ?? false;
    (isManagement ? manage : answerDevice)(request, response);
  });
  const opened = await openPort(http, host, port, '--port');
  if (!opened.ok) return opened;
  const url = `http://${host}:${opened.value.port}`;
  onOpened(url);
  return ok({ url, close: () => closeListener(http, { gate, lane, port: opened.value }, options) });
}

/** The port stays open until all is answered: who comes meanwhile hears why, and when to come again. */
export async function closeListener(
  http: HttpServer,
  {
    gate,
    lane,
    port,
  }: { readonly gate: DrainGate; readonly lane: CheckInLane; readonly port: Pick<OpenPort, 'close'> },
  { log, schedule, drainDelayMs, wakes }: Pick<ListenOptions, 'log' | 'schedule' | 'drainDelayMs' | 'wakes'>,
): Promise<void> {
  // At once: those who listen have the whole delay to come to another one.
  wakes?.leave();
  if (drainDelayMs !== undefined && drainDelayMs > 0) {
    gate.leave();
    log.info(
      { stage: 'server', code: 'leaving', drainDelayMs },
      'The server is not ready any more, and goes on for a while',
    );
    await new Promise<void>((resolve) => schedule.after(drainDelayMs, resolve));
  }
  const cut = await gate.drain(DRAIN_MS);
  if (cut > 0) log.warn({ stage: 'server', code: 'requests-cut', cut }, 'Requests under way were cut off');
  const closed = port.close();
  lane.close();
  http.closeAllConnections();
  wakes?.end();
  await closed;
}
