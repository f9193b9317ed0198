// SPDX-License-Identifier: Apache-2.0

import type { LedgerOutcome } from '@outrider/domain/gateway/ledger';
import { present } from '@outrider/domain/kernel/assert';
import type { Revision } from '@outrider/domain/kernel/ids';
import type { Result } from '@outrider/domain/kernel/result';
import type { Server } from '@outrider/server/compose';
import type { ControlPlane } from '../play/control-plane.ts';

/** Rows of one read. */
const PAGE = 1_000;

/** Who commands here, as the policy log shows it. */
const AUTHOR = 'conductor';

/** The control plane of a server in our own process. */
export function directControlPlane(server: Server): ControlPlane {
  const { releases, policy, queries } = server;
  return {
    async publish({ envelope, targets }, images) {
      for (const { image, blocks, content } of images) {
        done(await releases.putBlob(image.digest, content()));
        done(await releases.putBlob(image.blocksDigest, chunksOf(blocks)));
      }
      done(await releases.publish(envelope, AUTHOR, targets));
    },
    deltasOf: async (releaseId) => done(await queries.showRelease(releaseId)).deltas,
    async createRollout(plan) {
      done(await policy.createRollout({ plan, author: AUTHOR }));
    },
    async changeRollout(rolloutId, event, reason) {
      done(await policy.changeRollout({ rolloutId, event, reason, author: AUTHOR }));
    },
    step: async (now) => done(await server.step(now)),
    async sight(rolloutId) {
      const { rollout, exposure, evidence, decision } = done(await queries.showRollout(rolloutId));
      const { state, reason, haltedSegments } = rollout;
      return {
        state,
        reason,
        haltedSegments,
        ...(exposure && { exposure }),
        ...(evidence && { evidence }),
        figures: decision?.figures ?? [],
      };
    },
    async ledger(rolloutId) {
      const rows: LedgerOutcome[] = [];
      for (;;) {
        const page = await queries.listLedger(rolloutId, { afterPosition: rows.at(-1)?.position ?? 0, limit: PAGE });
        rows.push(...page);
        if (page.length < PAGE) return rows;
      }
    },
    async eventAt(rolloutId, event) {
      // The log of a simulation is short: it is read whole.
      const entries = await queries.listPolicyEntries(0 as Revision);
      const entry = entries.find(
        ({ change }) => change.kind === 'rollout-event' && change.rolloutId === rolloutId && change.event === event,
      );
      return entry?.at;
    },
  };
}

/** What a command of a simulation gives; a refusal is a bug of the simulation. */
function done<T>(result: Result<T, { readonly code: string; readonly detail: string }>): T {
  if (!result.ok) throw new TypeError(`The server refused with ${result.error.code}: ${result.error.detail}`);
  return present(result.value, 'a value');
}

async function* chunksOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
