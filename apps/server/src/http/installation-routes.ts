// SPDX-License-Identifier: Apache-2.0
import { assert } from '@outrider/domain/kernel/assert';
import type { DeviceId, Revision } from '@outrider/domain/kernel/ids';
import { err, ok } from '@outrider/domain/kernel/result';
import { fleetInstant } from '@outrider/domain/kernel/time';
import { isWhole, type Reach } from '@outrider/domain/trust/reach';
import { scope as readScope } from '@outrider/protocol/policy/policy-change';
import Type from 'typebox';
import type { Server } from '../compose.ts';
import type { ServerStatus } from '../queries.ts';
import { faultOfScope, scopesWithin } from '../trust/reaching.ts';
import { type ApiRoute, apiRoute } from './api-route.ts';
import { authorOf } from './authorize.ts';
import { CHANGE_FIELDS, CountText, countOf, IdText, idOf, ReasonText, ScopeText } from './parameters.ts';
import { contextOf } from './rollout-routes.ts';

const DeviceParams = Type.Object({ deviceId: IdText });

/** The installation as a whole: status, scopes, the policy log, devices, the conductor. */
export function installationRoutes({ acceptClock, policy, queries, reaching, step }: Server): readonly ApiRoute[] {
  return [
    apiRoute({
      method: 'GET',
      path: '/status',
      summary: 'Shows fleet time, policy revision, progress of a publication and counters by reason',
      schemas: {},
      answers:
        'ServerStatus {fleetTime, isConducted, clockHold?, revision, isFresh, pausedScopes, restored?, publishing?, handled, counters}',
      handle: async ({ person }) => ok(statusWithin(queries.status(), person.reach)),
    }),
    apiRoute({
      method: 'POST',
      path: '/scopes/pause',
      summary: 'Pauses everything, globally or in a region; true when it returns',
      schemas: {
        body: Type.Object(
          {
            scope: ScopeText,
            reason: ReasonText,
            isIncludingRollback: Type.Optional(Type.Boolean()),
            ...CHANGE_FIELDS,
          },
          { additionalProperties: false },
        ),
      },
      answers: 'PolicyReceipt {revision, at, openPermits}',
      async handle({ body, person }) {
        const fault = faultOfScope(person, body.scope);
        if (fault !== undefined) return err(fault);
        return policy.pauseScope({
          scope: scopeOf(body.scope),
          reason: body.reason,
          ...(body.isIncludingRollback === undefined ? {} : { isIncludingRollback: body.isIncludingRollback }),
          ...contextOf(body),
        });
      },
    }),
    apiRoute({
      method: 'POST',
      path: '/scopes/resume',
      summary: 'Lets a paused scope go on',
      schemas: {
        body: Type.Object({ scope: ScopeText, reason: ReasonText, ...CHANGE_FIELDS }, { additionalProperties: false }),
      },
      answers: 'PolicyReceipt {revision, at}',
      async handle({ body, person }) {
        const fault = faultOfScope(person, body.scope);
        if (fault !== undefined) return err(fault);
        return policy.resumeScope({ scope: scopeOf(body.scope), reason: body.reason, ...contextOf(body) });
      },
    }),
    apiRoute({
      method: 'GET',
      path: '/policy-entries',
      summary: 'Lists the policy log; after: revision',
      schemas: { query: Type.Object({ after: Type.Optional(CountText) }) },
      answers: '{items: PolicyEntry[]}',
      // A whole number is all that a revision is.
      handle: async ({ query }) => ok({ items: await queries.listPolicyEntries(countOf(query.after, 0) as Revision) }),
    }),
    apiRoute({
      method: 'GET',
      path: '/devices/:deviceId',
      summary: 'Shows a device with its rows in the ledgers',
      schemas: { params: DeviceParams },
      answers: 'KnownDevice {record: DeviceRecord, ledger: LedgerRow[], manifests?: {manifest?, disbelieved?}}',
      handle: ({ params }) => queries.showDevice(idOf<DeviceId>('device id', params.deviceId)),
    }),
    apiRoute({
      method: 'GET',
      path: '/devices/:deviceId/explain',
      summary:
        'Explains what a device is answered now, or was at a fleet instant (at, ms): every predicate with its values',
      schemas: { params: DeviceParams, query: Type.Object({ at: Type.Optional(CountText) }) },
      answers:
        'Explanation {deviceId, rollouts, answer, manifests?}; of an instant also past {at, revision, knownAsToday: text[]}',
      async handle({ params, query, person }) {
        const deviceId = idOf<DeviceId>('device id', params.deviceId);
        const explained = await (query.at === undefined
          ? queries.explainDevice(deviceId)
          : queries.explainDeviceAt(deviceId, fleetInstant(countOf(query.at, 0))));
        return explained.ok ? ok(reaching.shownExplanation(person, explained.value)) : explained;
      },
    }),
    apiRoute({
      method: 'POST',
      path: '/clock/accept',
      summary: 'Vouches for the wall clock after a jump, so that rollouts may widen again',
      schemas: {
        body: Type.Object({ reason: ReasonText, author: CHANGE_FIELDS.author }, { additionalProperties: false }),
      },
      answers: '{now, leadMs}: fleet time, and how far it stays ahead of the wall clock',
      handle: ({ body }) => acceptClock({ author: authorOf(body.author), reason: body.reason }),
    }),
    apiRoute({
      method: 'POST',
      path: '/conductor/step',
      summary: 'Sets fleet time in a conducted installation, then drains: flush, read the policy, count, decide',
      schemas: {
        body: Type.Object(
          { now: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }) },
          { additionalProperties: false },
        ),
      },
      answers: '{now, handled}: fleet time, and requests of devices answered since the start',
      handle: ({ body }) => step(fleetInstant(body.now)),
    }),
  ];
}

/** What the server answered, counted over all devices, is told to those alone whose roles reach all of them. */
function statusWithin(status: ServerStatus, reach: Reach): ServerStatus {
  if (isWhole(reach)) return status;
  const { publishing: _, ...own } = status;
  return { ...own, pausedScopes: scopesWithin(status.pausedScopes, reach), handled: 0, counters: {} };
}

function scopeOf(text: string) {
  const scope = readScope(text);
  assert(scope.ok, 'a scope that its schema has checked');
  return scope.value;
}
