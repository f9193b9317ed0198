// SPDX-License-Identifier: Apache-2.0
import { type Agent, type AgentPorts, type AgentStatus, composeAgent, type WakeOutcome } from '@outrider/agent/compose';
import type { ChooserState } from '@outrider/domain/device/boot-chooser';
import type { SlotContent, Storage } from '@outrider/domain/device/ports';
import { after, durationMs, type FleetInstant, HOUR_MS } from '@outrider/domain/kernel/time';
import { memoryBoot } from '@outrider/testkit/memory-boot';
import { type MemoryDisk, memoryStorage, PowerCut } from '@outrider/testkit/memory-storage';
import type { Turns } from '@outrider/testkit/turns';
import { STEP_MS } from '../play/stage.ts';
import type { DeviceLife } from '../world/device-life.ts';
import { DiskFull, fillable, gatedBoot, type SlotEvent } from './body-ports.ts';
import { deviceClock } from './device-clock.ts';
import type { Weather } from './faults/weather.ts';
import { journalShelf } from './journal-shelf.ts';
import { powerGate } from './power-gate.ts';
import { rushes } from './rushes.ts';
import type { SharedImages } from './shared-images.ts';

/** What a device is made of, beside its program. */
export interface BodyOptions {
  /** Its number in the fleet. */
  readonly device: number;
  readonly content: SlotContent;
  readonly disk: MemoryDisk;
  readonly images: SharedImages;
  readonly life: DeviceLife;
  readonly turns: Turns;
  readonly weather: Weather;
  readonly now: () => FleetInstant;
  /** Told of the slots whenever something happens to them. */
  readonly onSlots: (event: SlotEvent, chooser: ChooserState) => void;
  /** The program failed with what no device can mend. */
  readonly onCrash: (cause: unknown) => void;
  readonly ports: Pick<
    AgentPorts,
    'identity' | 'anchors' | 'verifier' | 'signer' | 'readers' | 'trustTools' | 'network'
  >;
}

/** A device whose power may go at any write, whose disk may be full and whose clock may be wrong. */
export interface Body extends Agent {
  /** The chooser's record, as it is on the disk. */
  chooser(): ChooserState;
}

/** Devices that are due in one step wake within this time: all at once, or one after the other. */
const SPREADS_MS = [3, 200, 2_000] as const;
/** One device in so many writes its journal as text before each effect, as all in the field do; the others when it is read. */
const WRITES_TEXT_EVERY = 16;
/** Coprime to the thousand places, so that neighbours in the fleet are none in time. */
const SPREAD_STRIDE = 7_919;

/** The real agent in such a body. It is an agent to whoever wakes it: cuts, restarts and clocks stay inside. */
export function createBody(options: BodyOptions): Body {
  const { device, disk, life, turns, weather, now, onSlots } = options;
  const clock = deviceClock(weather, device);
  const gate = powerGate(weather, device);
  const rush = rushes(weather, device);
  const shelf = device % WRITES_TEXT_EVERY === 0 ? undefined : journalShelf();
  const faults: Parameters<Agent['noteFault']>[0][] = [];
  let boot = memoryBoot(options.content);
  let agent = compose();
  let lastStatus: AgentStatus | undefined;
  let isNudged = false;
  let calledAt: FleetInstant | undefined;

  function compose(): Agent {
    const gated = gatedBoot(() => boot, gate, onSlots);
    const isFull = () => weather.active('full-disk').some((fault) => fault.device === device);
    return composeAgent({
      ...options.ports,
      ...(shelf && { journalWriter: shelf.writer }),
      storage: fillable(life.onDisk(watchedStorage()), isFull),
      boot: gated,
      health: life.healthOf(gated),
      readiness: {
        mayDownload: (at) => life.readiness.mayDownload(clock.trueAt(at, now())),
        readyAt(at) {
          const readyAt = life.readiness.readyAt(clock.trueAt(at, now()));
          return clock.shownAt(rush.readyAt(readyAt, now()), now());
        },
      },
    });
  }

  function watchedStorage(): Storage {
    const storage = memoryStorage(disk, gate.pass, options.images.work);
    return {
      ...(shelf?.over(storage) ?? storage),
      async install(order) {
        onSlots({ kind: 'written', slot: order.slot }, boot.saved());
        // Deltas are decoded on threads of their own.
        const installed = await turns.alone(() => storage.install(order));
        options.images.share(disk.slots[order.slot], order.component);
        return installed;
      },
    };
  }

  async function wake(trueNow: FleetInstant): Promise<WakeOutcome> {
    await turns.wait(spreadMs());
    isNudged ||= rush.isNow() && agent.status()?.state === 'deferred';
    try {
      const outcome = await work(clock.shownAt(trueNow, trueNow));
      lastStatus = agent.status();
      return { ...outcome, nextWakeAt: rush.wakeAt(clock.wakeAt(outcome.nextWakeAt, trueNow), trueNow) };
    } catch (cause) {
      return { nextWakeAt: after(trueNow, restAfter(cause)), sent: 0, handled: 0 };
    }
  }

  /** Between its wakes a device rests, so that what it notes is part of one. */
  async function work(shown: FleetInstant): Promise<WakeOutcome> {
    const first = await agent.wake(shown);
    if (faults.length === 0 && !isNudged && calledAt === undefined) return first;
    for (let fault = faults.shift(); fault !== undefined; fault = faults.shift()) await agent.noteFault(fault);
    if (isNudged) await agent.checkInNow();
    isNudged = false;
    if (calledAt !== undefined) await agent.heedCall(calledAt);
    calledAt = undefined;
    return agent.wake(shown);
  }

  function restAfter(cause: unknown): typeof HOUR_MS {
    if (cause instanceof PowerCut) {
      // Power comes back: the chooser and the program start anew, on what is on the disk.
      boot = memoryBoot(boot.saved());
      onSlots({ kind: 'booted' }, boot.saved());
      agent = compose();
      return durationMs(gate.offSteps() * STEP_MS);
    }
    if (!(cause instanceof DiskFull)) options.onCrash(cause);
    return HOUR_MS;
  }

  function spreadMs(): number {
    const spread = SPREADS_MS[weather.step % SPREADS_MS.length] ?? 0;
    return (((device * SPREAD_STRIDE) % 1_000) / 1_000) * spread;
  }

  return {
    wake,
    wakeBy: (at) => wake(at.now()),
    async noteFault(fault) {
      faults.push(fault);
    },
    async checkInNow() {
      isNudged = true;
    },
    async heedCall(now) {
      calledAt = now;
    },
    status: () => agent.status() ?? lastStatus,
    chooser: () => boot.saved(),
  };
}
