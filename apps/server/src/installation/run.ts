// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { openBlobFolder } from '@outrider/adapters/server/blob-folder';
import type { CaFiles } from '@outrider/adapters/server/ca/ca-folder';
import { readDiskSpace } from '@outrider/adapters/server/disk-space';
import { monotonicClock, wallClock } from '@outrider/adapters/shared/clock';
import { digestText } from '@outrider/adapters/shared/digest';
import { createVerifier } from '@outrider/adapters/shared/ed25519';
import { createFolder, errorCode, isDiskFull } from '@outrider/adapters/shared/files';
import { loopTurns } from '@outrider/adapters/shared/loop-turns';
import {
  MetadataFault,
  metadataFolder,
  newestRoot,
  REPOSITORY_FOLDER,
} from '@outrider/adapters/shared/metadata-repository';
import { randomWord } from '@outrider/adapters/shared/random';
import { present } from '@outrider/domain/kernel/assert';
import type { FleetClock } from '@outrider/domain/kernel/clock';
import { durationMs } from '@outrider/domain/kernel/time';
import type { PolicyNotices } from '@outrider/domain/policy/ports';
import { composeServer, type Server } from '../compose.ts';
import { StartError } from '../exit-codes.ts';
import { connectionGate } from '../http/connection-gate.ts';
import { loadConsoleFiles } from '../http/console-files.ts';
import { type Listener, type ListenOptions, listen } from '../http/listen.ts';
import { listenToTerminator } from '../http/terminator-listener.ts';
import { listenWithTls } from '../http/tls-listener.ts';
import { wakeListener } from '../http/wake-listener.ts';
import { readHostVitals } from '../observability/host-vitals.ts';
import { openTraces } from '../observability/open-traces.ts';
import { prometheusMetrics } from '../observability/prometheus.ts';
import type { Log, Schedule } from '../ports.ts';
import { startAudit } from '../trust/audit-start.ts';
import { type Database, openDatabase, refuseUnfinishedRestore } from './database.ts';
import type { Flags } from './flags.ts';
import { ownIssuer, settleIssuer } from './issuer.ts';
import { openCa } from './open-ca.ts';
import { openClock } from './open-clock.ts';
import { approverRoleSource, releaseRoleSource } from './release-role.ts';
import { loadOnlineKeys, refuseForeignSecrets, settleInstanceId, settlePermitKey, settleToken } from './secrets.ts';
import { serverFile } from './server-file.ts';

/** What the program gives: its settings, and what only `main.ts` may touch. */
export interface ProgramWorld {
  readonly flags: Flags;
  readonly version: string;
  /** Where the built page for people lies. Absent: the server has none. */
  readonly consoleFolder?: string;
  readonly pid: number;
  readonly schedule: Schedule;
  readonly log: Log;
  /** What a proof puts between the server and its world, to break it there; the program itself has nothing to put. */
  readonly between?: Between;
}

/** Stands where the server meets its database, other servers and the clock. */
export interface Between {
  readonly onAnswer: (statement: string) => void;
  readonly notices: (notices: PolicyNotices) => PolicyNotices;
  /** The wall clock that is guarded. */
  readonly wallClock: FleetClock;
}

export interface RunningServer {
  readonly url: string;
  /** For mutual TLS; absent where there is no CA. */
  readonly tlsUrl?: string;
  /** Drains and ends everything, PostgreSQL last. */
  stop(): Promise<void>;
}

/** Only the owner: the folder holds tokens and keys. */
const DATA_FOLDER_MODE = 0o700;

/** Starts a whole installation in one process. Throws StartError, and leaves nothing running then. */
export function runServer(world: ProgramWorld): Promise<RunningServer> {
  return namingFiles(world.flags.dataFolder, () => startServer(world));
}

async function startServer(world: ProgramWorld): Promise<RunningServer> {
  const { flags, log } = world;
  const { dataFolder, secretsFolder, role } = flags;
  const isGateway = role === 'gateway';
  const own = isGateway ? undefined : ownIssuer(flags);
  await createFolder(dataFolder, DATA_FOLDER_MODE);
  const ownFile = serverFile(dataFolder);
  await ownFile.refuseSecondServer();
  await refuseUnfinishedRestore(dataFolder);
  const secrets = { folder: secretsFolder, isMaking: !isGateway };
  if (secrets.isMaking) await createFolder(secretsFolder, DATA_FOLDER_MODE);
  // A gateway answers no people: their token is no business of its machine.
  const adminTokenDigest = isGateway ? undefined : await settleToken(secrets, 'admin-token');
  const registrationTokenDigest = await settleToken(secrets, 'registration-token');
  const metricsTokenDigest = await settleToken(secrets, 'metrics-token');
  log.hide?.([
    ...(adminTokenDigest === undefined ? [] : [adminTokenDigest]),
    registrationTokenDigest,
    metricsTokenDigest,
  ]);
  const permitSigner = await settlePermitKey(secrets);
  const instanceId = await settleInstanceId(dataFolder);
  const loadReleaseRole = await releaseRoleSource(flags, log);
  const ca = await openCa(secretsFolder, flags.certificateLifeDays, log);
  const loadApproverRole = approverRoleSource(secretsFolder, log);
  const blobs = await openBlobFolder(flags.blobFolder);
  const database = await openBetween(world);
  return endingOnFailure(database, async () => {
    const machineClock = monotonicClock();
    const spanSink = await openTraces(flags, world.version, machineClock);
    const clock = await openClock(flags, database, {
      machineClock,
      log,
      wall: world.between?.wallClock ?? wallClock(),
    });
    const { installation } = database.store;
    const audit = startAudit({ installation, fleetClock: clock.fleetClock, digestText });
    if (adminTokenDigest === undefined) {
      const own = { 'permit-key': permitSigner.publicKey.keyId, 'registration-token': registrationTokenDigest };
      await refuseForeignSecrets(installation, own);
    } else {
      await audit.noteStart(world.version, [
        { action: 'token-in-force', subject: 'admin-token', digest: adminTokenDigest },
        { action: 'token-in-force', subject: 'registration-token', digest: registrationTokenDigest },
        { action: 'token-in-force', subject: 'metrics-token', digest: metricsTokenDigest },
        { action: 'key-in-force', subject: 'permit-key', digest: permitSigner.publicKey.keyId },
      ]);
    }
    const server = composeServer({
      store: database.store,
      ...{ role, instanceId, blobs },
      hashKey: [randomWord(), randomWord()],
      notices: database.notices,
      ...clock,
      machineClock,
      hostVitals: readHostVitals(machineClock),
      loopTurns: loopTurns(),
      diskSpace: () => readDiskSpace(dataFolder),
      ...(spanSink === undefined ? {} : { spanSink }),
      schedule: world.schedule,
      permitSigner,
      verifier: createVerifier(),
      digestText,
      loadReleaseRole: isGateway ? loadReleaseRole : audit.notingRole('release-role', loadReleaseRole),
      loadApproverRole: isGateway ? loadApproverRole : audit.notingRole('approver-role', loadApproverRole),
      registrationTokenDigest,
      repositories: {
        files: metadataFolder(join(secretsFolder, REPOSITORY_FOLDER)),
        loadKeys: () => loadOnlineKeys(secretsFolder),
      },
      ...ca?.ports,
      ...(flags.publicUrl === undefined ? {} : { publicUrl: flags.publicUrl }),
      ddiTenant: flags.ddiTenant,
      log,
    });
    return closingOnFailure(server, world, async () => {
      await server.drain();
      tellRestore(server, log);
      await tellMissingRoots(secretsFolder, log);
      if (role !== 'control') await server.warmUp();
      server.start();
      const { host, port, publicUrl } = flags;
      const { version, schedule } = world;
      const metrics = flags.hasMetrics
        ? {
            metrics: {
              metrics: prometheusMetrics(server, version),
              tokenDigests: [metricsTokenDigest, ...(adminTokenDigest === undefined ? [] : [adminTokenDigest])],
            },
          }
        : {};
      const { consoleFolder } = world;
      const page =
        consoleFolder === undefined || isGateway ? {} : { consoleFiles: await loadConsoleFiles(consoleFolder) };
      const issuer = isGateway
        ? undefined
        : await settleIssuer(flags, { secrets, installation, machineClock, log, own });
      const listener = await openListeners(
        { ...flags, files: ca?.files },
        {
          drainDelayMs: durationMs(flags.drainDelayMs),
          ...{ server, role, host, port, publicUrl, version, adminTokenDigest, digestText, schedule, log },
          wakes: wakeListener({ wakes: server.wakes, schedule, log }),
          connections: connectionGate({
            ...{ rules: flags.connections, schedule },
            onRefused: (reason) => server.recorder.counters.add('connection', reason),
          }),
          ...page,
          ...metrics,
          ...(issuer === undefined ? {} : { issuer }),
        },
      );
      try {
        await ownFile.write(listener, world.pid);
      } catch (cause) {
        await listener.close();
        throw cause;
      }
      return {
        url: listener.url,
        ...(listener.tlsUrl === undefined ? {} : { tlsUrl: listener.tlsUrl }),
        async stop() {
          await ownFile.remove().catch((cause: unknown) => {
            log.warn({ stage: 'server', code: 'server-file-left', err: cause }, 'The file server.json was not removed');
          });
          await listener.close();
          await flushedInTime(server, world);
          await Promise.all([database.close(), spanSink?.close()]);
        },
      };
    });
  });
}

/** Opens the port, that for mutual TLS and the socket of a terminator, as far as they are wanted: all of them, or none. */
async function openListeners(
  { terminatorSocket, tlsPort, files }: ListenerPlaces,
  options: ListenOptions,
): Promise<Listener & { readonly tlsUrl?: string }> {
  const { server, host, schedule, log, drainDelayMs, connections, wakes } = options;
  const common = {
    ...{ server, schedule, log },
    ...(drainDelayMs === undefined ? {} : { drainDelayMs }),
    ...(wakes === undefined ? {} : { wakes }),
  };
  const refused = (reason: string) => server.recorder.counters.add('connection', reason);
  const guarded = connections === undefined ? common : { ...common, connections };
  const openings = [
    () => listen(options),
    ...(files === undefined || options.role === 'control'
      ? []
      : [() => listenWithTls({ ...guarded, files, host, port: tlsPort, clock: wallClock(), onRefused: refused })]),
    ...(terminatorSocket === undefined ? [] : [() => listenToTerminator({ ...common, path: terminatorSocket })]),
  ];
  const opened: { close(): Promise<void>; readonly url?: string }[] = [];
  for (const open of openings) {
    const one = await open();
    if (one.ok) {
      opened.push(one.value);
      continue;
    }
    await Promise.all(opened.map((other) => other.close()));
    throw new StartError(one.error.code, one.error.detail);
  }
  const urls = opened.flatMap((one) => one.url ?? []);
  const tlsUrl = urls.find((url) => url.startsWith('https:'));
  return {
    url: present(urls[0], 'the URL of the port'),
    ...(tlsUrl === undefined ? {} : { tlsUrl }),
    async close() {
      await Promise.all(opened.map((one) => one.close()));
    },
  };
}

interface ListenerPlaces {
  readonly terminatorSocket: string | undefined;
  readonly tlsPort: number;
  /** Of the CA; undefined: there is none, and no mutual TLS. */
  readonly files: CaFiles | undefined;
}

async function openBetween({ flags, log, between }: ProgramWorld): Promise<Database> {
  const { dataFolder } = flags;
  if (between === undefined) return await openDatabase(flags, dataFolder, log);
  const database = await openDatabase({ ...flags, onAnswer: between.onAnswer }, dataFolder, log);
  return { ...database, notices: between.notices(database.notices) };
}

/** Everything is paused after a restore, and a person has to say that it may go on. */
function tellRestore({ queries }: Server, log: Log): void {
  const { restored } = queries.status();
  if (restored === undefined) return;
  const { revision, reason } = restored;
  const message = `${reason}: everything is paused until \`outrider resume global\``;
  log.warn({ stage: 'server', code: 'restored', revision }, message);
}

/** Without roots a server runs on, as those of before did; it says so, since nobody would notice what devices then cannot. */
async function tellMissingRoots(folder: string, log: Log): Promise<void> {
  const files = metadataFolder(join(folder, REPOSITORY_FOLDER));
  try {
    const [image, director] = [await newestRoot(files, 'image'), await newestRoot(files, 'director')];
    if (image !== undefined && director !== undefined) return;
    const message =
      image === undefined && director === undefined
        ? `There are no repositories in ${folder}, so devices pin keys alone: they cannot tell a frozen server, and keep a stolen key for good; found them with \`outrider trust init\``
        : `The repositories in ${folder} have a root of the ${image === undefined ? 'director' : 'image repository'} alone; run \`outrider trust init\` again, or restore the folder repository from a backup`;
    log.warn({ stage: 'release', code: 'repositories-missing' }, message);
  } catch (cause) {
    if (!(cause instanceof MetadataFault)) throw cause;
    log.error({ stage: 'release', code: 'repositories-missing', err: cause }, cause.message);
  }
}

/** What is gathered is a few statements; together with the drain of requests it stays below the time to stop. */
const FLUSH_MS = durationMs(1_500);

/** A database that does not answer must not keep us from ending it: what was acknowledged it has already. */
async function flushedInTime(server: Server, { schedule, log }: ProgramWorld): Promise<void> {
  const message = 'Not all that was gathered could be written: contacts of the last seconds, which devices make again';
  await new Promise<void>((resolve) => {
    const cancel = schedule.after(FLUSH_MS, () => {
      log.warn({ stage: 'server', code: 'store-away', waitedMs: FLUSH_MS }, message);
      resolve();
    });
    server
      .close()
      .catch((cause: unknown) => log.warn({ stage: 'server', code: 'store-away', err: cause }, message))
      .finally(() => {
        cancel();
        resolve();
      });
  });
}

/** A folder or file that is not readable, not writable or of another kind is no fault of the program: it has a name. */
async function namingFiles<T>(dataFolder: string, start: () => Promise<T>): Promise<T> {
  try {
    return await start();
  } catch (cause) {
    // Only faults of files have a path.
    if (!(cause instanceof Error) || errorCode(cause) === undefined) throw cause;
    if (isDiskFull(cause)) {
      const detail = `The disk of the data folder ${dataFolder} is full (${cause.message}); make room there, then start again`;
      throw new StartError('storage-full', detail, cause);
    }
    if (!('path' in cause)) throw cause;
    const whatToDo = 'give this user the right to read and write all of it, or choose another with --data';
    const detail = `The data folder ${dataFolder} cannot be used (${cause.message}); ${whatToDo}`;
    throw new StartError('folder-unusable', detail, cause);
  }
}

/** A server whose start fails goes on reading a database that is being ended, unless it is closed. */
async function closingOnFailure<T>(server: Server, world: ProgramWorld, start: () => Promise<T>): Promise<T> {
  try {
    return await start();
  } catch (cause) {
    // Bounded, and never in the place of the cause.
    await flushedInTime(server, world);
    throw cause;
  }
}

async function endingOnFailure<T>(database: Database, start: () => Promise<T>): Promise<T> {
  try {
    return await start();
  } catch (cause) {
    await database.close();
    throw cause;
  }
}
