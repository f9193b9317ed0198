// SPDX-License-Identifier: Apache-2.0
import { parseMaintenanceWindow, windowText } from '@outrider/domain/gateway/ddi/maintenance-window';
import { UNTOLD } from '@outrider/domain/gateway/ddi/told-attributes';
import { QUERY_CHARACTERS_MAX } from '@outrider/domain/gateway/query';
import type { DeviceId, ReleaseCounter } from '@outrider/domain/kernel/ids';
import { ok, type Result } from '@outrider/domain/kernel/result';
import { VERSION_CHARACTERS_MAX } from '@outrider/domain/release/version';
import { DER_CHARACTERS_MAX } from '@outrider/protocol/gateway/registration';
import { version as readVersion } from '@outrider/protocol/kernel/values';
import Type, { type Static } from 'typebox';
import type { Server } from '../compose.ts';
import { type CommandError, refuse } from '../errors.ts';
import type { DdiDeviceToAdd } from '../gateway/ddi/ddi-registrations.ts';
import { type ApiRoute, apiRoute } from './api-route.ts';
import { authorOf } from './authorize.ts';
import { CHANGE_FIELDS, IdText, idOf } from './parameters.ts';

/** Devices of one request: a batch of one transaction. */
const DEVICES_MAX = 500;

const NewDevice = Type.Object(
  {
    deviceId: IdText,
    deviceType: IdText,
    hardwareId: IdText,
    model: Type.Optional(IdText),
    region: Type.Optional(IdText),
    customer: Type.Optional(IdText),
    carrier: Type.Optional(IdText),
    tags: Type.Optional(Type.Array(IdText, { maxItems: 32 })),
    version: Type.Optional(Type.String({ maxLength: VERSION_CHARACTERS_MAX })),
    releaseCounter: Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })),
    maintenanceWindow: Type.Optional(Type.String({ maxLength: 40 })),
    shows: Type.Optional(Type.Union([Type.Literal('target-token'), Type.Literal('certificate')])),
  },
  { additionalProperties: false },
);

/** What a device runs that is told nothing else: older than every release. */
const VERSION_DEFAULT = '0.0.0';

/** Devices that speak hawkBit's DDI, and gateways that speak for them. */
export function ddiManagementRoutes({ ddi }: Server): readonly ApiRoute[] {
  return [
    apiRoute({
      method: 'POST',
      path: '/ddi-devices',
      summary: 'Registers devices that speak hawkBit’s DDI; their tokens are told here and never again',
      schemas: {
        body: Type.Object(
          {
            devices: Type.Array(NewDevice, { minItems: 1, maxItems: DEVICES_MAX, uniqueItems: true }),
            author: CHANGE_FIELDS.author,
          },
          { additionalProperties: false },
        ),
      },
      status: 201,
      answers: '{items: {deviceId, targetToken?}[]}',
      async handle({ body: { devices, author } }) {
        const read = readDevices(devices);
        if (!read.ok) return read;
        const added = await ddi.registrations.add(read.value, authorOf(author));
        return added.ok ? ok({ items: added.value }) : added;
      },
    }),
    apiRoute({
      method: 'GET',
      path: '/ddi-devices/:deviceId',
      summary: 'Shows what is kept of a DDI device: its window, what it told of itself, its deployments',
      schemas: { params: Type.Object({ deviceId: IdText }) },
      answers: '{deviceId, hasToken, maintenanceWindow?, told?, actions}',
      async handle({ params }) {
        const shown = await ddi.registrations.show(idOf<DeviceId>('device id', params.deviceId));
        if (!shown.ok) return shown;
        const { tokenDigest, maintenanceWindow, ...others } = shown.value;
        return ok({
          ...others,
          hasToken: tokenDigest !== undefined,
          ...(maintenanceWindow === undefined ? {} : { maintenanceWindow: windowText(maintenanceWindow) }),
        });
      },
    }),
    apiRoute({
      method: 'POST',
      path: '/ddi-devices/:deviceId/token',
      summary: 'Makes a new target token; the former one is void when this returns',
      schemas: {
        params: Type.Object({ deviceId: IdText }),
        body: Type.Object({ author: CHANGE_FIELDS.author }, { additionalProperties: false }),
      },
      answers: '{deviceId, targetToken}',
      handle: ({ params, body: { author } }) =>
        ddi.registrations.renewToken(idOf<DeviceId>('device id', params.deviceId), authorOf(author)),
    }),
    apiRoute({
      method: 'POST',
      path: '/ddi-devices/:deviceId/certificate',
      summary:
        'Gives a DDI device a certificate of our CA for its own key; those for another key are void when this returns',
      schemas: {
        params: Type.Object({ deviceId: IdText }),
        body: Type.Object(
          { csr: Type.String({ minLength: 1, maxLength: DER_CHARACTERS_MAX }), author: CHANGE_FIELDS.author },
          { additionalProperties: false },
        ),
      },
      status: 201,
      answers: '{chain, serverRoots, notAfter, renewAfter}',
      handle: ({ params, body: { csr, author } }) =>
        ddi.registrations.giveCertificate({
          ...{ deviceId: idOf<DeviceId>('device id', params.deviceId), csr },
          author: authorOf(author),
        }),
    }),
    apiRoute({
      method: 'GET',
      path: '/ddi-gateways',
      summary: 'Lists the gateways that speak for DDI devices',
      schemas: {},
      answers: '{items: {name, where, createdAt}[]}',
      async handle() {
        const gateways = await ddi.gateways.list();
        return ok({ items: gateways.map(({ name, where, createdAt }) => ({ name, where, createdAt })) });
      },
    }),
    apiRoute({
      method: 'POST',
      path: '/ddi-gateways',
      summary:
        'Makes a token by which a gateway speaks for the devices that a query describes; it is told here and never again',
      schemas: {
        body: Type.Object(
          {
            name: IdText,
            where: Type.String({ minLength: 1, maxLength: QUERY_CHARACTERS_MAX }),
            author: CHANGE_FIELDS.author,
          },
          { additionalProperties: false },
        ),
      },
      status: 201,
      answers: '{name, where, gatewayToken}',
      async handle({ body: { name, where, author } }) {
        const added = await ddi.gateways.add({ name, where }, authorOf(author));
        return added.ok ? ok({ name, where, gatewayToken: added.value.token }) : added;
      },
    }),
    apiRoute({
      method: 'POST',
      path: '/ddi-gateways/:name/remove',
      summary: 'Takes the token of a gateway back; five seconds later no server takes it any more',
      schemas: {
        params: Type.Object({ name: IdText }),
        body: Type.Object({ author: CHANGE_FIELDS.author }, { additionalProperties: false }),
      },
      answers: '{name, where}',
      async handle({ params: { name }, body: { author } }) {
        const removed = await ddi.gateways.remove(name, authorOf(author));
        return removed.ok ? ok({ name, where: removed.value.where }) : removed;
      },
    }),
  ];
}

function readDevices(devices: readonly Static<typeof NewDevice>[]): Result<readonly DdiDeviceToAdd[], CommandError> {
  const read: DdiDeviceToAdd[] = [];
  const seen = new Set<string>();
  for (const device of devices) {
    const one = readDevice(device);
    if (!one.ok) return one;
    if (seen.has(device.deviceId)) return refuse('body-malformed', `The device ${device.deviceId} stands there twice`);
    seen.add(device.deviceId);
    read.push(one.value);
  }
  return ok(read);
}

function readDevice(device: Static<typeof NewDevice>): Result<DdiDeviceToAdd, CommandError> {
  const { deviceId, version = VERSION_DEFAULT, releaseCounter = 0, maintenanceWindow, shows = 'target-token' } = device;
  if (!readVersion(version).ok) {
    return refuse('body-malformed', `The version of ${deviceId} is ${version}, allowed is SemVer 2.0.0 such as 1.2.0`);
  }
  const window = maintenanceWindow === undefined ? undefined : parseMaintenanceWindow(maintenanceWindow);
  if (window?.ok === false) {
    const detail = `The maintenance window of ${deviceId} is ${window.error.seen}, allowed is a part of the day in UTC such as 22:00-04:00`;
    return refuse('body-malformed', detail);
  }
  const { deviceType, hardwareId, model = UNTOLD, region = UNTOLD, customer = UNTOLD, carrier = UNTOLD } = device;
  return ok({
    deviceId: idOf<DeviceId>('device id', deviceId),
    attributes: { deviceType, hardwareId, model, region, customer, carrier, tags: device.tags ?? [] },
    version,
    // The schema has checked that it is a whole number of zero or more, which is all that a counter is.
    releaseCounter: releaseCounter as ReleaseCounter,
    ...(window === undefined ? {} : { maintenanceWindow: window.value }),
    shows,
  });
}
