// SPDX-License-Identifier: Apache-2.0
import {
  DEVICE_ERRORS,
  type DeviceErrorCode,
  INSTALL_FAILURES,
  type InstallFailureCode,
} from '@outrider/domain/device/errors';
import type { CodeText, ErrorArea } from './area.ts';

const REFUSED = 'Nothing was installed: the device trusts only what it has checked itself.';
const KEPT = 'The device runs what it ran; verified bytes are kept, nothing is bricked.';

const REFUSALS_ACT: Readonly<Record<DeviceErrorCode, string>> = {
  'release-type-wrong':
    'The server or something before it sent another document: look whether the device talks to the right server.',
  'release-unsigned':
    'Compare the keys pinned at registration with those that signed. A device registered under an older role takes a new registration.',
  'release-malformed': 'The agent is older than the manifest: update the agent first.',
  'release-differs':
    'Look at the release with `outrider release show`; an offer and its manifest that differ are a fault of the server to be reported.',
  'artifact-mismatch': 'The device asks again by itself. If it repeats, look what it runs with `outrider device show`.',
  'repository-refused': 'Read the word before the colon in its detail, and look it up in [trust.md](trust.md).',
  'permit-type-wrong': 'As for release-type-wrong.',
  'permit-unsigned':
    'The permit key of the server is not the one pinned at registration: the data folder was replaced. Restore the key from the backup.',
  'permit-malformed': 'The agent is older than the permit: update the agent first.',
  'permit-for-another': 'It asks again by itself. If it repeats, two devices use one id: compare their keys.',
  'permit-replayed': 'An honest server never sends it: somebody recorded a permit and gives it again.',
  'device-type-mismatch': 'Correct the type of the device in the registry, or on the device.',
  'hardware-mismatch': 'Correct the hardware of the device in the registry by an import, or on the device.',
  'counter-too-low':
    'Nothing, if the release is old. If you did not offer it, somebody tries a rollback attack: look at who can reach the server.',
  'already-running': 'Nothing.',
  'below-floor': 'Roll out a release at or above the floor first.',
  'dependency-missing': 'Update the component outside the bundle first.',
  'rollback-not-needed':
    'Nothing, if it fell back by itself. If you ordered no rollback, somebody tries to take the device further back: look at who holds the permit key.',
  'below-security-floor':
    'Roll out a release forward instead: the device keeps what it runs. Who signed the floor is in the release; nobody lowers it.',
  'below-migration-floor':
    'Roll out a release forward instead: what lies below the floor could not read the data on the device any more.',
  'charter-missing':
    'Submit a charter (`outrider charter submit`). If the rollout has one, the gateway does not know of the approvers: its repository folder or its approver-role.json is gone.',
  'charter-type-wrong': 'As for release-type-wrong.',
  'charter-unsigned':
    'Compare the approvers pinned at registration with those that signed. If nobody changed them, somebody who is no approver tries to roll out.',
  'charter-malformed':
    'The agent is older than the charter, or its parts contradict each other: `outrider charter show`.',
  'charter-for-another':
    'An honest server never sends it: somebody uses a charter for another release. Look at who holds the database.',
  'charter-audience': 'Compare what the device knows of itself with the audience: `outrider charter show`.',
  'charter-expired': 'Let a new charter be signed for a new rollout. Look at the clock of the device if others go on.',
  'charter-place':
    'An honest server never sends it: somebody widens a rollout by hand. Look at who holds the database.',
  'charter-wave-unsigned': 'Let the wave be signed (`outrider charter sign --wave`), or look who opens it without.',
  'charter-wave-early': 'It asks again by itself. If it repeats, look at the clock of the device.',
  'charter-permit-differs':
    'It asks again by itself. If it repeats, the device holds an older charter: it takes the newer one at its next check-in.',
  'release-reverted-here': 'Publish a repaired release with a higher counter; the same one is not tried twice.',
};

const FAILURES_ACT: Readonly<Record<InstallFailureCode, string>> = {
  'disk-full': 'Free space on the device, or make the release smaller; it tries again by itself.',
  'disk-failed': 'Exchange the storage of the device if it repeats.',
  'digest-mismatch':
    'It fetches the block again by itself. Many devices at once: something between them and the server changes bytes.',
  'too-long': 'Something between server and device adds bytes: look at proxies and the CDN.',
  'delta-corrupt':
    'It falls back to fetching again. If it repeats for one pair of versions, keep both images and report it.',
  'base-mismatch': 'The device does not run what it says: look at its components with `outrider device show`.',
  'staged-corrupt': 'It fetches again. If it repeats on one device, its storage fails.',
  'slot-not-free':
    'The boot chooser and the journal disagree: restart the agent; if it repeats, look at the device at its place.',
};

/** What a device refuses, and why it could not install. */
export const deviceArea: ErrorArea = {
  name: 'device',
  title: 'Reasons of a device',
  intro:
    'The beginning of the detail of a report, in `outrider rollout explain`, and in the log of the agent. Letters in brackets are clauses of its specification, `packages/domain/src/device/SPEC.md`.',
  codes: { ...textsOf(DEVICE_ERRORS, REFUSALS_ACT, REFUSED), ...textsOf(INSTALL_FAILURES, FAILURES_ACT, KEPT) },
  marks: {
    ...Object.fromEntries(Object.keys(DEVICE_ERRORS).map((code) => [code, 'refused'])),
    ...Object.fromEntries(Object.keys(INSTALL_FAILURES).map((code) => [code, 'install-failed'])),
  },
};

function textsOf<Code extends string>(
  sentences: Readonly<Record<Code, string>>,
  acts: Readonly<Record<Code, string>>,
  safe: string,
): Readonly<Record<string, CodeText>> {
  const known = new Map<string, string>(Object.entries<string>(sentences));
  return Object.fromEntries(
    Object.entries<string>(acts).map(([code, act]) => [code, [`${known.get(code)}.`, safe, act] as const]),
  );
}
