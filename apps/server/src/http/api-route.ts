// SPDX-License-Identifier: Apache-2.0
import type { Readable } from 'node:stream';
import type { Result } from '@outrider/domain/kernel/result';
import type { Person } from '@outrider/domain/trust/person';
import type { Static, TObject, TSchema } from 'typebox';
import type { CommandError } from '../errors.ts';
import type { RouteName } from './route-access.ts';

type Method = 'GET' | 'POST' | 'PUT';

/** Paths with a row in `ROUTE_ACCESS`. */
type PathOf<M extends Method> = RouteName extends infer Name
  ? Name extends `${M} ${infer Path}`
    ? Path
    : never
  : never;

/** One endpoint of the management API: what Fastify checks and what OpenAPI shows come from the same schemas. */
export interface ApiRoute {
  readonly method: Method;
  /** Below `/api/v1`, parameters as `:name`. */
  readonly path: string;
  readonly summary: string;
  readonly schemas: RouteSchemas;
  /** Status of the answer when all went well; 200 when absent. */
  readonly status?: number;
  /** Of an answer that is no JSON and comes in pieces: its value is then an async iterable of texts. */
  readonly mediaType?: string;
  /** Shape of that answer, in words: the values are those of the domain. */
  readonly answers: string;
  readonly handle: (request: RawRequest) => Promise<Result<unknown, CommandError>>;
}

export interface RouteSchemas {
  readonly params?: TObject;
  readonly query?: TObject;
  /** `bytes`: the body is handed over as it streams in. */
  readonly body?: TSchema | 'bytes';
}

/** What Fastify hands over once it has checked it against the schemas. */
export interface RawRequest {
  readonly params: unknown;
  readonly query: unknown;
  readonly body: unknown;
  /** Who asks. */
  readonly person: Person;
}

interface CheckedRequest<S extends RouteSchemas> {
  readonly params: S['params'] extends TObject ? Static<S['params']> : unknown;
  readonly query: S['query'] extends TObject ? Static<S['query']> : unknown;
  readonly body: S['body'] extends 'bytes' ? Readable : S['body'] extends TSchema ? Static<S['body']> : unknown;
  readonly person: Person;
}

/** Declares a route; its handler sees the types that its schemas check. A path without a row in `ROUTE_ACCESS` does not compile. */
export function apiRoute<const S extends RouteSchemas, const M extends Method, const P extends PathOf<M>>(
  route: Omit<ApiRoute, 'method' | 'path' | 'schemas' | 'handle'> & {
    readonly method: M;
    readonly path: P;
    readonly schemas: S;
    readonly handle: (request: CheckedRequest<S>) => Promise<Result<unknown, CommandError>>;
  },
): ApiRoute {
  // Fastify calls no handler before the request has been checked against these very schemas.
  return { ...route, handle: (request) => route.handle(request as CheckedRequest<S>) };
}
