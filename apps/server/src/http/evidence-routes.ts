// SPDX-License-Identifier: Apache-2.0

import type { DeviceId, RolloutId } from '@outrider/domain/kernel/ids';
import { EXCLUDED_DEVICES_MAX } from '@outrider/domain/policy/decide-change';
import Type from 'typebox';
import type { Server } from '../compose.ts';
import { type ApiRoute, apiRoute } from './api-route.ts';
import { CHANGE_FIELDS, IdText, idOf, ReasonText } from './parameters.ts';
import { contextOf } from './rollout-routes.ts';

/** Devices, and why their reports count or do not. */
const Belief = Type.Object(
  {
    deviceIds: Type.Array(IdText, { minItems: 1, maxItems: EXCLUDED_DEVICES_MAX }),
    reason: ReasonText,
    ...CHANGE_FIELDS,
  },
  { additionalProperties: false },
);

const Metric = Type.Union([
  Type.Literal('revert'),
  Type.Literal('install'),
  Type.Literal('silent24'),
  Type.Literal('silent72'),
  Type.Literal('silent168'),
  Type.Literal('crash24'),
  Type.Literal('sensor24'),
]);

const RECEIPT = 'PolicyReceipt {revision, at, rollout {rolloutId, state, epoch}}';

/** Evidence, checked against what it was made from. */
export function evidenceRoutes({ recounts, reporters, policy }: Server): readonly ApiRoute[] {
  const belief = (kind: 'evidence-excluded' | 'evidence-included', path: 'exclude' | 'include', summary: string) =>
    apiRoute({
      method: 'POST',
      path: `/rollouts/:rolloutId/evidence/${path}`,
      summary,
      schemas: { params: Type.Object({ rolloutId: IdText }), body: Belief },
      answers: RECEIPT,
      handle: ({ params, body }) =>
        policy.changeBelief({
          kind,
          rolloutId: idOf<RolloutId>('rollout id', params.rolloutId),
          deviceIds: body.deviceIds.map((one) => idOf<DeviceId>('device id', one)),
          reason: body.reason,
          ...contextOf(body),
        }),
    });
  return [
    belief(
      'evidence-excluded',
      'exclude',
      'Takes devices whose reports are not believed out of the counts of a halted rollout',
    ),
    belief('evidence-included', 'include', 'Lets reports of devices that were taken out of the counts count again'),
    apiRoute({
      method: 'GET',
      path: '/rollouts/:rolloutId/evidence/reporters',
      summary: 'Lists the devices of which events are counted, their keys, and what they have in common',
      schemas: { params: Type.Object({ rolloutId: IdText }), query: Type.Object({ metric: Type.Optional(Metric) }) },
      answers:
        '{asOf, reporterCount, items: Reporter {deviceId, keyId, segment, region, arm, metrics, firstEventAt?, registeredAt, isExcluded}[], clusters: {by, value, reporters}[]}',
      handle: ({ params, query }) => reporters.of(idOf<RolloutId>('rollout id', params.rolloutId), query.metric),
    }),
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
