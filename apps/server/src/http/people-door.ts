// SPDX-License-Identifier: Apache-2.0
import type { IncomingMessage, ServerResponse } from 'node:http';
import { systemCivilClock } from '@outrider/adapters/shared/clock';
import type { Sha256 } from '@outrider/domain/kernel/ids';
import { cookieJar } from '../trust/cookies.ts';
import { joinPeople } from '../trust/people.ts';
import { rateLimiter } from '../trust/rate-limit.ts';
import type { ApiRoute } from './api-route.ts';
import type { ListenOptions } from './listen.ts';
import { managementListener } from './management.ts';
import { peopleRoutes } from './people-routes.ts';
import { servedElsewhere } from './served-elsewhere.ts';
import { type IssuerSetup, signInListener } from './sign-in-listener.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** Where people come in: the management API, and what comes before anybody is known. */
export interface PeopleDoor {
  readonly manage: Answer;
  readonly answerSignIn: Answer;
  /** Told once the port is open: only then is it known where an issuer finds us. */
  opened(url: string): void;
}

/** A person at the form of the development issuer mistypes some times. */
const PASSWORD_TRIES = { burst: 10, perSecond: 0.2 };

export async function peopleDoor(routes: readonly ApiRoute[], options: ListenOptions): Promise<PeopleDoor> {
  const { adminTokenDigest } = options;
  if (adminTokenDigest !== undefined) return ownDoor(routes, { ...options, adminTokenDigest });
  const elsewhere = servedElsewhere('This server is a gateway, which answers devices; ask the control plane');
  return { manage: elsewhere, answerSignIn: elsewhere, opened() {} };
}

async function ownDoor(
  routes: readonly ApiRoute[],
  options: ListenOptions & { readonly adminTokenDigest: Sha256 },
): Promise<PeopleDoor> {
  const { server, adminTokenDigest, digestText, version, publicUrl, log, civilClock = systemCivilClock } = options;
  let issuer: IssuerSetup | undefined;
  const people = joinPeople({
    ...{ people: server.people, adminTokenDigest, digestText, civilClock },
    ...{ fleetClock: server.fleetClock, machineClock: server.machineClock },
    issuer: () => issuer,
  });
  const { identify, sessions } = people;
  const cookies = cookieJar(publicUrl?.startsWith('https:') ?? false);
  const failures = rateLimiter(PASSWORD_TRIES, server.machineClock);
  return {
    manage: await managementListener({
      ...{ routes: [...routes, ...peopleRoutes(people)], version, publicUrl, log },
      ...{ identify, cookies, reaching: server.reaching },
    }),
    answerSignIn: signInListener({ identify, sessions, cookies, failures, log, issuer: () => issuer }),
    opened(url) {
      issuer = options.issuer?.(new URL(publicUrl ?? url).origin);
    },
  };
}
