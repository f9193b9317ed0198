// SPDX-License-Identifier: Apache-2.0
import { err, ok } from '@outrider/domain/kernel/result';
import type { Audience } from '@outrider/domain/policy/audience';
import type { Policy } from '@outrider/domain/policy/fold';
import type { StandingOrders } from '@outrider/domain/policy/freeze';
import type { Person } from '@outrider/domain/trust/person';
import { describeParseError } from '@outrider/protocol/kernel/parse-error';
import { parseExclusion, parseFreeze } from '@outrider/protocol/policy/standing-orders';
import Type from 'typebox';
import type { Server } from '../compose.ts';
import { type CommandError, refuse } from '../errors.ts';
import { policyProblem } from '../policy/policy-problem.ts';
import { beyond, faultOfAudience } from '../trust/reaching.ts';
import { type ApiRoute, apiRoute } from './api-route.ts';
import { CHANGE_FIELDS, IdText, ReasonText } from './parameters.ts';
import { contextOf } from './rollout-routes.ts';

const Lift = Type.Object({ reason: ReasonText, ...CHANGE_FIELDS }, { additionalProperties: false });
const RECEIPT = 'PolicyReceipt {revision, at}';

/** What holds over all rollouts: times without new permits, and devices that get nothing. */
export function orderRoutes({ policy, queries }: Server): readonly ApiRoute[] {
  return [
    apiRoute({
      method: 'GET',
      path: '/freezes',
      summary: 'Lists the times without new permits',
      schemas: {},
      answers: '{revision, items: Freeze {freezeId, audience, times, reason, isIncludingRollback}[]}',
      async handle({ person }) {
        const { revision, orders } = await queries.orders();
        return ok({
          revision,
          items: orders.freezes.filter((one) => faultOfAudience(person, one.audience) === undefined),
        });
      },
    }),
    apiRoute({
      method: 'POST',
      path: '/freezes',
      summary: 'Orders a time without new permits for an audience, once or each week; one of the same name is replaced',
      schemas: { body: Type.Object({ freeze: Type.Unknown(), ...CHANGE_FIELDS }, { additionalProperties: false }) },
      status: 201,
      answers: RECEIPT,
      async handle({ body, person }) {
        const freeze = parseFreeze(JSON.stringify(body.freeze));
        if (!freeze.ok) return refuse('body-malformed', describeParseError(freeze.error));
        const fault = faultOfAudience(person, freeze.value.audience);
        if (fault !== undefined) return err(fault);
        const { freezeId } = freeze.value;
        const faultOn = ({ orders }: Policy) => nameFault(person, freezeId, freezeNamed(orders, freezeId));
        return policy.order({ change: { kind: 'freeze-set', ...freeze.value }, ...contextOf(body), faultOn });
      },
    }),
    apiRoute({
      method: 'POST',
      path: '/freezes/:freezeId/lift',
      summary: 'Lifts a freeze before its time is over',
      schemas: { params: Type.Object({ freezeId: IdText }), body: Lift },
      answers: RECEIPT,
      handle: ({ params: { freezeId }, body, person }) =>
        policy.order({
          change: { kind: 'freeze-lifted', freezeId, reason: body.reason },
          ...contextOf(body),
          faultOn: ({ orders }) => liftFault(person, freezeId, freezeNamed(orders, freezeId)),
        }),
    }),
    apiRoute({
      method: 'GET',
      path: '/exclusions',
      summary: 'Lists devices that are excluded from all rollouts',
      schemas: {},
      answers: '{revision, items: Exclusion {exclusionId, of, reason, expiresAt?}[]}',
      async handle({ person }) {
        const { revision, orders } = await queries.orders();
        return ok({ revision, items: orders.exclusions.filter(({ of }) => faultOfAudience(person, of) === undefined) });
      },
    }),
    apiRoute({
      method: 'POST',
      path: '/exclusions',
      summary:
        'Excludes devices from all rollouts, by id, tag or any audience, with a reason; one of the same name is replaced',
      schemas: { body: Type.Object({ exclusion: Type.Unknown(), ...CHANGE_FIELDS }, { additionalProperties: false }) },
      status: 201,
      answers: RECEIPT,
      async handle({ body, person }) {
        const exclusion = parseExclusion(JSON.stringify(body.exclusion));
        if (!exclusion.ok) return refuse('body-malformed', describeParseError(exclusion.error));
        const fault = faultOfAudience(person, exclusion.value.of);
        if (fault !== undefined) return err(fault);
        const { exclusionId } = exclusion.value;
        const faultOn = ({ orders }: Policy) => nameFault(person, exclusionId, exclusionNamed(orders, exclusionId));
        return policy.order({ change: { kind: 'exclusion-set', ...exclusion.value }, ...contextOf(body), faultOn });
      },
    }),
    apiRoute({
      method: 'POST',
      path: '/exclusions/:exclusionId/lift',
      summary: 'Lets devices take part again',
      schemas: { params: Type.Object({ exclusionId: IdText }), body: Lift },
      answers: RECEIPT,
      handle: ({ params: { exclusionId }, body, person }) =>
        policy.order({
          change: { kind: 'exclusion-lifted', exclusionId, reason: body.reason },
          ...contextOf(body),
          faultOn: ({ orders }) => liftFault(person, exclusionId, exclusionNamed(orders, exclusionId)),
        }),
    }),
  ];
}

function freezeNamed({ freezes }: StandingOrders, freezeId: string): Audience | undefined {
  return freezes.find((one) => one.freezeId === freezeId)?.audience;
}

function exclusionNamed({ exclusions }: StandingOrders, exclusionId: string): Audience | undefined {
  return exclusions.find((one) => one.exclusionId === exclusionId)?.of;
}

/** Nobody replaces what is beyond their reach by something narrower of the same name. */
export function nameFault(person: Person, name: string, former: Audience | undefined): CommandError | undefined {
  if (former === undefined || faultOfAudience(person, former) === undefined) return undefined;
  return beyond(person, `The name ${name} stands for devices of others already; choose another`);
}

/** What is beyond somebody's reach is as if it were not there. */
function liftFault(person: Person, orderId: string, former: Audience | undefined): CommandError | undefined {
  const isBeyond = former !== undefined && faultOfAudience(person, former) !== undefined;
  return isBeyond ? policyProblem({ code: 'order-unknown', orderId }) : undefined;
}
