// SPDX-License-Identifier: Apache-2.0

/** What proofs of the whole system use: real servers and fleets to be broken on purpose. */
export { httpManagement, type Management } from './demo/management.ts';
export { loadApprovers, storeApproverRole } from './demo/release-keys.ts';
export type { ImageSource } from './play/control-plane.ts';
export { startAgent } from './process/agent-process.ts';
export { type ProductVersion, signedRelease } from './product/signed-release.ts';
export type { Held } from './proving/acknowledged.ts';
export { createInstallation, type Installation } from './proving/installation.ts';
export { createProvingGround, type ProvingGround } from './proving/proving-ground.ts';
export type { RawExposure, RawFacts } from './proving/raw-store.ts';
