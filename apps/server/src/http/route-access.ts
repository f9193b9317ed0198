// SPDX-License-Identifier: Apache-2.0

import type { RolloutEvent } from '@outrider/domain/policy/rollout';
import type { PersonRole } from '@outrider/domain/trust/person';

/** Which roles a route is open to: total, so that a new role has to be thought about everywhere. */
export type Roles = Readonly<Record<PersonRole, boolean>>;

/** Whom a route is open to, and what somebody sees whose roles do not reach everything. */
export interface RouteAccess {
  readonly roles: Roles;
  readonly reach: RouteReach;
}

/** How a limited reach holds on a route. */
export type RouteReach =
  /** About nothing that has a customer or a region. */
  | 'any'
  /** About all of it: for people whose reach is everything. */
  | 'whole'
  /** About the rollout in the path: one with an audience beyond the reach is as if it were not there. */
  | 'rollout'
  /** About the device in the path: one outside is as if it were not there. */
  | 'device'
  /** Its handler leaves out what lies outside, or refuses what would touch it. */
  | 'filtered';

const EVERYONE: Roles = { viewer: true, operator: true, approver: true, security: true };
const OPERATING: Roles = { viewer: false, operator: true, approver: false, security: false };
/** Whoever may change anything may stop everything: nobody has to look for a colleague at three in the morning. */
const STOPPING: Roles = { viewer: false, operator: true, approver: true, security: true };
const APPROVING: Roles = { viewer: false, operator: false, approver: true, security: false };
/** What is signed proves itself; whoever carries it here is the messenger. */
const CARRYING: Roles = { viewer: false, operator: true, approver: true, security: false };
const SECURING: Roles = { viewer: false, operator: false, approver: false, security: true };

/**
 * Every route of the management API with every role. A route without a row does not compile (`apiRoute`), and a test walks
 * every row with every role.
 */
export const ROUTE_ACCESS = {
  'GET /session': { roles: EVERYONE, reach: 'any' },
  'POST /session/end': { roles: EVERYONE, reach: 'any' },
  'GET /freezes': { roles: EVERYONE, reach: 'filtered' },
  'POST /freezes': { roles: OPERATING, reach: 'filtered' },
  'POST /freezes/:freezeId/lift': { roles: OPERATING, reach: 'filtered' },
  'GET /exclusions': { roles: EVERYONE, reach: 'filtered' },
  'POST /exclusions': { roles: OPERATING, reach: 'filtered' },
  'POST /exclusions/:exclusionId/lift': { roles: OPERATING, reach: 'filtered' },
  'GET /groups': { roles: EVERYONE, reach: 'filtered' },
  'GET /groups/:groupId': { roles: EVERYONE, reach: 'filtered' },
  'POST /groups': { roles: OPERATING, reach: 'filtered' },
  'POST /groups/:groupId/remove': { roles: OPERATING, reach: 'filtered' },

  'GET /service-tokens': { roles: EVERYONE, reach: 'any' },
  'POST /service-tokens': { roles: EVERYONE, reach: 'any' },
  'POST /service-tokens/:tokenId/revoke': { roles: EVERYONE, reach: 'any' },
  'GET /people': { roles: SECURING, reach: 'whole' },
  'POST /people/:personId/block': { roles: SECURING, reach: 'whole' },
  'POST /people/:personId/unblock': { roles: SECURING, reach: 'whole' },

  'GET /status': { roles: EVERYONE, reach: 'filtered' },
  'GET /overview': { roles: EVERYONE, reach: 'filtered' },
  'GET /overview/stream': { roles: EVERYONE, reach: 'filtered' },
  'GET /policy-entries': { roles: EVERYONE, reach: 'whole' },
  'GET /audit-entries': { roles: EVERYONE, reach: 'whole' },
  'POST /scopes/pause': { roles: STOPPING, reach: 'filtered' },
  'POST /scopes/resume': { roles: OPERATING, reach: 'filtered' },
  'POST /clock/accept': { roles: OPERATING, reach: 'whole' },
  'POST /conductor/step': { roles: OPERATING, reach: 'whole' },

  'PUT /blobs/:digest': { roles: OPERATING, reach: 'whole' },
  'POST /releases': { roles: OPERATING, reach: 'whole' },
  'GET /releases': { roles: EVERYONE, reach: 'any' },
  'GET /releases/:releaseId': { roles: EVERYONE, reach: 'any' },
  'POST /releases/:releaseId/withdraw': { roles: STOPPING, reach: 'whole' },

  'GET /devices': { roles: EVERYONE, reach: 'filtered' },
  'GET /devices/:deviceId': { roles: EVERYONE, reach: 'device' },
  'GET /devices/:deviceId/explain': { roles: EVERYONE, reach: 'device' },
  'GET /devices/:deviceId/identity': { roles: EVERYONE, reach: 'device' },
  'POST /devices/:deviceId/revoke': { roles: STOPPING, reach: 'device' },
  'POST /devices/:deviceId/reinstate': { roles: OPERATING, reach: 'device' },
  'POST /devices/:deviceId/forget-tpm': { roles: OPERATING, reach: 'device' },
  'GET /registration-tokens': { roles: EVERYONE, reach: 'whole' },
  'POST /registration-tokens': { roles: OPERATING, reach: 'whole' },
  'GET /device-count': { roles: EVERYONE, reach: 'filtered' },
  'GET /device-export/csv': { roles: EVERYONE, reach: 'filtered' },
  'GET /device-export/ndjson': { roles: EVERYONE, reach: 'filtered' },
  'POST /device-import': { roles: OPERATING, reach: 'filtered' },
  'POST /device-tags': { roles: OPERATING, reach: 'filtered' },
  'GET /expected-devices': { roles: EVERYONE, reach: 'filtered' },

  'POST /ddi-devices': { roles: OPERATING, reach: 'whole' },
  'GET /ddi-devices/:deviceId': { roles: EVERYONE, reach: 'device' },
  'POST /ddi-devices/:deviceId/token': { roles: OPERATING, reach: 'device' },
  'POST /ddi-devices/:deviceId/certificate': { roles: OPERATING, reach: 'device' },
  'GET /ddi-gateways': { roles: EVERYONE, reach: 'whole' },
  'POST /ddi-gateways': { roles: OPERATING, reach: 'whole' },
  'POST /ddi-gateways/:name/remove': { roles: STOPPING, reach: 'whole' },

  'POST /rollouts': { roles: OPERATING, reach: 'filtered' },
  'POST /rollouts/forecast': { roles: EVERYONE, reach: 'filtered' },
  'GET /rollouts': { roles: EVERYONE, reach: 'filtered' },
  'GET /base-rates': { roles: EVERYONE, reach: 'whole' },
  'GET /rollouts/:rolloutId': { roles: EVERYONE, reach: 'rollout' },
  'GET /rollouts/:rolloutId/forecast': { roles: EVERYONE, reach: 'rollout' },
  'GET /rollouts/:rolloutId/decisions': { roles: EVERYONE, reach: 'rollout' },
  'GET /rollouts/:rolloutId/history': { roles: EVERYONE, reach: 'rollout' },
  'GET /rollouts/:rolloutId/ledger': { roles: EVERYONE, reach: 'rollout' },
  'GET /rollouts/:rolloutId/reports': { roles: EVERYONE, reach: 'rollout' },
  'GET /rollouts/:rolloutId/open-permits': { roles: EVERYONE, reach: 'rollout' },
  'GET /rollouts/:rolloutId/explain': { roles: EVERYONE, reach: 'rollout' },
  'GET /rollouts/:rolloutId/charter': { roles: EVERYONE, reach: 'rollout' },
  'POST /rollouts/:rolloutId/charter': { roles: CARRYING, reach: 'rollout' },
  'GET /rollouts/:rolloutId/resume': { roles: EVERYONE, reach: 'rollout' },
  'GET /rollouts/:rolloutId/evidence/reporters': { roles: EVERYONE, reach: 'rollout' },
  'POST /rollouts/:rolloutId/evidence/recount': { roles: EVERYONE, reach: 'rollout' },
  /** Each event has a row of its own in `EVENT_ACCESS`. */
  'POST /rollouts/:rolloutId/events': { roles: STOPPING, reach: 'rollout' },
  'POST /rollouts/:rolloutId/limit': { roles: STOPPING, reach: 'rollout' },
  'POST /rollouts/:rolloutId/complete': { roles: CARRYING, reach: 'rollout' },
  'POST /rollouts/:rolloutId/resume': { roles: CARRYING, reach: 'rollout' },
  'POST /rollouts/:rolloutId/flags': { roles: STOPPING, reach: 'rollout' },
  'POST /rollouts/:rolloutId/regions': { roles: STOPPING, reach: 'rollout' },
  'POST /rollouts/:rolloutId/evidence/exclude': { roles: OPERATING, reach: 'rollout' },
  'POST /rollouts/:rolloutId/evidence/include': { roles: OPERATING, reach: 'rollout' },
} as const satisfies Readonly<Record<string, RouteAccess>>;

/** Every route of the management API: method, space, path. */
export type RouteName = keyof typeof ROUTE_ACCESS;

/** What people may do to a rollout; `rolled-back` and `complete` are said by the rule and by signatures. */
export type PeoplesEvent = Exclude<RolloutEvent, 'rolled-back' | 'complete'>;

/** Which roles may do what to a rollout. */
export const EVENT_ACCESS = {
  approve: APPROVING,
  start: OPERATING,
  pause: STOPPING,
  resume: OPERATING,
  halt: STOPPING,
  cancel: STOPPING,
  'roll-back': STOPPING,
} as const satisfies Readonly<Record<PeoplesEvent, Roles>>;

/** Whether one of somebody's roles opens something. */
export function isOpenTo(roles: Roles, own: readonly PersonRole[]): boolean {
  return own.some((role) => roles[role]);
}

/** The roles that open something, for the sentence of a refusal. */
export function openRoles(roles: Roles): string {
  return (Object.entries(roles) as [PersonRole, boolean][])
    .flatMap(([role, isOpen]) => (isOpen ? [role] : []))
    .join(', ');
}
