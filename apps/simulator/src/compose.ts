// SPDX-License-Identifier: Apache-2.0

/** What proofs of the whole system use: real servers and fleets to be broken on purpose. */
export { httpManagement, type Management } from './demo/management.ts';
export { loadApprovers, replaceServerKeys } from './demo/release-keys.ts';
export type { ImageSource } from './play/control-plane.ts';
export { startAgent } from './process/agent-process.ts';
export type { SignedRelease } from './product/release-house.ts';
export type { ProductVersion } from './product/signed-release.ts';
export type { Held } from './proving/acknowledged.ts';
export { type Ask, asker } from './proving/api.ts';
export { createInstallation, type Installation } from './proving/installation.ts';
export { createProvingGround, type ProvingGround } from './proving/proving-ground.ts';
export type { RawExposure, RawFacts } from './proving/raw-store.ts';
export { playRegions, REGIONS } from './regions/play-regions.ts';
export { type Balancer, openBalancer } from './servers/balancer.ts';
export { type CutProxy, openCutProxy } from './servers/cut-proxy.ts';
export { createProofFleet, type ProofDevice, type ProofFleet, type ProofRollout } from './servers/proof-fleet.ts';
export {
  BREAKABLE_PROGRAM,
  runStatement,
  SERVER_PROGRAM,
  type ServerProgram,
  type Servers,
  startServers,
} from './servers/servers.ts';
