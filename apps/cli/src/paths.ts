// SPDX-License-Identifier: Apache-2.0

/** Every endpoint of the management API that the command line asks; the server's list is docs/protocol/management-api.md. */
export const PATHS = {
  status: '/api/v1/status',
  overview: '/api/v1/overview',
  releases: '/api/v1/releases',
  rollouts: '/api/v1/rollouts',
  devices: '/api/v1/devices',
  scopes: '/api/v1/scopes',
  baseRates: '/api/v1/base-rates',
  clockAccept: '/api/v1/clock/accept',
  audit: '/api/v1/audit-entries',
  freezes: '/api/v1/freezes',
  exclusions: '/api/v1/exclusions',
  groups: '/api/v1/groups',
  session: '/api/v1/session',
  serviceTokens: '/api/v1/service-tokens',
  people: '/api/v1/people',
  ddiDevices: '/api/v1/ddi-devices',
  ddiGateways: '/api/v1/ddi-gateways',
  policyEntries: '/api/v1/policy-entries',
  registrationTokens: '/api/v1/registration-tokens',
} as const;

/** How many devices a query describes. */
export const DEVICE_COUNT_PATH = '/api/v1/device-count';
/** With `/csv` or `/ndjson`. */
export const DEVICE_EXPORT_PATH = '/api/v1/device-export';
export const DEVICE_IMPORT_PATH = '/api/v1/device-import';
/** Tags of devices, by id or by query. */
export const DEVICE_TAGS_PATH = '/api/v1/device-tags';
/** Devices that were announced and have not registered. */
export const EXPECTED_DEVICES_PATH = '/api/v1/expected-devices';

/** The path of one thing, and of what can be asked about it. */
export function pathOfOne(collection: keyof typeof PATHS, id: string, about?: string): string {
  return `${PATHS[collection]}/${encodeURIComponent(id)}${about === undefined ? '' : `/${about}`}`;
}

/** Where a blob is put. Devices and `HEAD` find it at `/blobs/<digest>`. */
export function blobUploadPath(digest: string): string {
  return `/api/v1/blobs/${digest}`;
}

/** A path with the parameters that were given. */
export function withQuery(path: string, query: Readonly<Record<string, string | number | undefined>>): string {
  const pairs = Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]));
  return pairs.length === 0 ? path : `${path}?${new URLSearchParams(pairs)}`;
}
