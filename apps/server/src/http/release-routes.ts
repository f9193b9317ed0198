// SPDX-License-Identifier: Apache-2.0
import { assert } from '@outrider/domain/kernel/assert';
import { parseSha256, type ReleaseId } from '@outrider/domain/kernel/ids';
import { ok } from '@outrider/domain/kernel/result';
import { describeParseError } from '@outrider/protocol/kernel/parse-error';
import { parseEnvelope } from '@outrider/protocol/trust/envelope';
import Type from 'typebox';
import type { Server } from '../compose.ts';
import { refuse } from '../errors.ts';
import { type ApiRoute, apiRoute } from './api-route.ts';
import { authorOf } from './authorize.ts';
import { CHANGE_FIELDS, IdText, idOf, ReasonText } from './parameters.ts';

const ReleaseParams = Type.Object({ releaseId: IdText });

/** The signed targets that a release file carries beside its envelope, as text; they are read and verified later. */
function targetsIn(body: unknown): string | undefined {
  const isObject = typeof body === 'object' && body !== null && 'targets' in body;
  return isObject && body.targets !== undefined ? JSON.stringify(body.targets) : undefined;
}

/** Blobs and releases. */
export function releaseRoutes({ releases, queries }: Server): readonly ApiRoute[] {
  return [
    apiRoute({
      method: 'PUT',
      path: '/blobs/:digest',
      summary: 'Uploads an image, a block list or any other blob under its SHA-256',
      schemas: { params: Type.Object({ digest: Type.String({ pattern: '^[0-9a-f]{64}$' }) }), body: 'bytes' },
      answers: '{digest, bytes}: durable; uploading it again changes nothing',
      async handle({ params, body }) {
        const digest = parseSha256(params.digest);
        assert(digest.ok, 'a digest that its schema has checked');
        return releases.putBlob(digest.value, body);
      },
    }),
    apiRoute({
      method: 'POST',
      path: '/releases',
      summary: 'Verifies a signed release, makes its deltas and publishes it for good',
      schemas: { query: Type.Object({ author: CHANGE_FIELDS.author }), body: Type.Unknown() },
      status: 201,
      answers:
        'PublishedRelease {manifest, envelope, publishedAt, isVouched?: false}; GET /status shows the progress meanwhile',
      async handle({ query, body }) {
        const envelope = parseEnvelope(JSON.stringify(body));
        if (!envelope.ok) return refuse('body-malformed', describeParseError(envelope.error));
        return releases.publish(envelope.value, authorOf(query.author), targetsIn(body));
      },
    }),
    apiRoute({
      method: 'GET',
      path: '/releases',
      summary: 'Lists releases, those of one device type if asked so',
      schemas: { query: Type.Object({ deviceType: Type.Optional(IdText) }) },
      answers: '{items: PublishedRelease[]}',
      handle: async ({ query }) => ok({ items: await queries.listReleases(query.deviceType) }),
    }),
    apiRoute({
      method: 'GET',
      path: '/releases/:releaseId',
      summary: 'Shows a release with the deltas to its images',
      schemas: { params: ReleaseParams },
      answers: '{release: PublishedRelease, deltas: Delta[]}',
      handle: ({ params }) => queries.showRelease(idOf<ReleaseId>('release id', params.releaseId)),
    }),
    apiRoute({
      method: 'POST',
      path: '/releases/:releaseId/withdraw',
      summary: 'Marks a release as withdrawn: it is offered no more, and stays in the catalogue',
      schemas: {
        params: ReleaseParams,
        body: Type.Object({ reason: ReasonText, author: CHANGE_FIELDS.author }, { additionalProperties: false }),
      },
      answers: 'PublishedRelease with withdrawnAt and withdrawnReason',
      handle: ({ params, body: { reason, author } }) =>
        releases.withdraw(idOf<ReleaseId>('release id', params.releaseId), reason, authorOf(author)),
    }),
  ];
}
