// SPDX-License-Identifier: Apache-2.0
import { ok } from '@outrider/domain/kernel/result';
import { PERSON_ROLES, type PersonRole } from '@outrider/domain/trust/person';
import Type from 'typebox';
import type { People } from '../trust/people.ts';
import { type ApiRoute, apiRoute } from './api-route.ts';
import { IdText, ReasonText } from './parameters.ts';

const Role = Type.Union((Object.keys(PERSON_ROLES) as PersonRole[]).map((role) => Type.Literal(role)));
const Names = Type.Optional(Type.Array(IdText, { minItems: 1, maxItems: 256, uniqueItems: true }));
const Reason = Type.Object({ reason: ReasonText }, { additionalProperties: false });
const PersonParams = Type.Object({ personId: IdText });

const SHOWN =
  'ShownToken {tokenId, name, roles, reach, personId, createdAtMs, expiresAtMs, revokedAtMs?, lastUsedAtMs?}';

/** Who somebody is here, the tokens of programs, and who is shut out. */
export function peopleRoutes({ serviceTokens, sessionOf, endSession, blocks }: People): readonly ApiRoute[] {
  return [
    apiRoute({
      method: 'GET',
      path: '/session',
      summary: 'Shows who you are here: roles, reach, and what the page has to send along with changes',
      schemas: {},
      answers: '{personId, name, roles, reach, credential, csrfToken?}',
      handle: async ({ person }) => ok(sessionOf(person)),
    }),
    apiRoute({
      method: 'POST',
      path: '/session/end',
      summary: 'Signs out: the session of the cookie ends; a token is not ended by this',
      schemas: { body: Type.Object({}, { additionalProperties: false }) },
      answers: '{ended}',
      handle: async () => ok({ ended: await endSession() }),
    }),
    apiRoute({
      method: 'GET',
      path: '/service-tokens',
      summary: 'Lists your service tokens; those of everybody for whoever looks after security',
      schemas: {},
      answers: `{items: ${SHOWN}[]}`,
      handle: async ({ person }) => ok({ items: await serviceTokens.list(person) }),
    }),
    apiRoute({
      method: 'POST',
      path: '/service-tokens',
      summary:
        'Makes a service token with at most your own roles and reach; its text is in this answer and nowhere else',
      schemas: {
        body: Type.Object(
          {
            name: IdText,
            roles: Type.Array(Role, { minItems: 1, maxItems: 4, uniqueItems: true }),
            customers: Names,
            regions: Names,
            days: Type.Integer({ minimum: 1, maximum: 366 }),
          },
          { additionalProperties: false },
        ),
      },
      status: 201,
      answers: `${SHOWN} and token`,
      handle: ({ person, body: { name, roles, customers, regions, days } }) => {
        const reach = {
          ...(customers === undefined ? {} : { customers }),
          ...(regions === undefined ? {} : { regions }),
        };
        return serviceTokens.create(person, { name, roles, reach, days });
      },
    }),
    apiRoute({
      method: 'POST',
      path: '/service-tokens/:tokenId/revoke',
      summary: 'Revokes a service token, for every request that begins after the answer',
      schemas: { params: Type.Object({ tokenId: IdText }), body: Reason },
      answers: SHOWN,
      handle: ({ person, params, body }) => serviceTokens.revoke(person, params.tokenId, body.reason),
    }),
    apiRoute({
      method: 'GET',
      path: '/people',
      summary: 'Lists everybody who was here, and who is shut out',
      schemas: {},
      answers: '{items: KnownPerson {personId, name, firstSeenMs, lastSeenMs, blocked?: {atMs, by, reason}}[]}',
      handle: async () => ok({ items: await blocks.list() }),
    }),
    apiRoute({
      method: 'POST',
      path: '/people/:personId/block',
      summary:
        'Shuts somebody out at once: sessions end, tokens of the issuer and service tokens of theirs are refused',
      schemas: { params: PersonParams, body: Reason },
      answers: '{personId, isBlocked}',
      handle: ({ person, params, body }) => blocks.block(person, params.personId, body.reason),
    }),
    apiRoute({
      method: 'POST',
      path: '/people/:personId/unblock',
      summary: 'Lets somebody in again who was shut out',
      schemas: { params: PersonParams, body: Reason },
      answers: '{personId, isBlocked}',
      handle: ({ person, params, body }) => blocks.unblock(person, params.personId, body.reason),
    }),
  ];
}
