// SPDX-License-Identifier: Apache-2.0
import { ok } from '@outrider/domain/kernel/result';
import { fleetInstant } from '@outrider/domain/kernel/time';
import Type from 'typebox';
import type { Server } from '../compose.ts';
import { type ApiRoute, apiRoute } from './api-route.ts';
import { CountText, countOf, IdText, limitOf } from './parameters.ts';

/** As in changes; `decision` is the rule itself. */
const ActorText = Type.Optional(Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9 ._:@+-]{0,99}$' }));

/** Who has changed what: the audit log, for lists and for verification. */
export function auditRoutes({ audit }: Server): readonly ApiRoute[] {
  return [
    apiRoute({
      method: 'GET',
      path: '/audit-entries',
      summary: 'Lists the audit log; after: sequence; since: fleet time; actor, action: those alone',
      schemas: {
        query: Type.Object({
          after: Type.Optional(CountText),
          limit: Type.Optional(CountText),
          since: Type.Optional(CountText),
          actor: ActorText,
          action: Type.Optional(IdText),
        }),
      },
      answers:
        '{head: {sequence, digest}, items: {sequence, text, digest, entry?: AuditEntry}[]}: digest is SHA-256 of text',
      handle: async ({ query: { after, limit, since, actor, action } }) =>
        ok(
          await audit.list({
            after: countOf(after, 0),
            limit: limitOf(limit),
            ...(since === undefined ? {} : { since: fleetInstant(countOf(since, 0)) }),
            ...(actor === undefined ? {} : { actor }),
            ...(action === undefined ? {} : { action }),
          }),
        ),
    }),
  ];
}
