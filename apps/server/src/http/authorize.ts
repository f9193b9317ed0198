// SPDX-License-Identifier: Apache-2.0
import { assert } from '@outrider/domain/kernel/assert';
import { describeCredential, type Person } from '@outrider/domain/trust/person';
import type { FastifyRequest } from 'fastify';
import type { CommandError } from '../errors.ts';
import { currentPerson } from '../log/request-context.ts';
import type { CookieJar } from '../trust/cookies.ts';
import type { Proof } from '../trust/identify.ts';
import type { ApiRoute } from './api-route.ts';
import { openRoles, ROUTE_ACCESS, type Roles, type RouteAccess } from './route-access.ts';

/** The row of a route. `apiRoute` lets no route be declared without one. */
export function accessOf({ method, path }: Pick<ApiRoute, 'method' | 'path'>): RouteAccess {
  const access = new Map<string, RouteAccess>(Object.entries(ROUTE_ACCESS)).get(`${method} ${path}`);
  assert(access !== undefined, `a row in ROUTE_ACCESS for ${method} ${path}`);
  return access;
}

/** What a request says of whoever sent it. */
export function proofOf(request: FastifyRequest, cookies: CookieJar): Proof {
  const { headers } = request;
  return {
    method: request.method,
    authorization: headers.authorization,
    session: cookies.read(request.raw, 'session'),
    csrfToken: textOf(headers['x-outrider-csrf']),
    fetchSite: textOf(headers['sec-fetch-site']),
    calledBy: textOf(headers['x-outrider-author']),
    address: request.socket.remoteAddress ?? '',
  };
}

/** Whoever was let in a moment ago. */
export function presentPerson(): Person {
  const person = currentPerson();
  assert(person !== undefined, 'a person behind every request that was let in');
  return person;
}

/** Whoever holds the administrator's token may say who they are; everybody else is who they are. */
export function authorFault(person: Person, request: FastifyRequest): CommandError | undefined {
  if (person.credential.kind === 'break-glass') return undefined;
  const author = authorIn(request.query) ?? authorIn(request.body);
  if (author === undefined || author === person.personId) return undefined;
  const detail = `The change names ${author} as its author, and ${person.personId} sends it; leave the author out`;
  return { code: 'author-differs', detail };
}

/** The author of a change: the person, or, with the administrator's token, whoever they say they are. */
export function authorOf(said: string | undefined): string {
  const { credential, personId } = presentPerson();
  const called = credential.kind === 'break-glass' ? credential.calledBy : undefined;
  return said ?? called ?? personId;
}

/** The sentence for somebody who may not do this, and who may. */
export function roleMissing(person: Person, what: string, roles: Roles): CommandError {
  const detail = `${what} is for ${openRoles(roles)}; ${person.personId} is ${person.roles.join(', ')} (${describeCredential(person.credential)})`;
  return { code: 'role-missing', detail, fields: { roles: [...person.roles] } };
}

function authorIn(value: unknown): string | undefined {
  const isNaming = typeof value === 'object' && value !== null && 'author' in value;
  return isNaming && typeof value.author === 'string' ? value.author : undefined;
}

function textOf(field: string | string[] | undefined): string | undefined {
  return typeof field === 'string' ? field : undefined;
}
