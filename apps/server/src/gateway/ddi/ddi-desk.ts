// SPDX-License-Identifier: Apache-2.0
import { answerPermit } from '@outrider/domain/gateway/answer-permit';
import type { CheckInAnswer, Offer } from '@outrider/domain/gateway/check-in';
import { actionIdOf } from '@outrider/domain/gateway/ddi/action-id';
import { type DdiAction, type DdiDevice, openActionOf, withAction } from '@outrider/domain/gateway/ddi/ddi-device';
import { isWindowOpen } from '@outrider/domain/gateway/ddi/maintenance-window';
import { attemptOf, IS_TAKEN_BACK } from '@outrider/domain/gateway/ddi/next-attempt';
import type { DdiStore } from '@outrider/domain/gateway/ddi/ports';
import type { KnownDevice } from '@outrider/domain/gateway/device-record';
import type { NotYetCode, PermitRequest } from '@outrider/domain/gateway/permit';
import type { FleetClock } from '@outrider/domain/kernel/clock';
import { type DurationMs, type FleetInstant, minutes } from '@outrider/domain/kernel/time';
import type { Component } from '@outrider/domain/release/release';
import type { DdiBase } from '@outrider/protocol/gateway/ddi/answers';
import { parsePermitDocument } from '@outrider/protocol/gateway/permit';
import type { SnapshotHolder } from '../../policy/snapshot-holder.ts';
import type { CheckIns } from '../check-ins.ts';
import type { Counters } from '../counters.ts';
import type { KnownDevices } from '../known-devices.ts';
import type { Permits } from '../permits.ts';
import type { DdiSender } from './ddi-sender.ts';

/** What a DDI device is shown: its offers are permits, each committed before it is shown. */
export interface DdiDesk {
  poll(sender: DdiSender): Promise<Pick<DdiBase, 'pollAfterMs' | 'show'>>;
  /** What a deployment consists of, its permit committed once more; undefined: it is not to be installed now. */
  deployment(sender: DdiSender, actionId: number): Promise<DdiContent | undefined>;
  /** The files of what the device is to install, whether or not it may at this moment: bytes harm nobody. */
  contentOf(action: DdiAction): DdiContent | undefined;
}

export interface DdiContent {
  readonly version: string;
  readonly components: readonly Component[];
}

/** While a deployment is shown the device comes back so often, so that it soon hears of a cancellation. */
const WATCHED_POLL_MS = minutes(5);

export interface DdiDeskOptions {
  readonly store: DdiStore;
  readonly holder: SnapshotHolder;
  readonly devices: KnownDevices;
  readonly checkIns: CheckIns;
  readonly permits: Permits;
  readonly fleetClock: FleetClock;
  readonly counters: Counters;
}

/**
 * DDI has no counter of a device's messages. Fleet time stands for it: later messages have a larger one on every server, and
 * each gap makes a server read the device anew, as it must where another server may have spoken with it.
 */
export function sequenceOf({ record }: KnownDevice, now: FleetInstant): number {
  return Math.max(Number(now), record.status.sequence + 1);
}

export function ddiDesk(options: DdiDeskOptions): DdiDesk {
  const { store, holder, checkIns, permits, fleetClock, counters } = options;

  async function pollingOf(sender: DdiSender): Promise<Polling> {
    const now = fleetClock.now();
    const sequence = sequenceOf(sender.device, now);
    const device = await options.devices.current(sender.device, { sequence, isJustRead: sender.isJustRead });
    return { ...sender, device, now, sequence: Math.max(sequence, sequenceOf(device, now)) };
  }

  function mayShow({ maintenanceWindow }: DdiDevice, now: FleetInstant): boolean {
    return maintenanceWindow === undefined || isWindowOpen(maintenanceWindow, now);
  }

  /** A deployment that the device was shown before: shown again, taken back, or neither. */
  async function showOpen(action: DdiAction, sender: Polling, offered: CheckInAnswer): Promise<DdiBase['show']> {
    const { ddi, now } = sender;
    const answer = mayShow(ddi, now) ? await permit(sender, action) : standing(sender, action);
    if (answer === 'permit') return { kind: 'deployment', actionId: action.actionId };
    // What it has installed nobody can take back: it is to tell how that went, unless it is to go another way now.
    if (action.installedAt !== undefined && !isAnother(offered, action)) {
      counters.add('ddi', 'installed-unpermitted');
      return { kind: 'deployment', actionId: action.actionId };
    }
    return answer !== 'closed' && IS_TAKEN_BACK[answer]
      ? { kind: 'cancellation', actionId: action.actionId }
      : undefined;
  }

  /** Whether the permit would be renewed, without asking for it: outside its window a device gets none. */
  function standing({ device, sequence, now }: Polling, action: DdiAction): NotYetCode | 'closed' {
    const snapshot = holder.newest();
    if (snapshot === undefined) return 'store-away';
    const answer = answerPermit(snapshot, device, requestOf(device, sequence, action), now);
    return 'kind' in answer ? answer.code : 'closed';
  }

  async function permit({ device, sequence }: Polling, action: DdiAction): Promise<'permit' | NotYetCode> {
    const answer = await permits.answer(device, requestOf(device, sequence, action));
    return answer.kind === 'permit' ? 'permit' : answer.code;
  }

  async function showOffer(offer: Offer, polling: Polling): Promise<DdiBase['show']> {
    const { ddi, device, sequence, now } = polling;
    if (contentOf(offer) === undefined) return noted('no-file');
    if (!mayShow(ddi, now)) return noted('outside-window');
    if (hasEnded(offer, polling)) return noted('ended-before');
    const answer = await permits.answer(device, requestOf(device, sequence, offer));
    if (answer.kind !== 'permit') return noted('not-yet');
    const document = parsePermitDocument(answer.permit.payload);
    if (!document.ok) return noted('not-yet');
    const { permitId, rolloutId, releaseId } = document.value;
    let shown: number | undefined;
    await store.changeDevice(ddi.deviceId, (held) => {
      const attempt = attemptOf(held, permitId);
      if (attempt === undefined) return undefined;
      shown = actionIdOf(permitId, attempt);
      if (held.actions.some((one) => one.actionId === shown)) return undefined;
      const { isRollback } = offer;
      return withAction(held, {
        ...{ actionId: shown, attempt, permitId, rolloutId, releaseId, isRollback },
        ...{ state: 'open', openedAt: now },
      });
    });
    return shown === undefined ? noted('ended-before') : { kind: 'deployment', actionId: shown };
  }

  /** A deployment that has failed, or was cancelled too often, is not asked for again at every poll. */
  function hasEnded({ rolloutId, isRollback }: Offer, { ddi, device }: Polling): boolean {
    const kind = isRollback ? 'rollback' : 'enrolment';
    const row = device.ledger.findLast(
      (one) => one.rolloutId === rolloutId && one.kind === kind && one.arm === 'treated',
    );
    return row !== undefined && attemptOf(ddi, row.permitId) === undefined;
  }

  function noted(code: string): undefined {
    counters.add('ddi', code);
    return undefined;
  }

  function contentOf({ rolloutId, isRollback }: Pick<DdiAction, 'rolloutId' | 'isRollback'>): DdiContent | undefined {
    const manifest = holder.newest()?.rollouts.get(rolloutId)?.release.manifest;
    const content = isRollback ? manifest?.rollbackTwin : manifest;
    // Whoever gets only a part of a bundle has none.
    return content?.components.every((one) => one.file !== undefined) ? content : undefined;
  }

  return {
    async poll(sender) {
      const polling = await pollingOf(sender);
      const { device, ddi, sequence } = polling;
      const { deviceId, status } = device.record;
      const { running, state } = status;
      const answer: CheckInAnswer = checkIns.answer(device, { deviceId, sequence, running, state });
      const action = openActionOf(ddi);
      let show: DdiBase['show'];
      if (action !== undefined) show = await showOpen(action, polling, answer);
      else if (answer.kind === 'offer') show = await showOffer(answer, polling);
      counters.add('ddi', show?.kind ?? 'idle');
      const pollAfterMs: DurationMs =
        show !== undefined && WATCHED_POLL_MS < answer.pollAfterMs ? WATCHED_POLL_MS : answer.pollAfterMs;
      return { pollAfterMs, ...(show === undefined ? {} : { show }) };
    },

    async deployment(sender, actionId) {
      const action = sender.ddi.actions.find((one) => one.actionId === actionId);
      if (action?.state !== 'open') return undefined;
      const polling = await pollingOf(sender);
      const isPermitted = mayShow(polling.ddi, polling.now) && (await permit(polling, action)) === 'permit';
      if (isPermitted) return contentOf(action);
      return action.installedAt === undefined ? undefined : NOTHING_TO_INSTALL;
    },

    contentOf,
  };
}

/** For a client that only has to tell how what it has installed went: SWUpdate reads the number, and finds nothing to do. */
const NOTHING_TO_INSTALL: DdiContent = { version: '', components: [] };

function isAnother(offered: CheckInAnswer, { rolloutId, isRollback }: DdiAction): boolean {
  return offered.kind === 'offer' && (offered.rolloutId !== rolloutId || offered.isRollback !== isRollback);
}

interface Polling extends DdiSender {
  readonly now: FleetInstant;
  readonly sequence: number;
}

function requestOf(
  { record: { deviceId } }: KnownDevice,
  sequence: number,
  { rolloutId, releaseId, isRollback }: Pick<PermitRequest, 'rolloutId' | 'releaseId' | 'isRollback'>,
): PermitRequest {
  return { deviceId, sequence, rolloutId, releaseId, isRollback };
}
