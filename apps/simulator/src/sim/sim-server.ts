// SPDX-License-Identifier: Apache-2.0
import type { SteppedClock } from '@outrider/adapters/shared/clock';
import { digestText } from '@outrider/adapters/shared/digest';
import { createVerifier, signerFromSeed } from '@outrider/adapters/shared/ed25519';
import type { Signer } from '@outrider/domain/trust/ports';
import { composeServer, type Server } from '@outrider/server/compose';
import { memoryStore } from '@outrider/testkit/memory-store';
import { memoryBlobs } from '@outrider/testkit/memory-store/blobs';
import { type ReleaseSigners, releaseRoleOf } from '../product/signed-release.ts';
import type { EventLog } from './event-log.ts';
import { recordedStore } from './recorded-store.ts';
import { promptSchedule, stillClock, troubleLog } from './still-ports.ts';

/** The real server on a store in memory, and what its operator holds. */
export interface SimServer {
  readonly server: Server;
  /** Carries a request of a device to the server. */
  readonly handleDevice: Server['handleDevice'];
  /** Requests that were carried and came back. */
  answeredCount(): number;
  readonly releaseSigners: ReleaseSigners;
  readonly registrationToken: string;
}

/** Composes the server of a simulation: its keys come from the seed, its time from the conductor. */
export function simServer(options: {
  readonly seed: string;
  readonly clock: SteppedClock;
  readonly log: EventLog;
  readonly warn: (line: string) => void;
}): SimServer {
  const { seed, clock, log, warn } = options;
  const releaseSigners = {
    build: seededSigner(seed, 'release/build'),
    releaseEngineering: seededSigner(seed, 'release/release-engineering'),
  };
  const registrationToken = digestText(`${seed}/registration-token`);
  const role = releaseRoleOf(releaseSigners);
  const server = composeServer({
    store: recordedStore(memoryStore(), log, clock),
    blobs: memoryBlobs(),
    fleetClock: clock,
    machineClock: stillClock(),
    schedule: promptSchedule(),
    permitSigner: seededSigner(seed, 'permit'),
    verifier: createVerifier(),
    digestText,
    loadReleaseRole: async () => role,
    registrationTokenDigest: digestText(registrationToken),
    conductor: clock,
    log: troubleLog(warn),
  });
  let answered = 0;
  return {
    server,
    async handleDevice(request) {
      const response = await server.handleDevice(request);
      answered++;
      return response;
    },
    answeredCount: () => answered,
    releaseSigners,
    registrationToken,
  };
}

/** The key of this name in a world of this seed. For simulations only: whoever knows the seed knows the key. */
export function seededSigner(seed: string, name: string): Signer {
  return signerFromSeed(Buffer.from(digestText(`${seed}/key/${name}`), 'hex'));
}
