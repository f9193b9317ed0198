// SPDX-License-Identifier: Apache-2.0
import type { FoundDevice } from '@outrider/domain/gateway/finder-ports';
import { QUERY_CHARACTERS_MAX } from '@outrider/domain/gateway/query';
import type { DeviceId, RolloutId } from '@outrider/domain/kernel/ids';
import { ok } from '@outrider/domain/kernel/result';
import Type from 'typebox';
import type { Server } from '../compose.ts';
import { type ApiRoute, apiRoute } from './api-route.ts';
import { authorOf } from './authorize.ts';
import { CHANGE_FIELDS, CountText, IdText, idOf, limitOf } from './parameters.ts';

const WhereText = Type.Optional(Type.String({ maxLength: QUERY_CHARACTERS_MAX }));
const FormatText = Type.Union([Type.Literal('csv'), Type.Literal('ndjson')]);

/** The registry of devices: asked, written out, taken in, and the fleet before a rollout. */
export function registryRoutes({ registry }: Server): readonly ApiRoute[] {
  return [
    apiRoute({
      method: 'GET',
      path: '/devices',
      summary: 'Lists devices by id, all or those that a query describes; after: device id',
      schemas: {
        query: Type.Object({ where: WhereText, after: Type.Optional(IdText), limit: Type.Optional(CountText) }),
      },
      answers: '{items: (DeviceRecord & {attributesRevision})[]}',
      async handle({ query: { where = '', after, limit } }) {
        const page = after === undefined ? {} : { after: idOf<DeviceId>('device id', after) };
        const found = await registry.find({ where, limit: limitOf(limit), ...page });
        return found.ok ? ok({ items: found.value.map(itemOf) }) : found;
      },
    }),
    apiRoute({
      method: 'GET',
      path: '/device-count',
      summary: 'Counts the devices that a query describes; exactly, or says that there are at least so many',
      schemas: { query: Type.Object({ where: WhereText }) },
      answers: '{devices, isExact}',
      handle: ({ query: { where = '' } }) => registry.count(where),
    }),
    ...(['csv', 'ndjson'] as const).map((format) =>
      apiRoute({
        method: 'GET',
        path: `/device-export/${format}`,
        summary: `Writes the devices that a query describes as ${format.toUpperCase()}, as they are read`,
        schemas: { query: Type.Object({ where: WhereText }) },
        mediaType: format === 'csv' ? 'text/csv; charset=utf-8' : 'application/x-ndjson',
        answers: 'One line a device, ascending by id',
        handle: ({ query: { where = '' } }) => registry.writeOut(where, format),
      }),
    ),
    apiRoute({
      method: 'POST',
      path: '/device-import',
      summary: 'Takes in devices line by line: announces new ones, changes attributes of known ones',
      schemas: {
        query: Type.Object({
          format: FormatText,
          dryRun: Type.Optional(Type.Literal('true')),
          author: CHANGE_FIELDS.author,
        }),
        body: 'bytes',
      },
      answers: 'ImportReceipt {isDryRun, lines, announced, updated, unchanged, refused, faults}',
      handle: ({ query: { format, dryRun, author }, body }) =>
        registry.takeIn({ body, format, author: authorOf(author), isDryRun: dryRun === 'true' }),
    }),
    apiRoute({
      method: 'GET',
      path: '/expected-devices',
      summary: 'Lists devices that were announced and have not registered; after: device id',
      schemas: { query: Type.Object({ after: Type.Optional(IdText), limit: Type.Optional(CountText) }) },
      answers: '{items: ExpectedDevice[]}',
      async handle({ query: { after, limit } }) {
        const page = after === undefined ? {} : { after: idOf<DeviceId>('device id', after) };
        return ok({ items: await registry.listExpected({ limit: limitOf(limit), ...page }) });
      },
    }),
    apiRoute({
      method: 'GET',
      path: '/rollouts/:rolloutId/explain',
      summary: 'Groups every device of the type by why it is, or is not, on the release of the rollout',
      schemas: { params: Type.Object({ rolloutId: IdText }) },
      answers: 'FleetExplanation {rolloutId, at, devices, groups: {cause, sentence, reason?, devices, samples}[]}',
      handle: ({ params }) => registry.explainRollout(idOf<RolloutId>('rollout id', params.rolloutId)),
    }),
  ];
}

function itemOf({ record, attributesRevision }: FoundDevice) {
  return { ...record, attributesRevision };
}
