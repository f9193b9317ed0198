// SPDX-License-Identifier: Apache-2.0
import type { Revision } from '@outrider/domain/kernel/ids';
import { err, ok } from '@outrider/domain/kernel/result';
import type { Policy } from '@outrider/domain/policy/fold';
import type { Person } from '@outrider/domain/trust/person';
import { describeParseError } from '@outrider/protocol/kernel/parse-error';
import { parseAudience } from '@outrider/protocol/policy/audience';
import Type from 'typebox';
import type { Server } from '../compose.ts';
import { type CommandError, refuse } from '../errors.ts';
import { policyProblem } from '../policy/policy-problem.ts';
import { faultOfAudience, isGroupWithin } from '../trust/reaching.ts';
import { type ApiRoute, apiRoute } from './api-route.ts';
import { nameFault } from './order-routes.ts';
import { CHANGE_FIELDS, IdText, ReasonText } from './parameters.ts';
import { contextOf } from './rollout-routes.ts';

const GroupParams = Type.Object({ groupId: IdText });
const Replaces = Type.Integer({ minimum: 1 });
const GROUP = 'Group {groupId, audience, reason, revision, at, by}';
const RECEIPT = 'PolicyReceipt {revision, at}';

/** Names for audiences. */
export function groupRoutes({ policy, queries, registry }: Server): readonly ApiRoute[] {
  return [
    apiRoute({
      method: 'GET',
      path: '/groups',
      summary: 'Lists the groups: names for audiences',
      schemas: {},
      answers: `{revision, items: ${GROUP}[]}`,
      async handle({ person }) {
        const { revision, groups } = await queries.orders();
        return ok({ revision, items: [...groups.values()].filter((one) => isGroupWithin(one, person.reach)) });
      },
    }),
    apiRoute({
      method: 'GET',
      path: '/groups/:groupId',
      summary: 'Shows a group, and how many registered devices are in it now',
      schemas: { params: GroupParams },
      answers: `${GROUP} & {devices, isExact}`,
      async handle({ params: { groupId }, person: { reach } }) {
        const group = (await queries.orders()).groups.get(groupId);
        if (group === undefined || !isGroupWithin(group, reach)) {
          return err(policyProblem({ code: 'group-unknown', groupId }));
        }
        const count = await registry.count(`group = ${groupId}`, reach);
        return count.ok ? ok({ ...group, ...count.value }) : count;
      },
    }),
    apiRoute({
      method: 'POST',
      path: '/groups',
      summary: 'Creates a group; with `replaces`, the revision of the group that was seen, changes it',
      schemas: {
        body: Type.Object(
          {
            group: Type.Object(
              { groupId: IdText, audience: Type.Unknown(), reason: ReasonText },
              { additionalProperties: false },
            ),
            replaces: Type.Optional(Replaces),
            ...CHANGE_FIELDS,
          },
          { additionalProperties: false },
        ),
      },
      status: 201,
      answers: RECEIPT,
      async handle({ body, person }) {
        const { groupId, reason } = body.group;
        const audience = parseAudience(JSON.stringify(body.group.audience));
        if (!audience.ok) return refuse('body-malformed', describeParseError(audience.error));
        const fault = faultOfAudience(person, audience.value);
        if (fault !== undefined) return err(fault);
        const replaces = body.replaces === undefined ? {} : { replaces: revisionOf(body.replaces) };
        return policy.order({
          change: { kind: 'group-set', groupId, audience: audience.value, reason, ...replaces },
          ...contextOf(body),
          faultOn: ({ groups }) => nameFault(person, groupId, groups.get(groupId)?.audience),
        });
      },
    }),
    apiRoute({
      method: 'POST',
      path: '/groups/:groupId/remove',
      summary: 'Removes a group, from the revision of it that was seen; what was made with it keeps what it meant',
      schemas: {
        params: GroupParams,
        body: Type.Object(
          { reason: ReasonText, replaces: Replaces, ...CHANGE_FIELDS },
          { additionalProperties: false },
        ),
      },
      answers: RECEIPT,
      handle: ({ params: { groupId }, body, person }) =>
        policy.order({
          change: { kind: 'group-removed', groupId, reason: body.reason, replaces: revisionOf(body.replaces) },
          ...contextOf(body),
          faultOn: (held) => unseenFault(person, groupId, held),
        }),
    }),
  ];
}

function unseenFault(person: Person, groupId: string, { groups }: Policy): CommandError | undefined {
  const group = groups.get(groupId);
  const isSeen = group === undefined || isGroupWithin(group, person.reach);
  return isSeen ? undefined : policyProblem({ code: 'group-unknown', groupId });
}

/** The schema has checked that it is a whole number: this is its constructor. */
function revisionOf(count: number): Revision {
  return count as Revision;
}
