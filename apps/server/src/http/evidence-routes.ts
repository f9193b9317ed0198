// SPDX-License-Identifier: Apache-2.0
import type { RolloutId } from '@outrider/domain/kernel/ids';
import Type from 'typebox';
import type { Server } from '../compose.ts';
import { type ApiRoute, apiRoute } from './api-route.ts';
import { IdText, idOf } from './parameters.ts';

/** Evidence, checked against what it was made from. */
export function evidenceRoutes({ recounts }: Server): readonly ApiRoute[] {
  return [
    apiRoute({
      method: 'POST',
      path: '/rollouts/:rolloutId/evidence/recount',
      summary: 'Counts the evidence again from the raw ledger and the raw reports, and compares; changes nothing',
      schemas: { params: Type.Object({ rolloutId: IdText }) },
      answers:
        'EvidenceRecount {isEqual, rows, reports, differences, differenceCount, faults, faultCount, stored, recounted}',
      handle: ({ params }) => recounts.ofRollout(idOf<RolloutId>('rollout id', params.rolloutId)),
    }),
  ];
}
