// SPDX-License-Identifier: Apache-2.0
import type { Boot, Health, Network, NetworkError, Readiness, Storage } from '@outrider/domain/device/ports';
import type { PermitRequest } from '@outrider/domain/gateway/permit';
import type { FleetClock } from '@outrider/domain/kernel/clock';
import type { ReleaseId, RolloutId } from '@outrider/domain/kernel/ids';
import { type Err, err } from '@outrider/domain/kernel/result';
import { after, type FleetInstant, fleetInstant, hours } from '@outrider/domain/kernel/time';
import { bootFault, contactGap, type DeviceNature, enrolmentFate, isInstallFailing, readinessDelay } from './fate.ts';
import type { FaultEvent } from './rates.ts';
import type { WorldTruth } from './truth.ts';
import type { World } from './world.ts';

/** What happens to one device that no program decides: when it is ready, silent, faulty, or out of reach. */
export interface DeviceLife {
  /** The network as this device finds it: unreachable while it is silent. */
  throughWorld(network: Network): Network;
  /** The storage as this device finds it: an install may fail. */
  onDisk(storage: Storage): Storage;
  readonly readiness: Readiness;
  /** The health check of what the boot chooser runs. */
  healthOf(boot: Boot): Health;
  /** When the device really wakes, given when its agent wants to. */
  wakeAt(wantedAt: FleetInstant): FleetInstant;
  /** Chance faults that have happened by now and were not taken yet, earliest first. */
  takeFaults(): readonly LifeFault[];
  /** Whether it is out of reach now. */
  isSilent(): boolean;
}

export interface LifeFault {
  readonly event: FaultEvent;
  readonly rolloutId: RolloutId;
  readonly releaseId: ReleaseId;
  readonly at: FleetInstant;
}

/** While an enrolment is this fresh the device follows the server's re-polls, whatever its class of contact. */
const REPOLLED_MS = hours(168);

export function deviceLife(options: {
  readonly world: World;
  readonly nature: DeviceNature;
  readonly truth: WorldTruth;
  readonly clock: FleetClock;
}): DeviceLife {
  const { world, nature, truth, clock } = options;
  let offer: { readonly releaseId: ReleaseId; readonly isRollback: boolean; readonly at: FleetInstant } | undefined;
  let enrolled: { readonly rolloutId: RolloutId; readonly isTreated: boolean; readonly at: FleetInstant } | undefined;
  let silentUntil = fleetInstant(0);
  let faults: readonly LifeFault[] = [];

  const isSilent = () => clock.now() < silentUntil;

  function enrol({ rolloutId, releaseId }: PermitRequest, isTreated: boolean): void {
    // Asking again for the same permit, or being told again to wait, is no new enrolment.
    if (enrolled?.rolloutId === rolloutId && (enrolled.isTreated || !isTreated)) return;
    const at = clock.now();
    enrolled = { rolloutId, isTreated, at };
    const fate = enrolmentFate(world, nature, { rolloutId, at });
    silentUntil = fate.silentUntil ?? silentUntil;
    const drawn = fate.faults.map((fault) => ({ ...fault, rolloutId, releaseId }));
    faults = [...faults, ...drawn].sort((a, b) => a.at - b.at);
  }

  return {
    // Spread: what a network can do besides passes through.
    throughWorld: (network) => ({
      ...network,
      async checkIn(checkIn) {
        if (isSilent()) return unreachable();
        const answer = await network.checkIn(checkIn);
        if (answer.ok && answer.value.kind === 'offer') {
          const { releaseId, isRollback } = answer.value;
          const isKnown = offer?.releaseId === releaseId && offer.isRollback === isRollback;
          if (!isKnown) offer = { releaseId, isRollback, at: clock.now() };
        }
        return answer;
      },
      async askPermit(request) {
        if (isSilent()) return unreachable();
        const answer = await network.askPermit(request);
        if (!answer.ok) return answer;
        const isPermit = answer.value.kind === 'permit';
        const isControl = answer.value.kind === 'not-yet' && answer.value.code === 'control-arm';
        if ((isPermit || isControl) && !request.isRollback) enrol(request, isPermit);
        // What it was offered it has now; a later offer is a new one.
        if (isPermit) offer = undefined;
        return answer;
      },
      sendReport: async (report) => (isSilent() ? unreachable() : network.sendReport(report)),
    }),
    onDisk: (storage) => ({
      ...storage,
      async install(order) {
        const isFailing = isInstallFailing(world, nature.deviceId, clock.now());
        return isFailing ? err({ code: 'disk-failed', detail: 'The disk refused the write' }) : storage.install(order);
      },
    }),
    readiness: {
      mayDownload: () => true,
      readyAt(now) {
        const offeredAt = offer?.at ?? now;
        const delayMs = readinessDelay(world, nature.deviceId, { offeredAt, isRollback: offer?.isRollback ?? false });
        return fleetInstant(Math.max(now, after(offeredAt, delayMs)));
      },
    },
    healthOf: (boot) => ({
      async check() {
        const state = await boot.state();
        const version = state.contents[state.running]?.version ?? '0.0.0';
        const fault = bootFault(world, nature, { version, at: clock.now() });
        if (fault === 'defect') truth.noteHarm(nature.deviceId, version);
        return { isHealthy: fault === undefined, detail: fault === undefined ? 'healthy' : 'the launcher gave up' };
      },
    }),
    wakeAt(wantedAt) {
      const now = clock.now();
      const isRepolled = enrolled !== undefined && now < after(enrolled.at, REPOLLED_MS);
      const isIdle = offer === undefined && !isRepolled;
      const contactAt = isIdle ? after(now, contactGap(world, nature, now)) : now;
      // What crashed starts anew, and tells it at once.
      const faultAt = faults[0]?.at ?? Number.POSITIVE_INFINITY;
      return fleetInstant(Math.max(Math.min(Math.max(wantedAt, contactAt), faultAt), silentUntil));
    },
    takeFaults() {
      if (faults.length === 0) return faults;
      const now = clock.now();
      const due = faults.filter(({ at }) => at <= now);
      if (due.length > 0) faults = faults.filter(({ at }) => at > now);
      return due;
    },
    isSilent,
  };
}

function unreachable(): Err<NetworkError> {
  return err({ code: 'network-unreachable', detail: 'The device has no contact' });
}
