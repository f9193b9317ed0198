// SPDX-License-Identifier: Apache-2.0
import { TOKEN_USES_MAX } from '@outrider/domain/gateway/registration-token';
import type { DeviceId } from '@outrider/domain/kernel/ids';
import { ok } from '@outrider/domain/kernel/result';
import Type from 'typebox';
import type { Server } from '../compose.ts';
import { TOKEN_HOURS_DEFAULT, TOKEN_HOURS_MAX } from '../gateway/identity-desk.ts';
import { type ApiRoute, apiRoute } from './api-route.ts';
import { authorOf } from './authorize.ts';
import { CHANGE_FIELDS, CountText, IdText, idOf, limitOf, ReasonText } from './parameters.ts';

const DeviceParams = Type.Object({ deviceId: IdText });

/** Who devices are: tokens to register with, certificates, revocation. */
export function identityRoutes({ identities }: Server): readonly ApiRoute[] {
  const changeOfKey = (kind: 'device-revoked' | 'device-reinstated', verb: 'revoke' | 'reinstate', summary: string) =>
    apiRoute({
      method: 'POST',
      path: `/devices/:deviceId/${verb}`,
      summary,
      schemas: {
        params: DeviceParams,
        body: Type.Object({ reason: ReasonText, author: CHANGE_FIELDS.author }, { additionalProperties: false }),
      },
      answers: 'PolicyReceipt {revision, at}',
      handle: ({ params, body: { reason, author } }) =>
        identities.changeKey({
          ...{ kind, deviceId: idOf<DeviceId>('device id', params.deviceId), reason },
          author: authorOf(author),
        }),
    });
  return [
    apiRoute({
      method: 'POST',
      path: '/registration-tokens',
      summary: 'Makes a token that one device, or a number of devices, can register with; its text is shown once',
      schemas: {
        body: Type.Object(
          {
            deviceId: Type.Optional(IdText),
            devices: Type.Optional(Type.Integer({ minimum: 1, maximum: TOKEN_USES_MAX })),
            hours: Type.Optional(Type.Integer({ minimum: 1, maximum: TOKEN_HOURS_MAX })),
            author: CHANGE_FIELDS.author,
          },
          { additionalProperties: false },
        ),
      },
      answers: '{token, expiresAt}',
      async handle({ body: { deviceId, devices = 1, hours = TOKEN_HOURS_DEFAULT, author } }) {
        const forOne = deviceId === undefined ? {} : { deviceId: idOf<DeviceId>('device id', deviceId) };
        return ok(await identities.createToken({ author: authorOf(author), usesMax: devices, hours, ...forOne }));
      },
    }),
    apiRoute({
      method: 'GET',
      path: '/registration-tokens',
      summary: 'Lists the tokens that were made, the newest first: whom they are for and how often they were used',
      schemas: { query: Type.Object({ limit: Type.Optional(CountText) }) },
      answers: '{items: RegistrationToken[]}: digests, never the texts',
      handle: async ({ query }) => ok({ items: await identities.listTokens(limitOf(query.limit)) }),
    }),
    apiRoute({
      method: 'GET',
      path: '/devices/:deviceId/identity',
      summary: 'Shows who a device is: its key, its certificates, and whether the key is revoked',
      schemas: { params: DeviceParams },
      answers: '{deviceId, keyId, registeredAt, certificates, revoked?}',
      handle: ({ params }) => identities.show(idOf<DeviceId>('device id', params.deviceId)),
    }),
    changeOfKey(
      'device-revoked',
      'revoke',
      'Revokes the key of a device: nobody speaks for it any more, on open connections too, until it has a new one',
    ),
    changeOfKey('device-reinstated', 'reinstate', 'Takes the revocation of a device back: its key counts again'),
    apiRoute({
      method: 'POST',
      path: '/devices/:deviceId/forget-tpm',
      summary: 'Forgets the TPM of a device, its key and its registers: its next quote enrols what is there then',
      schemas: {
        params: DeviceParams,
        body: Type.Object({ reason: ReasonText, author: CHANGE_FIELDS.author }, { additionalProperties: false }),
      },
      answers: '{at}',
      handle: ({ params, body: { reason, author } }) =>
        identities.forgetTpm({
          ...{ deviceId: idOf<DeviceId>('device id', params.deviceId), reason },
          author: authorOf(author),
        }),
    }),
  ];
}
