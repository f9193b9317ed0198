// SPDX-License-Identifier: Apache-2.0
import { ok } from '@outrider/domain/kernel/result';
import type { Server } from '../compose.ts';
import { refuse } from '../errors.ts';
import { WATCHERS_MAX } from '../observability/overview-stream.ts';
import { type ApiRoute, apiRoute } from './api-route.ts';

/** The installation at a glance: once, or again and again. */
export function overviewRoutes({ overviews, overviewStream }: Server): readonly ApiRoute[] {
  return [
    apiRoute({
      method: 'GET',
      path: '/overview',
      summary:
        'Shows everything at a glance: rollouts with funnel, exposure and evidence, newest decisions, the server',
      schemas: {},
      answers:
        'Overview {at, isConducted, revision, pausedScopes, vitals, devices?, rollouts, rolloutCount, decisions}',
      handle: async ({ person }) => ok(await overviews.read(person.reach)),
    }),
    apiRoute({
      method: 'GET',
      path: '/overview/stream',
      summary: 'Sends the overview as server-sent events, one a second, until the server stops',
      schemas: {},
      mediaType: 'text/event-stream',
      answers: 'Events named `overview` whose data is one Overview',
      async handle({ person }) {
        const events = overviewStream.watch(person.reach);
        if (events !== undefined) return ok(events);
        return refuse('rate-limited', `${WATCHERS_MAX} watch already, the most there may be; GET /overview instead`);
      },
    }),
  ];
}
