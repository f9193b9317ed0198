// SPDX-License-Identifier: Apache-2.0
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { retryAfterS, STORE_AWAY_REASONS, StoreAwayError } from '@outrider/domain/decision/store-away';
import type { Json } from '@outrider/domain/kernel/canonical-json';
import { DOCUMENT_BYTES_MAX } from '@outrider/protocol/kernel/limits';
import { encodeProblem, PROBLEM_MEDIA_TYPE, problemStatus } from '@outrider/protocol/kernel/problem';
import Fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import Type from 'typebox';
import type { CommandError } from '../errors.ts';
import { inRequest, requestId, setPerson } from '../log/request-context.ts';
import type { Log } from '../ports.ts';
import type { CookieJar } from '../trust/cookies.ts';
import type { Identify, Refused } from '../trust/identify.ts';
import type { Reaching } from '../trust/reaching.ts';
import type { ApiRoute } from './api-route.ts';
import { accessOf, authorFault, presentPerson, proofOf, roleMissing } from './authorize.ts';
import { openApiDocument } from './open-api.ts';
import { isOpenTo } from './route-access.ts';

export const API_PREFIX = '/api/v1';

/** Longest id in a path (128), each character percent-encoded. */
const PARAM_CHARACTERS_MAX = 400;

export interface ManagementOptions {
  readonly routes: readonly ApiRoute[];
  readonly version: string;
  /** Where others reach it through a proxy, for the OpenAPI document. */
  readonly publicUrl?: string | undefined;
  readonly identify: Identify;
  readonly cookies: CookieJar;
  /** What somebody with a limited reach may be shown. */
  readonly reaching: Reaching;
  readonly log: Log;
}

/** The management API as a request listener: Fastify checks, the routes decide. */
export async function managementListener(
  options: ManagementOptions,
): Promise<(request: IncomingMessage, response: ServerResponse) => void> {
  const { routes, log } = options;
  const app = Fastify({
    bodyLimit: DOCUMENT_BYTES_MAX,
    routerOptions: { maxParamLength: PARAM_CHARACTERS_MAX },
    // What a schema does not name is refused, never dropped in silence; and no text is taken for a number.
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false, useDefaults: false } },
    frameworkErrors: (error, _request, reply) => void sendProblem(reply, problemOf(error, log)),
  });
  app.removeContentTypeParser('text/plain');
  app.addContentTypeParser('application/octet-stream', (_request, payload, done) => done(null, bodyOf(payload)));
  app.setErrorHandler((error: FastifyError, _request, reply) => sendProblem(reply, problemOf(error, log)));
  app.setNotFoundHandler((request, reply) => sendProblem(reply, unknownRoute(request, reply, routes)));

  const document = openApiDocument(routes, options);
  app.get(`${API_PREFIX}/openapi.json`, async () => document);
  for (const route of routes) mount(app, route, options);
  await app.ready();
  return (request, response) =>
    inRequest(request.headers, () => {
      response.setHeader('x-request-id', requestId() ?? '');
      app.routing(request, response);
    });
}

function mount(app: FastifyInstance, route: ApiRoute, options: ManagementOptions): void {
  const { params, query, body } = route.schemas;
  const access = accessOf(route);
  app.route({
    method: route.method,
    url: `${API_PREFIX}${route.path}`,
    schema: {
      ...(params === undefined ? {} : { params }),
      querystring: { ...(query ?? NO_QUERY), additionalProperties: false },
      ...(body === undefined || body === 'bytes' ? {} : { body }),
    },
    // Before the body is read: a stranger uploads nothing.
    onRequest: async (request, reply) => {
      const proof = proofOf(request, options.cookies);
      const person = await options.identify.identify(proof);
      if (!person.ok) return sendRefusal(reply, person.error);
      setPerson(person.value, proof.authorization === undefined ? proof.session : undefined);
      if (isOpenTo(access.roles, person.value.roles)) return undefined;
      return sendProblem(reply, roleMissing(person.value, `${route.method} ${route.path}`, access.roles));
    },
    preValidation: async (request, reply) => {
      if (body !== 'bytes' || request.body instanceof Readable) return undefined;
      const seen = String(request.headers['content-type']).slice(0, 80);
      const detail = `The body has the media type ${seen}; send application/octet-stream`;
      return sendProblem(reply, { code: 'media-type-unsupported', detail });
    },
    preHandler: async (request, reply) => {
      const person = presentPerson();
      const fault =
        authorFault(person, request) ?? (await options.reaching.faultOf(person, access.reach, request.params));
      return fault === undefined ? undefined : sendProblem(reply, fault);
    },
    handler: async (request, reply) => {
      if (body === 'bytes') reply.raw.once('finish', () => discardRest(request.raw));
      const answer = await route.handle({
        ...{ params: request.params, query: request.query, body: request.body },
        person: presentPerson(),
      });
      if (!answer.ok) return sendProblem(reply, answer.error);
      // Proxies that gather an answer before they hand it on would hold events back.
      if (route.mediaType !== undefined) reply.type(route.mediaType).header('x-accel-buffering', 'no');
      return reply
        .code(route.status ?? 200)
        .header('cache-control', 'no-store')
        .send(isStreamed(answer.value) ? endingWith(reply, streamOf(answer.value)) : answer.value);
    },
  });
}

/** A body that a route may stop reading; destroyed with its reader, the rest of it would block the connection for good. */
function bodyOf(payload: IncomingMessage): Readable {
  return Readable.from(payload.iterator({ destroyOnReturn: false }));
}

/** The next request of the connection comes after what nobody read of this one: it is let through and thrown away. */
function discardRest(body: IncomingMessage): void {
  // A reader that was broken off while it waited is still in the way.
  body.removeAllListeners('readable');
  body.resume();
}

/** A text is iterable too, but not asynchronously. */
function isStreamed(value: unknown): value is AsyncIterable<string> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

function streamOf(value: AsyncIterable<string>): Readable {
  return value instanceof Readable ? value : Readable.from(value);
}

/** Whoever made the stream learns that its reader is gone, whichever side ended it. */
function endingWith(reply: FastifyReply, stream: Readable): Readable {
  reply.raw.once('close', () => stream.destroy());
  return stream;
}

/** For routes that take no query: one that came would be thought to have an effect. */
const NO_QUERY = Type.Object({});

/** A proof that failed says how to prove oneself (RFC 6750 §3). */
function sendRefusal(reply: FastifyReply, refused: Refused): FastifyReply {
  if (problemStatus(refused.code) === 401) reply.header('www-authenticate', 'Bearer');
  return sendProblem(reply, refused);
}

function sendProblem(reply: FastifyReply, problem: CommandError & { readonly retryS?: number }): FastifyReply {
  if (problem.retryS !== undefined) reply.header('retry-after', String(problem.retryS));
  // As bytes: to a text Fastify would add a charset, which this media type does not have (RFC 9457 §6.1).
  const body = Buffer.from(encodeProblem(problem));
  return reply.code(problemStatus(problem.code)).header('content-type', PROBLEM_MEDIA_TYPE).send(body);
}

/** The only place where what the API threw becomes an answer. */
function problemOf(error: FastifyError | StoreAwayError, log: Log): CommandError & { readonly retryS?: number } {
  if (error instanceof StoreAwayError) {
    // A commit may have gone through before the connection broke: nothing is claimed either way.
    const { reason } = error;
    const detail = `${STORE_AWAY_REASONS[reason]}; whether a change was made is not known: look, then send it again`;
    return { code: 'store-away', detail, fields: { reason }, retryS: retryAfterS(reason) };
  }
  if ('validation' in error && error.validation !== undefined) {
    const code = error.validationContext === 'body' ? 'body-malformed' : 'query-invalid';
    return { code, detail: `The request does not fit the schema: ${error.message}; see ${API_PREFIX}/openapi.json` };
  }
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return { code: 'body-too-large', detail: `The body is too large, allowed are ${DOCUMENT_BYTES_MAX} bytes` };
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return { code: 'media-type-unsupported', detail: 'The body has a media type that this route does not take' };
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
      return { code: 'body-malformed', detail: 'The body is not JSON; send one JSON value in UTF-8' };
    case 'FST_ERR_BAD_URL':
      return { code: 'query-invalid', detail: 'The path holds a percent sign that two hexadecimal digits must follow' };
    case 'FST_ERR_MAX_PARAM_LENGTH': {
      const detail = `A name in the path has more than ${PARAM_CHARACTERS_MAX} characters; ids have 128 at most`;
      return { code: 'query-invalid', detail };
    }
    case 'ECONNRESET':
      log.info({ stage: 'server', code: 'connection-ended' }, 'An upload ended before its last byte had come');
      return { code: 'body-malformed', detail: 'The connection ended before the whole body had come; send it again' };
  }
  log.error({ stage: 'server', code: 'internal-error', err: error }, 'A request of the management API failed');
  const detail = 'The server failed on this request; its log says why, under this request id';
  return { code: 'internal-error', detail, fields: { requestId: requestId() } };
}

function unknownRoute(request: FastifyRequest, reply: FastifyReply, routes: readonly ApiRoute[]): CommandError {
  const path = request.url.split('?', 1)[0] ?? '';
  const fields: Record<string, Json> = { path: path.slice(0, 200) };
  const methods = routes.filter((route) => patternOf(route).test(path)).map((route) => route.method);
  if (methods.length > 0) {
    reply.header('allow', methods.join(', '));
    const detail = `This path does not take ${request.method}; it takes ${methods.join(', ')}`;
    return { code: 'method-not-allowed', detail, fields };
  }
  return { code: 'route-unknown', detail: `There is nothing at this path; see ${API_PREFIX}/openapi.json`, fields };
}

function patternOf(route: ApiRoute): RegExp {
  return new RegExp(`^${API_PREFIX}${route.path.replaceAll(/:\w+/g, '[^/]+')}$`);
}
