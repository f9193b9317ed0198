// SPDX-License-Identifier: Apache-2.0
import type { FoundDevice } from '@outrider/domain/gateway/finder-ports';
import { QUERY_CHARACTERS_MAX } from '@outrider/domain/gateway/query';
import type { DeviceId, RolloutId } from '@outrider/domain/kernel/ids';
import { ok } from '@outrider/domain/kernel/result';
import { TAGS_MAX } from '@outrider/domain/policy/attributes';
import Type from 'typebox';
import type { Server } from '../compose.ts';
import { refuse } from '../errors.ts';
import { type ApiRoute, apiRoute } from './api-route.ts';
import { authorOf } from './authorize.ts';
import { CHANGE_FIELDS, CountText, IdText, idOf, limitOf } from './parameters.ts';

const WhereText = Type.Optional(Type.String({ maxLength: QUERY_CHARACTERS_MAX }));
const FormatText = Type.Union([Type.Literal('csv'), Type.Literal('ndjson')]);

/** Devices that are named one by one: more is a query. */
const TAGGED_IDS_MAX = 1_000;

const TagList = Type.Array(IdText, { maxItems: TAGS_MAX, uniqueItems: true });

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
      async handle({ person: { reach }, query: { where = '', after, limit } }) {
        const page = after === undefined ? {} : { after: idOf<DeviceId>('device id', after) };
        const found = await registry.find({ where, reach, limit: limitOf(limit), ...page });
        return found.ok ? ok({ items: found.value.map(itemOf) }) : found;
      },
    }),
    apiRoute({
      method: 'GET',
      path: '/device-count',
      summary: 'Counts the devices that a query describes; exactly, or says that there are at least so many',
      schemas: { query: Type.Object({ where: WhereText }) },
      answers: '{devices, isExact}',
      handle: ({ person, query: { where = '' } }) => registry.count(where, person.reach),
    }),
    ...(['csv', 'ndjson'] as const).map((format) =>
      apiRoute({
        method: 'GET',
        path: `/device-export/${format}`,
        summary: `Writes the devices that a query describes as ${format.toUpperCase()}, as they are read`,
        schemas: { query: Type.Object({ where: WhereText }) },
        mediaType: format === 'csv' ? 'text/csv; charset=utf-8' : 'application/x-ndjson',
        answers: 'One line a device, ascending by id',
        handle: ({ person: { reach }, query: { where = '' } }) => registry.writeOut({ where, format, reach }),
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
      handle: ({ person: { reach }, query: { format, dryRun, author }, body }) =>
        registry.takeIn({ body, format, author: authorOf(author), isDryRun: dryRun === 'true', reach }),
    }),
    apiRoute({
      method: 'POST',
      path: '/device-tags',
      summary: 'Adds tags to devices and takes them away, by id or by query',
      schemas: {
        body: Type.Object(
          {
            deviceIds: Type.Optional(Type.Array(IdText, { minItems: 1, maxItems: TAGGED_IDS_MAX, uniqueItems: true })),
            where: Type.Optional(Type.String({ minLength: 1, maxLength: QUERY_CHARACTERS_MAX })),
            add: Type.Optional(TagList),
            remove: Type.Optional(TagList),
            attributesRevision: Type.Optional(Type.Integer({ minimum: 1 })),
            author: CHANGE_FIELDS.author,
          },
          { additionalProperties: false },
        ),
      },
      answers: 'TagReceipt {devices, changed, attributesRevision? of one device}',
      async handle({ person: { reach }, body: { deviceIds, where, add = [], remove = [], ...body } }) {
        if ((deviceIds === undefined) === (where === undefined))
          return refuse('body-malformed', 'Devices are named by deviceIds or by where; give exactly one of the two');
        if (body.attributesRevision !== undefined && deviceIds?.length !== 1)
          return refuse('body-malformed', 'The revision is that of one device; name one, or leave it out');
        const { attributesRevision } = body;
        const of =
          where === undefined
            ? { deviceIds: (deviceIds ?? []).map((one) => idOf<DeviceId>('device id', one)) }
            : { where };
        const revision = attributesRevision === undefined ? {} : { attributesRevision };
        return registry.tag({ of, change: { add, remove }, ...revision, author: authorOf(body.author), reach });
      },
    }),
    apiRoute({
      method: 'GET',
      path: '/expected-devices',
      summary: 'Lists devices that were announced and have not registered; after: device id',
      schemas: { query: Type.Object({ after: Type.Optional(IdText), limit: Type.Optional(CountText) }) },
      answers: '{items: ExpectedDevice[]}',
      async handle({ person: { reach }, query: { after, limit } }) {
        const page = after === undefined ? {} : { after: idOf<DeviceId>('device id', after) };
        return ok({ items: await registry.listExpected({ limit: limitOf(limit), reach, ...page }) });
      },
    }),
    apiRoute({
      method: 'GET',
      path: '/rollouts/:rolloutId/explain',
      summary: 'Groups every device of the type by why it is, or is not, on the release of the rollout',
      schemas: { params: Type.Object({ rolloutId: IdText }) },
      answers: 'FleetExplanation {rolloutId, at, devices, groups: {cause, sentence, reason?, devices, samples}[]}',
      handle: ({ person, params }) =>
        registry.explainRollout(idOf<RolloutId>('rollout id', params.rolloutId), person.reach),
    }),
  ];
}

function itemOf({ record, attributesRevision }: FoundDevice) {
  return { ...record, attributesRevision };
}
