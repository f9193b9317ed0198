// SPDX-License-Identifier: Apache-2.0
import type { DurationMs } from '../kernel/time.ts';
import { CHARTER_ERRORS } from '../policy/charter-errors.ts';
import type { StorageError } from './ports.ts';

/** Why a device refuses an offer or a permit. */
export interface DeviceError {
  readonly code: DeviceErrorCode;
  /** The value seen and the value allowed. */
  readonly detail: string;
}

/** The closed union of reasons; codes never change. */
export type DeviceErrorCode = keyof typeof DEVICE_ERRORS;

/** One sentence for each code, with the clause of SPEC.md that it enforces. */
export const DEVICE_ERRORS = {
  'release-type-wrong': 'The signed document of the offer is of another kind than a release manifest (C1)',
  'release-unsigned': 'Too few groups signed the release, by the keys pinned at registration (C1)',
  'release-malformed': 'The signed text is no release manifest that this agent reads (C1)',
  'release-differs': 'Offer and signed manifest name different releases, or there is no twin to roll back to (C1)',
  'artifact-mismatch': 'The artifacts do not lead from the running images to the signed ones, one for each (C1)',
  'repository-refused': 'Director and image repository do not both vouch for the release, freshly and as one (C1)',
  'permit-type-wrong': 'The signed document of the permit is of another kind than a permit (C2)',
  'permit-unsigned': 'No pinned permit key signed the permit (C2)',
  'permit-malformed': 'The signed text is no permit that this agent reads (C2)',
  'permit-for-another': 'The permit is for another device, rollout, release or counter (C2)',
  'permit-replayed': 'The permit answers another request: somebody gives it a second time (C2)',
  'device-type-mismatch': 'The release is for another type of device (C3)',
  'hardware-mismatch': 'A component of the release does not run on this hardware revision (C3)',
  'counter-too-low': 'The release is older than what runs: a rollback attack (C4)',
  'already-running': 'The release, by its counter, is the one that runs (C4)',
  'below-floor': 'The running version lies below the floor of the release (C4)',
  'dependency-missing': 'A component that the release depends on is not there in the needed version (C4)',
  'rollback-not-needed': 'The device does not run the release that is to be taken back (C4)',
  'below-security-floor': 'What is offered lies below the security floor that this device has confirmed (C12)',
  'below-migration-floor': 'What is offered cannot read the data that a confirmed release has migrated (C12)',
  'release-reverted-here': 'This release failed its trial boot here; only a higher counter is tried (C5)',
  ...CHARTER_ERRORS,
} as const;

/** Whether a refusal says that somebody sent what nobody signed: an honest server never causes one of these. */
export function isAlarming(code: DeviceErrorCode): boolean {
  return ALARMING.has(code);
}

const ALARMING: ReadonlySet<DeviceErrorCode> = new Set<DeviceErrorCode>([
  ...(['release-type-wrong', 'release-unsigned', 'release-malformed', 'release-differs', 'artifact-mismatch'] as const),
  ...(['permit-type-wrong', 'permit-unsigned', 'permit-malformed', 'permit-for-another'] as const),
  'permit-replayed',
  ...(['rollback-not-needed', 'counter-too-low'] as const),
  // Signed, and yet nothing that a server should go on offering.
  ...(['below-security-floor', 'below-migration-floor'] as const),
  // A table over the union has its keys.
  ...(Object.keys(CHARTER_ERRORS) as (keyof typeof CHARTER_ERRORS)[]),
]);

/** Why an update could not be installed: told in the report `install-failed`. */
export type InstallFailureCode = StorageError['code'] | 'staged-corrupt' | 'slot-not-free';

/** One sentence for each code. */
export const INSTALL_FAILURES = {
  'disk-full': 'There is no space for the bytes',
  'disk-failed': 'The disk refused a read or a write',
  'digest-mismatch': 'A block or an image has another digest than the one signed: nothing of it was kept',
  'too-long': 'More bytes came than the signed length: the rest was cut',
  'delta-corrupt': 'The delta cannot be decoded',
  'base-mismatch': 'The running image is not the base that the delta was made from',
  'staged-corrupt': 'A staged blob was whole and had another digest than the one signed: it was discarded',
  'slot-not-free': 'The slot to be written runs or is the confirmed one: it is never written (C7)',
} as const satisfies Readonly<Record<InstallFailureCode, string>>;

/** Thrown inside a download where it breaks off; what came before is kept, and the rest is fetched later. */
export class DownloadCut extends Error {
  override readonly name = 'DownloadCut';
  readonly code = 'download-cut';

  /** How long the server asked to be left alone (Retry-After); undefined: it did not say. */
  readonly retryAfterMs: DurationMs | undefined;

  constructor(detail: string, cause?: unknown, retryAfterMs?: DurationMs) {
    super(detail, { cause });
    this.retryAfterMs = retryAfterMs;
  }
}
