// SPDX-License-Identifier: Apache-2.0
import type { DeviceEvent, Effect, Step, WakeFacts } from '@outrider/domain/device/events';
import { step } from '@outrider/domain/device/machine';
import type { Boot, Health, Network, Readiness, SlotName, Storage, Tpm } from '@outrider/domain/device/ports';
import {
  type DevicePhase,
  type DeviceState,
  isCoherent,
  type Journal,
  newJournal,
  stateFrom,
} from '@outrider/domain/device/state';
import { assert, present } from '@outrider/domain/kernel/assert';
import type { FleetClock } from '@outrider/domain/kernel/clock';
import type { DeviceId } from '@outrider/domain/kernel/ids';
import type { FleetInstant } from '@outrider/domain/kernel/time';
import type { SignatureVerifier, Signer } from '@outrider/domain/trust/ports';
import type { TrustAnchors } from '@outrider/domain/trust/role';
import type { TrustTools } from '@outrider/domain/trust/tuf/ports';
import { journalWriter, parseJournal } from '@outrider/protocol/device/journal';
import { emptyMemory, type FollowPorts } from './follow-repositories.ts';
import { runEffect, type SignedReaders } from './run-effect.ts';

/** Everything an agent touches. Several agents may share `verifier` and `anchors`. */
export interface AgentPorts {
  readonly identity: AgentIdentity;
  readonly anchors: TrustAnchors;
  /** Pins others, durably when it returns; absent: what was pinned at registration stays. */
  readonly storeAnchors?: (anchors: TrustAnchors) => Promise<void>;
  readonly verifier: SignatureVerifier;
  /** The key that the device registered with: it signs version manifests. Absent: it shows none. */
  readonly signer?: Signer;
  /** Vouches for the version manifest. Absent: the device has none, or is not to use it. */
  readonly tpm?: Tpm;
  /** How documents of the repositories are read and checked; absent: as in production. */
  readonly trustTools?: TrustTools;
  readonly network: Network;
  readonly storage: Storage;
  readonly boot: Boot;
  readonly health: Health;
  readonly readiness: Readiness;
  /** Writes journals, one after another of one device. Absent: as text, which every agent does that has a disk. */
  readonly journalWriter?: typeof journalWriter;
  /** Read what is signed. Absent: those of the protocol, which depend on the text alone; a process of many agents may remember. */
  readonly readers?: SignedReaders;
  /** Told what happens, an event at a time, after it took effect. */
  readonly watch?: (event: DeviceEvent, state: DeviceState) => void;
}

/** What the device is, told by its maker. */
export interface AgentIdentity {
  readonly deviceId: DeviceId;
  readonly deviceType: string;
  readonly hardwareId: string;
  /** Absent where it is not known: audiences that ask for it are then the server's to judge. */
  readonly model?: string;
}

/** An agent without timers and without a clock: it does something only when it is woken. */
export interface Agent {
  /** Works at this instant until it must wait, reboots included. One call at a time. */
  wake(now: FleetInstant): Promise<WakeOutcome>;
  /** The same on a clock that runs: the time is read anew after whatever may take long. */
  wakeBy(clock: FleetClock): Promise<WakeOutcome>;
  /** The running software crashed or a sensor failed: durable when it returns, told at the next wake. After the first wake. */
  noteFault(fault: Omit<Extract<DeviceEvent, { kind: 'fault-seen' }>, 'kind'>): Promise<void>;
  /** Whatever only waits for its time is due at the next wake: the check-in, the question for a permit. After the first wake. */
  checkInNow(): Promise<void>;
  /** The server called: the check-in is due within ten seconds. After the first wake; durable when it returns. */
  heedCall(now: FleetInstant): Promise<void>;
  /** Undefined before the first wake. */
  status(): AgentStatus | undefined;
}

export interface WakeOutcome {
  /** Always later than the instant of the wake. */
  readonly nextWakeAt: FleetInstant;
  /** Messages that left in this wake. */
  readonly sent: number;
  /** Of them, those whose answer, or lack of one, was dealt with: all, since a wake waits for them. */
  readonly handled: number;
}

export interface AgentStatus {
  readonly state: DevicePhase;
  /** Why it is in this state: a code or a short text. */
  readonly reason: string;
  readonly activeVersion: string;
  readonly slot: SlotName;
  readonly reportsQueued: number;
}

/**
 * Joins the pure machine of `domain/device` to the world: the same agent in production, in the demonstration and in the
 * simulator. It holds one small state and nothing else, so that thousands fit in one process. The journal is stored before
 * each effect; after a cut a new agent on the same ports goes on from it.
 */
export function composeAgent(given: AgentPorts): Agent {
  let ports: FollowPorts = { ...given, memory: emptyMemory() };
  if (given.storeAnchors !== undefined) ports = { ...ports, storeAnchors: pin };
  let state: DeviceState | undefined;
  let stored: Journal | undefined;
  let isAwake = false;
  let shown: { readonly of: DeviceState; readonly status: AgentStatus } | undefined;
  const written = (ports.journalWriter ?? journalWriter)();

  /** Durable first: what is pinned in memory alone would be forgotten by the next start. */
  async function pin(anchors: TrustAnchors): Promise<void> {
    await given.storeAnchors?.(anchors);
    ports = { ...ports, anchors };
  }

  /** Undefined: it is stored already, and nothing has to be waited for. */
  function store(journal: Journal): Promise<void> | undefined {
    if (journal === stored) return undefined;
    return ports.storage.storeJournal(written(journal)).then(() => {
      stored = journal;
    });
  }

  async function take(current: DeviceState, event: DeviceEvent): Promise<Step & { readonly effect: Effect }> {
    const next = step(current, event);
    state = next.state;
    const writing = store(state.journal);
    if (writing !== undefined) await writing;
    ports.watch?.(event, state);
    return { state, effect: present(next.effect, `${event.kind} to be possible in phase ${current.journal.phase}`) };
  }

  /** What a new agent knows: its journal and what the chooser says. */
  async function start(facts: WakeFacts): Promise<Step & { readonly effect: Effect }> {
    const journal = await loadJournal(ports, facts.now);
    const boot = await ports.boot.state();
    return take(stateFrom(journal, boot, facts), { kind: 'booted', boot, ...facts });
  }

  async function work(clock: FleetClock): Promise<WakeOutcome> {
    let facts = factsAt(ports.readiness, clock.now());
    let next = state === undefined ? await start(facts) : await take(state, { kind: 'woken', ...facts });
    let sent = 0;
    for (let count = 0; count < EFFECTS_MAX; count++) {
      const { effect } = next;
      if (effect.kind === 'sleep') return { nextWakeAt: effect.until, sent, handled: sent };
      if (effect.kind === 'reboot') {
        await ports.boot.reboot();
        facts = factsAt(ports.readiness, clock.now());
        next = await start(facts);
        continue;
      }
      const run = await runEffect(effect, {
        ports,
        facts,
        journal: next.state.journal,
        boot: next.state.situation.boot,
      });
      sent += run.sent;
      next = await take(next.state, run.event);
      if (LONG_EFFECTS.has(effect.kind) && clock.now() !== facts.now) {
        facts = factsAt(ports.readiness, clock.now());
        next = await take(next.state, { kind: 'woken', ...facts });
      }
    }
    throw new Error(`The agent did not come to rest within ${EFFECTS_MAX} effects`);
  }

  async function wakeBy(clock: FleetClock): Promise<WakeOutcome> {
    assert(!isAwake, 'one wake at a time');
    isAwake = true;
    try {
      return await work(clock);
    } catch (cause) {
      // What is in memory may not be what is on disk: the next wake starts from the journal, as after a cut.
      state = undefined;
      stored = undefined;
      ports = { ...ports, memory: emptyMemory() };
      throw cause;
    } finally {
      isAwake = false;
    }
  }

  /** An event that comes by itself: durable when this returns, acted upon at the next wake. */
  async function takeAside(event: Extract<DeviceEvent, { kind: 'fault-seen' | 'nudged' | 'called' }>): Promise<void> {
    assert(!isAwake, `${event.kind} between wakes`);
    state = step(present(state, `a first wake before ${event.kind}`), event).state;
    await store(state.journal);
  }

  return {
    wake: (now) => wakeBy({ now: () => now }),
    wakeBy,
    noteFault: (fault) => takeAside({ kind: 'fault-seen', ...fault }),
    checkInNow: () => takeAside({ kind: 'nudged' }),
    heedCall: (now) => takeAside({ kind: 'called', now }),
    status() {
      if (state === undefined) return undefined;
      if (shown?.of !== state) shown = { of: state, status: statusOf(state) };
      return shown.status;
    },
  };
}

/**
 * The longest way is some forty effects: reports, offer, download, permit, install, three trial boots. More is a bug, and an
 * agent that stops is better than one that spins.
 */
const EFFECTS_MAX = 500;

/** After these the time may be another, and with it readiness and the life of the permit. */
const LONG_EFFECTS: ReadonlySet<Effect['kind']> = new Set(['download', 'install', 'check-health']);

function factsAt(readiness: Readiness, now: FleetInstant): WakeFacts {
  return { now, mayDownload: readiness.mayDownload(now), readyAt: readiness.readyAt(now) };
}

/**
 * A journal that cannot be read must not silence a device for good: it starts anew, and counts its messages from the time of
 * day, above all it ever sent, so that the server takes them for new.
 */
async function loadJournal({ storage, identity }: AgentPorts, now: FleetInstant): Promise<Journal> {
  const text = await storage.loadJournal();
  if (text === undefined) return newJournal(identity.deviceId, now);
  const parsed = parseJournal(text);
  if (parsed.ok && parsed.value.deviceId === identity.deviceId && isCoherent(parsed.value)) return parsed.value;
  return newJournal(identity.deviceId, now, now);
}

function statusOf({ journal, situation }: DeviceState): AgentStatus {
  const { boot } = situation;
  return {
    state: journal.phase,
    reason: journal.reason,
    activeVersion: boot.contents[boot.running]?.version ?? 'unknown',
    slot: boot.running,
    reportsQueued: journal.reports.length,
  };
}
