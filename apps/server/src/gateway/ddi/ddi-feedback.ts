// SPDX-License-Identifier: Apache-2.0
import {
  DDI_ACTION_TABLE,
  type DdiActionEvent,
  type DdiFeedback,
  eventOfCancelFeedback,
  eventOfFeedback,
  REPORT_OF_END,
  STATE_WHILE,
} from '@outrider/domain/gateway/ddi/action-table';
import { type DdiAction, withAction, withComplaints, withStep } from '@outrider/domain/gateway/ddi/ddi-device';
import type { DdiStore } from '@outrider/domain/gateway/ddi/ports';
import type { KnownDevice, RunningSoftware } from '@outrider/domain/gateway/device-record';
import type { Report, ReportEvent } from '@outrider/domain/gateway/report';
import type { FleetClock } from '@outrider/domain/kernel/clock';
import { nextState } from '@outrider/domain/kernel/table';
import { DDI_REPORTS_COUNTED, type DdiReportClass } from '@outrider/domain/policy/rollout';
import { DETAIL_CHARACTERS_MAX, REQUEST_BYTES_MAX } from '@outrider/protocol/kernel/limits';
import type { SnapshotHolder } from '../../policy/snapshot-holder.ts';
import type { Contacts } from '../contacts.ts';
import type { Counters } from '../counters.ts';
import type { KnownDevices } from '../known-devices.ts';
import type { Reports } from '../reports.ts';
import { sequenceOf } from './ddi-desk.ts';
import type { DdiSender } from './ddi-sender.ts';

/** What a device says about what it was told to do. */
export interface DdiFeedbackDesk {
  /** Takes in feedback about a known deployment: durable when it returns. What has ended stays as it ended. */
  take(sender: DdiSender, action: DdiAction, said: DdiSaid): Promise<void>;
}

export interface DdiSaid {
  readonly feedback: DdiFeedback;
  readonly about: 'deployment' | 'cancellation';
  /** As it came; what is kept of it is cut. */
  readonly body: string;
}

/** Reports of one device in one millisecond of fleet time, which stands still under a conductor. */
const TRIES_MAX = 16;

export function ddiFeedbackDesk(options: {
  readonly store: DdiStore;
  readonly holder: SnapshotHolder;
  readonly devices: KnownDevices;
  readonly contacts: Contacts;
  readonly reports: Reports;
  readonly fleetClock: FleetClock;
  readonly counters: Counters;
}): DdiFeedbackDesk {
  const { store, holder, devices, contacts, reports, fleetClock, counters } = options;

  /** Whether the plan believes a report that was shown to be the device's in this way. The way back has no arms to compare. */
  function counts({ rolloutId, isRollback }: DdiAction, shownBy: DdiReportClass): boolean {
    const { ddiReportsCounted = DDI_REPORTS_COUNTED } = holder.policy().rollouts.get(rolloutId)?.plan ?? {};
    return isRollback || ddiReportsCounted.includes(shownBy);
  }

  /** What the device runs once it has said that it installed the release. */
  function softwareOf({ rolloutId, isRollback }: DdiAction): RunningSoftware | undefined {
    const manifest = holder.newest()?.rollouts.get(rolloutId)?.release.manifest;
    const content = isRollback ? manifest?.rollbackTwin : manifest;
    if (content === undefined) return undefined;
    const { version, releaseCounter, components } = content;
    const running = components.map(({ name, image }) => ({ name, digest: image.digest, version }));
    return { version, releaseCounter, components: running };
  }

  async function report(sender: Current, action: DdiAction, said: DdiSaid & { readonly event: ReportEvent }) {
    const { device, shownBy } = sender;
    const { rolloutId, releaseId, permitId } = action;
    const running = (said.event === 'verified' ? softwareOf(action) : undefined) ?? device.record.status.running;
    const signed = said.body.slice(0, REQUEST_BYTES_MAX);
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const one: Report = {
        deviceId: device.record.deviceId,
        sequence: sender.sequence + tries,
        ...{ rolloutId, releaseId, running, event: said.event, detail: detailOf(action, said) },
        // Without the permit it is stored and counts for nothing.
        ...(counts(action, shownBy) ? { permitId } : {}),
      };
      const { result } = await reports.take({ device, signature: `ddi:${shownBy}`, hasKey: false }, one, signed);
      if (result === 'duplicate') continue;
      counters.add('report', result);
      return;
    }
  }

  async function end(action: DdiAction, event: DdiActionEvent, sender: Current): Promise<void> {
    const { deviceId } = sender.device.record;
    await store.changeDevice(deviceId, (held) => {
      const one = held.actions.find(({ actionId }) => actionId === action.actionId);
      const state = one === undefined ? undefined : nextState(DDI_ACTION_TABLE, one.state, event);
      if (one === undefined || state === undefined || state === one.state) return undefined;
      return withAction(held, { ...one, state, closedAt: fleetClock.now() });
    });
  }

  async function keepProgress(action: DdiAction, { feedback }: DdiSaid, sender: Current): Promise<void> {
    const now = fleetClock.now();
    const after = (one: DdiAction) => withStep(withComplaints(one, feedback.complaints), feedback.step, now);
    if (after(action) === action) return;
    await store.changeDevice(sender.device.record.deviceId, (held) => {
      const one = held.actions.find(({ actionId }) => actionId === action.actionId);
      return one?.state === 'open' ? withAction(held, after(one)) : undefined;
    });
  }

  return {
    async take(sender, action, said) {
      const { feedback, about } = said;
      const event = about === 'deployment' ? eventOfFeedback(feedback) : eventOfCancelFeedback(feedback);
      counters.add('ddi', action.state === 'open' ? `${about}-${event}` : 'feedback-late');
      if (action.state !== 'open') return;
      const now = fleetClock.now();
      const asked = sequenceOf(sender.device, now);
      const device = await devices.current(sender.device, { sequence: asked, isJustRead: sender.isJustRead });
      const current = { ...sender, device, sequence: Math.max(asked, sequenceOf(device, now)) };
      const told = about === 'deployment' ? REPORT_OF_END[event] : undefined;
      // The report first: what is closed is never asked about again, so nothing may be lost after that.
      if (told !== undefined) await report(current, action, { ...said, event: told });
      else contacts.note(device, { sequence: current.sequence, at: now, state: STATE_WHILE[feedback.execution] });
      if (event !== 'progressed') await end(action, event, current);
      else if (about === 'deployment') await keepProgress(action, said, current);
    },
  };
}

/** What failed begins with the errors that were told on the way to it. */
function detailOf({ complaints = [] }: DdiAction, { feedback: { finished, detail } }: DdiSaid): string {
  if (finished !== 'failure') return detail;
  const untold = complaints.filter((one) => !detail.includes(one));
  return [...untold, detail].join('\n').slice(0, DETAIL_CHARACTERS_MAX);
}

interface Current extends DdiSender {
  readonly device: KnownDevice;
  readonly sequence: number;
}
