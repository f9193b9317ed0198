// SPDX-License-Identifier: Apache-2.0
import type { DeviceId, KeyId, PermitId, ReleaseId, RolloutId, Sha256 } from '../../kernel/ids.ts';
import type { FleetInstant } from '../../kernel/time.ts';
import type { MaintenanceWindow } from './maintenance-window.ts';

/** What is kept of a device that speaks hawkBit's Direct Device Integration API, beside its record in the registry. */
export interface DdiDevice {
  readonly deviceId: DeviceId;
  /** SHA-256 of its target token; absent: it shows a certificate or comes through a gateway. */
  readonly tokenDigest?: Sha256;
  /**
   * Of the key that our CA gave it its newest certificate for: those for other keys are void. Absent: it has none of our CA, and a
   * certificate that a terminator trusts is taken by its name.
   */
  readonly certificateKeyId?: KeyId;
  /** When it may be shown a deployment; absent: always. */
  readonly maintenanceWindow?: MaintenanceWindow;
  /** What it last said of itself in configData; absent: nothing yet, and it is asked to. */
  readonly told?: ToldAttributes;
  /** What it was told to install, oldest first; of those that are closed the last `ACTIONS_KEPT_MAX`. */
  readonly actions: readonly DdiAction[];
}

/** Free-form attributes of a device, as it told them. */
export interface ToldAttributes {
  readonly at: FleetInstant;
  readonly data: Readonly<Record<string, string>>;
}

/** One permit as a DDI client sees it: a deployment under a number. */
export interface DdiAction {
  /** The number on the wire: `actionIdOf(permitId, attempt)`. */
  readonly actionId: number;
  /** 1, and one more after each cancellation: a number that was cancelled is never shown again. */
  readonly attempt: number;
  readonly permitId: PermitId;
  readonly rolloutId: RolloutId;
  readonly releaseId: ReleaseId;
  readonly isRollback: boolean;
  readonly state: DdiActionState;
  readonly openedAt: FleetInstant;
  readonly closedAt?: FleetInstant;
  /**
   * When its client said that all of it is installed, and that it waits for a restart to tell how that went. Whatever is paused then,
   * it is shown the deployment so that it can tell: a client that hears of a cancellation, or of nothing, forgets what it has installed.
   */
  readonly installedAt?: FleetInstant;
  /** The first errors that were told on the way: SWUpdate 2022.12 does not repeat them when it closes. */
  readonly complaints?: readonly string[];
}

/** Errors that are kept of one deployment: what comes after them follows from them. */
export const COMPLAINTS_MAX = 4;

/** The errors of a deployment after more were told: each once, the first ones stay. */
export function withComplaints(action: DdiAction, told: readonly string[]): DdiAction {
  const complaints = [...new Set([...(action.complaints ?? []), ...told])].slice(0, COMPLAINTS_MAX);
  return complaints.length === (action.complaints?.length ?? 0) ? action : { ...action, complaints };
}

/** The deployment after its client said that it begins with it, or has all of it installed; what is told twice changes nothing. */
export function withStep(action: DdiAction, step: DdiStep | undefined, now: FleetInstant): DdiAction {
  if (step === undefined || (step === 'installed') === (action.installedAt !== undefined)) return action;
  if (step === 'installed') return { ...action, installedAt: now };
  const { installedAt: _, ...others } = action;
  return others;
}

/** A step of SWUpdate, the client that tells of the end of an installation before it closes the deployment. */
export type DdiStep = 'begun' | 'installed';

/** The moves between these are `DDI_ACTION_TABLE`. */
export type DdiActionState = 'open' | 'succeeded' | 'failed' | 'cancelled';

/** Closed deployments that are remembered of one device: what a person looks back on. */
export const ACTIONS_KEPT_MAX = 16;

/** The device with this action opened; older closed ones fall out. */
export function withAction(device: DdiDevice, action: DdiAction): DdiDevice {
  const others = device.actions.filter((one) => one.actionId !== action.actionId);
  const open = others.filter((one) => one.state === 'open');
  const closed = others.filter((one) => one.state !== 'open').slice(-ACTIONS_KEPT_MAX);
  return { ...device, actions: [...closed, ...open, action].sort((a, b) => a.openedAt - b.openedAt) };
}

/** The newest deployment that has not ended, if any. */
export function openActionOf(device: DdiDevice): DdiAction | undefined {
  return device.actions.findLast((one) => one.state === 'open');
}
