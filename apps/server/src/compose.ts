// SPDX-License-Identifier: Apache-2.0

import { QUOTE_TOOLS } from '@outrider/adapters/shared/quote-tools';
import type { DecidedBy } from '@outrider/domain/decision/lease-ports';
import type { ServerStore } from '@outrider/domain/decision/server-store';
import type { FleetClock, MachineClock } from '@outrider/domain/kernel/clock';
import type { KeyId } from '@outrider/domain/kernel/ids';
import { ok, type Result } from '@outrider/domain/kernel/result';
import type { FleetInstant } from '@outrider/domain/kernel/time';
import { durationMs, elapsedMs, fleetInstant, MINUTE_MS } from '@outrider/domain/kernel/time';
import type { PeopleStore } from '@outrider/domain/trust/ports';
import { WAKE_PATH } from '@outrider/protocol/gateway/wake';
import { type Decider, decider } from './decision/decider.ts';
import { type Forecasts, forecasts } from './decision/forecast-query.ts';
import { forecastThreads } from './decision/forecast-thread.ts';
import { histories } from './decision/histories.ts';
import { leadership } from './decision/leadership.ts';
import { standings } from './decision/standings.ts';
import { verdicts } from './decision/verdicts.ts';
import { type CommandError, refuse } from './errors.ts';
import { type Recounts, recounts } from './evidence/recounts.ts';
import { type Reporters, reporters } from './evidence/reporters.ts';
import { certificates } from './gateway/certificates.ts';
import { checkIns } from './gateway/check-ins.ts';
import { claims } from './gateway/claims.ts';
import { clones } from './gateway/clones.ts';
import { contacts } from './gateway/contacts.ts';
import { type Ddi, ddi } from './gateway/ddi/ddi.ts';
import type { DeviceRequest, DeviceResponse } from './gateway/device-request.ts';
import { deviceRoutes } from './gateway/device-routes.ts';
import { type IdentityDesk, identityDesk } from './gateway/identity-desk.ts';
import { identityGate } from './gateway/identity-gate.ts';
import { knownDevices } from './gateway/known-devices.ts';
import { loadGate } from './gateway/load-gate.ts';
import { permits } from './gateway/permits.ts';
import { registrations } from './gateway/registrations.ts';
import { type RegistryDesk, registryDesk } from './gateway/registry-desk.ts';
import { registryFollower } from './gateway/registry-follow.ts';
import { reports } from './gateway/reports.ts';
import { type Wakes, wakes } from './gateway/wakes.ts';
import { warmUp } from './http/warm-up.ts';
import { type ClockCare, clockCare } from './installation/clock-care.ts';
import { countedLog } from './log/counted-log.ts';
import { decisionTraces } from './observability/decision-traces.ts';
import type { GaugeWorld } from './observability/gauge-readings.ts';
import { health } from './observability/health.ts';
import { type Overviews, overviews } from './observability/overview.ts';
import { type OverviewStream, overviewStream } from './observability/overview-stream.ts';
import { createRecorder, type Recorder } from './observability/recorder.ts';
import { requestTraces } from './observability/request-traces.ts';
import { charterStandings } from './policy/charter-standings.ts';
import { driverFlags } from './policy/driver-flags.ts';
import { type PolicyCommands, policyCommands } from './policy/policy-commands.ts';
import { signerNames } from './policy/signers.ts';
import { snapshotHolder } from './policy/snapshot-holder.ts';
import type { ServerPorts } from './ports.ts';
import { type Queries, queries } from './queries.ts';
import { type ReleaseCommands, releaseCommands } from './release/release-commands.ts';
import { type AuditDesk, auditDesk } from './trust/audit-desk.ts';
import { directorWords } from './trust/director-words.ts';
import { type Reaching, reaching } from './trust/reaching.ts';
import { repositories } from './trust/repositories.ts';

/** One server: the same in production, in the demonstration and in the simulator, whatever carries the requests. */
export interface Server {
  /** Answers one request of a device; never rejects. */
  handleDevice(request: DeviceRequest): Promise<DeviceResponse>;
  /**
   * The same without a wait, of what needs nothing to be read or written for its answer; an offer waits for the director's
   * signature. Undefined: `handleDevice` answers.
   */
  handleDeviceAtOnce(request: DeviceRequest): DeviceResponse | Promise<DeviceResponse> | undefined;
  /** Devices that listen for a call to check in. */
  readonly wakes: Wakes;
  readonly releases: ReleaseCommands;
  readonly policy: PolicyCommands;
  readonly queries: Queries;
  readonly registry: RegistryDesk;
  readonly identities: IdentityDesk;
  readonly forecasts: Forecasts;
  readonly recounts: Recounts;
  readonly reporters: Reporters;
  readonly overviews: Overviews;
  readonly overviewStream: OverviewStream;
  readonly audit: AuditDesk;
  readonly people: PeopleStore;
  readonly reaching: Reaching;
  readonly fleetClock: FleetClock;
  readonly machineClock: MachineClock;
  /** What people do with devices that speak DDI. */
  readonly ddi: Pick<Ddi, 'registrations' | 'gateways'>;
  readonly recorder: Recorder;
  /** What the gauges of the metrics are read from, once for all of them. */
  readGaugeWorld(version: string): Promise<GaugeWorld>;
  /** A person vouches for the wall clock after a jump. Code: clock-not-held. */
  readonly acceptClock: ClockCare['accept'];
  /** Sets fleet time in a conducted installation, then drains. Codes: clock-not-conducted, clock-backwards. */
  step(now: FleetInstant): Promise<Result<Drained & { readonly now: FleetInstant }, CommandError>>;
  /** Writes all that was gathered, reads the policy anew, counts and decides. */
  drain(): Promise<Drained>;
  /** Counts and decides once, about all live rollouts. */
  tick(): Promise<void>;
  /** Production: makes ready what the first check-ins need, before anybody can come. Rejects when the store is away. */
  warmUp(): Promise<void>;
  /** Production: reads the policy and decides by itself, from now on. */
  start(): void;
  /** Ends what `start` began and writes what was gathered. The store stays open: it belongs to the caller. */
  close(): Promise<void>;
}

export interface Drained {
  /** Requests of devices that were answered since the start. */
  readonly handled: number;
}

/** How often production counts and decides: each fleet minute, which there is a minute. */
const TICK_EVERY_MS = durationMs(MINUTE_MS);

/** Under which the newest fleet time of a conducted installation is kept. */
const FLEET_TIME_SETTING = 'fleet-time';

/** Joins ports to logic. Nothing here reads a clock, an environment or a disk of its own. */
export function composeServer(ports: ServerPorts): Server {
  const { store, blobs, fleetClock, machineClock, schedule } = ports;
  const recorder = createRecorder(machineClock, schedule);
  const { counters } = recorder;
  const log = countedLog(ports.log, counters);
  const sink = ports.spanSink;
  const isConducted = ports.conductor !== undefined;
  const isDeciding = ports.role !== 'gateway';
  const noticed = ports.notices === undefined ? {} : { notices: ports.notices };
  const loadApproverRole = ports.loadApproverRole ?? (() => Promise.resolve(undefined));
  const charters = charterStandings({ verifier: ports.verifier, digestText: ports.digestText, loadApproverRole });
  const words = directorWords();
  const trust =
    ports.repositories &&
    repositories({ ports: ports.repositories, fleetClock, policyEpoch: () => holder.policy().revision, words, log });
  const holder = snapshotHolder({
    ...{ store, machineClock, schedule, charters, log },
    ...(trust === undefined ? {} : { wayBackOf: trust.wayBackOf }),
    ...noticed,
    onRead: (before, after) => wake.policyRead(before, after),
    onEntries(entries) {
      for (const { change } of entries) if (change.kind === 'device-revoked') wake.revoke(change.deviceId);
      // Under a conductor fleet time stands still meanwhile, and tells nothing.
      if (isConducted) return;
      for (const { at } of entries) recorder.timings.propagation.observe(Math.max(0, elapsedMs(at, fleetClock.now())));
    },
  });
  const { hashKey } = ports;
  const devices = knownDevices(store.registry, schedule, { ...(hashKey && { hashKey }), onGap: words.forget });
  const follower = registryFollower({ importer: store.importer, devices, schedule, log });
  const notes = contacts({ devices, registry: store.registry, ledger: store.ledger, schedule, log });
  const permitDesk = permits({
    ledger: store.ledger,
    holder,
    devices,
    contacts: notes,
    signer: ports.permitSigner,
    fleetClock,
    schedule,
    recorder,
  });
  const reportDesk = reports({
    ...{ reportLog: store.reports, contacts: notes, fleetClock, schedule, recorder },
    claims: claims({
      ...{ holder, reportLog: store.reports, log },
      ...{ verifier: ports.verifier, digestText: ports.digestText, quoteTools: QUOTE_TOOLS },
    }),
    onDriverFlag: (report) => drivers.record(report),
  });
  const isRevoked = (keyId: KeyId) => {
    const { revokedKeys } = holder.policy();
    // Mostly none: a key that was just unpacked would be hashed for nothing.
    return revokedKeys.size > 0 && revokedKeys.has(keyId);
  };
  const { deviceCa, factoryCas } = ports;
  const credentials = certificates({
    ...{ store: store.identities, schedule, counters },
    ...(deviceCa === undefined ? {} : { deviceCa }),
  });
  const identities = identityGate({ devices, isRevoked, now: () => (deviceCa ?? fleetClock).now(), machineClock });
  // Under a conductor fleet time waits for every answer, so nothing queues that was not asked for.
  const load = isConducted
    ? undefined
    : loadGate({
        ...{ machineClock, schedule, counters },
        ...(ports.loadLimits && { limits: ports.loadLimits }),
        ...(ports.loopTurns && { loopTurns: ports.loopTurns }),
      });
  const wake = wakes({ devices, verifier: ports.verifier, identities, schedule, machineClock, counters, load });
  const steering = load === undefined ? {} : { loadPermille: load.permille };
  const checkInDesk = checkIns({ holder, contacts: notes, fleetClock, counters, ...steering });
  const ddiDevices = ddi({
    ...{ ports, holder, devices, identities, certificates: credentials, follower, counters },
    desks: { checkIns: checkInDesk, permits: permitDesk, reports: reportDesk, contacts: notes },
  });
  const routes = deviceRoutes({
    ...(trust === undefined ? {} : { repositories: trust }),
    devices,
    verifier: ports.verifier,
    identities,
    certificates: credentials,
    clones: clones({ installation: store.installation, fleetClock, counters, log }),
    ddi: ddiDevices.routes,
    checkIns: checkInDesk,
    permits: permitDesk,
    reports: reportDesk,
    register: registrations({
      registry: store.registry,
      devices,
      schedule,
      fleetClock,
      verifier: ports.verifier,
      digestText: ports.digestText,
      tokenDigest: ports.registrationTokenDigest,
      certificates: credentials,
      isRevoked,
      ...(factoryCas === undefined ? {} : { factoryCas }),
      permitKey: ports.permitSigner.publicKey,
      loadReleaseRole: ports.loadReleaseRole,
      loadApproverRole,
      loadRoots: async () => trust?.roots(),
    }),
    blobs,
    health: health({
      ...{ installation: store.installation, holder, machineClock, schedule },
      ...(ports.diskSpace === undefined ? {} : { diskSpace: ports.diskSpace }),
    }),
    recorder,
    ...(sink === undefined ? {} : { traces: requestTraces(sink) }),
    log,
  });
  const past = histories(store.ledger, fleetClock);
  const commandsOn = (on: ServerStore) =>
    policyCommands({
      ...{ store: on, holder, charters, fleetClock, counters, log },
      ...noticed,
      histories: past,
      approvals: {
        verifier: ports.verifier,
        loadApproverRole,
        nameSigners: signerNames(store.people, ports.verifier),
      },
    });
  const policy = commandsOn(store);
  const drivers = driverFlags({ flag: policy.flag, log });
  const clock = clockCare(ports);
  const deciderOn = (on: ServerStore): Decider =>
    decider({
      ...{ store: on, holder, fleetClock, counters, log },
      verdicts: verdicts({ store: on, policy: on === store ? policy : commandsOn(on), log }),
      isClockTrusted: () => clock.hold() === undefined,
      ...(sink === undefined ? {} : { traces: decisionTraces(sink) }),
    });
  /** Without a lease whoever runs this server says when it decides; with one it decides in its terms alone. */
  const lasting = deciderOn(store);
  const leader =
    store.lease === undefined || !isDeciding
      ? undefined
      : leadership({
          ...{ lease: store.lease, holder: ports.instanceId ?? 'server', schedule, log },
          createDecider: (acts: DecidedBy) => deciderOn({ ...store, ...acts }),
        });
  const rule: Pick<Decider, 'latest'> = {
    latest: (rolloutId) => (leader?.current() ?? lasting).latest(rolloutId),
  };
  const releases = releaseCommands({
    store,
    blobs,
    fleetClock,
    verifier: ports.verifier,
    loadReleaseRole: ports.loadReleaseRole,
    ...(trust === undefined ? {} : { repositories: trust }),
    async onReleasesChanged() {
      holder.invalidateReleases();
      await holder.refresh();
    },
    recorder,
    log,
  });
  const glance = overviews({
    ...{ store, holder, decider: rule, recorder, fleetClock, machineClock, isConducted },
    ...(ports.hostVitals === undefined ? {} : { hostVitals: ports.hostVitals }),
  });
  const stream = overviewStream({
    read: glance.read,
    schedule,
    onFault: (cause) =>
      log.error({ stage: 'server', code: 'overview-failed', err: cause }, 'The overview could not be read'),
  });
  const threads = forecastThreads();
  const endings: (() => void | Promise<void>)[] = [];

  async function flush(): Promise<void> {
    await Promise.all([permitDesk.flush(), reportDesk.flush()]);
    await notes.flush();
  }

  async function drain(): Promise<Drained> {
    await flush();
    await holder.refresh();
    await decideRound();
    return { handled: routes.handledCount() };
  }

  /** Before each round all contacts are written: what was heard must not count as silence. */
  async function tick(): Promise<void> {
    await flush();
    // Only who decides says how far fleet time has come: of several servers one clock is believed.
    if (await decideRound()) await clock.store();
  }

  async function decideRound(): Promise<boolean> {
    if (!isDeciding) return false;
    const began = recorder.now();
    await trust?.renew().catch((cause: unknown) => {
      const message = 'Metadata of the repositories was not signed anew; what is published holds until it expires';
      log.error({ stage: 'release', code: 'repository-stale', err: cause }, message);
    });
    const isDone = leader === undefined ? await lasting.tick().then(() => true) : await leader.tick();
    if (isDone) recorder.timings.tick.observe(elapsedMs(began, recorder.now()));
    return isDone;
  }

  /** Answers with the way to end it, which waits for the round under way. */
  function startTicking(): () => Promise<void> {
    let isEnded = false;
    let round: Promise<void> = Promise.resolve();
    let cancel = schedule.after(TICK_EVERY_MS, again);
    function again(): void {
      round = tick()
        .catch((cause: unknown) =>
          log.warn({ stage: 'decision', code: 'tick-failed', err: cause }, 'No decision was made'),
        )
        .finally(() => {
          if (!isEnded) cancel = schedule.after(TICK_EVERY_MS, again);
        });
    }
    return () => {
      isEnded = true;
      cancel();
      return round;
    };
  }

  return {
    handleDevice(request) {
      if (request.path === WAKE_PATH) return wake.hold(request);
      return load?.underWay(request, routes.handle(request)) ?? routes.handle(request);
    },
    handleDeviceAtOnce: (request) => load?.shed(request) ?? routes.handleAtOnce(request),
    wakes: wake,
    releases,
    policy,
    queries: queries({
      store,
      holder,
      decider: rule,
      standings: standings({ histories: past, holder }),
      releases,
      fleetClock,
      counters,
      handledCount: routes.handledCount,
      isConducted,
      clockHold: clock.hold,
    }),
    acceptClock: clock.accept,
    identities: identityDesk({ ...{ store, holder, policy, fleetClock }, digestText: ports.digestText, deviceCa }),
    registry: registryDesk({ store, holder, fleetClock, follower, schedule, log }),
    forecasts: forecasts({
      ...{ store, holder, fleetClock, play: threads.play },
      ...(trust === undefined ? {} : { floorsOf: trust.floorsFor }),
    }),
    recounts: recounts({ store, holder }),
    reporters: reporters({ store, holder }),
    overviews: glance,
    overviewStream: stream,
    audit: auditDesk(store.audit),
    people: store.people,
    reaching: reaching({ registry: store.registry, holder }),
    ...{ fleetClock, machineClock },
    ddi: ddiDevices,
    recorder,
    async readGaugeWorld(version) {
      const [rollouts, devices] = await Promise.all([glance.liveRollouts(), glance.deviceStates()]);
      const [now, policy, vitals] = [fleetClock.now(), holder.policy(), glance.vitals()];
      const standings = (await trust?.standings().catch(() => [])) ?? [];
      return { now, policy, vitals, rollouts, devices, watchers: stream.watcherCount(), trust: standings, version };
    },
    async step(now) {
      const conductor = ports.conductor;
      if (conductor === undefined) {
        const detail = 'The server runs on the wall clock; start it with --clock conducted to step fleet time';
        return refuse('clock-not-conducted', detail);
      }
      const current = fleetClock.now();
      if (now < current) {
        const detail = `Fleet time is ${current}, the step asks for ${now}; it never goes backwards`;
        return refuse('clock-backwards', detail, { now: Number(current), asked: Number(now) });
      }
      // Stored first: what is stamped from now on must not lie after the instant a killed server goes on from.
      await store.installation.storeSetting(FLEET_TIME_SETTING, String(now));
      conductor.stepTo(now);
      return ok({ ...(await drain()), now });
    },
    drain,
    tick,
    warmUp: () =>
      warmUp({
        ...{ registry: store.registry, snapshot: holder.newest(), fleetClock, machineClock },
        ...{ verifier: ports.verifier, signer: ports.permitSigner },
      }),
    start() {
      endings.push(holder.start(), follower.start(), recorder.start());
      if (load !== undefined) endings.push(load.start());
      // Under a conductor rounds are made when it steps, and at no other time: the same history each time.
      if (ports.conductor !== undefined || !isDeciding) return;
      endings.push(startTicking());
      if (leader !== undefined) endings.push(leader.start());
    },
    async close() {
      stream.close();
      await Promise.all(endings.splice(0).map((end) => end()));
      await threads.close();
      await flush();
      if (leader === undefined ? isDeciding : leader.current() !== undefined) await clock.store();
      await leader?.release();
    },
  };
}

/** The fleet time a conducted installation stopped at, if it ran before. */
export async function loadFleetTime(
  installation: ServerPorts['store']['installation'],
): Promise<FleetInstant | undefined> {
  const text = await installation.loadSetting(FLEET_TIME_SETTING);
  return text === undefined ? undefined : fleetInstant(Number(text));
}
