// SPDX-License-Identifier: Apache-2.0
import { PROBLEM_MEDIA_TYPE } from '@outrider/protocol/kernel/problem';
import type { TObject, TSchema } from 'typebox';
import type { ApiRoute } from './api-route.ts';

/** The management API as an OpenAPI 3.1 document, made from the schemas that the server checks with. */
export function openApiDocument(
  routes: readonly ApiRoute[],
  { version, publicUrl }: { readonly version: string; readonly publicUrl?: string | undefined },
): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) {
    const path = `/api/v1${route.path.replaceAll(/:(\w+)/g, '{$1}')}`;
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(route) };
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Outrider management API', version, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    // Absent: the document's own origin (OpenAPI 3.1 §4.8.1).
    ...(publicUrl === undefined ? {} : { servers: [{ url: publicUrl }] }),
    security: [{ bearer: [] }],
    paths,
    components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } }, schemas: { Problem: PROBLEM } },
  };
}

function operationOf(route: ApiRoute): object {
  const { params, query, body } = route.schemas;
  return {
    summary: route.summary,
    parameters: [...parametersOf(params, 'path'), ...parametersOf(query, 'query')],
    ...(body === undefined ? {} : { requestBody: { required: true, content: contentOf(body) } }),
    responses: {
      [route.status ?? 200]: {
        description: route.answers,
        content: { [route.mediaType ?? 'application/json']: {} },
      },
      default: {
        description: 'A problem document (RFC 9457); `code` names the reason for good',
        content: { [PROBLEM_MEDIA_TYPE]: { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    },
  };
}

function parametersOf(schema: TObject | undefined, place: 'path' | 'query'): readonly object[] {
  return Object.entries(schema?.properties ?? {}).map(([name, property]) => ({
    name,
    in: place,
    required: schema?.required?.includes(name) ?? false,
    schema: property,
  }));
}

function contentOf(body: TSchema | 'bytes'): object {
  return body === 'bytes' ? { 'application/octet-stream': {} } : { 'application/json': { schema: body } };
}

const PROBLEM = {
  type: 'object',
  required: ['type', 'title', 'status', 'code', 'detail'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    code: { type: 'string' },
    detail: { type: 'string' },
  },
} as const;
