// SPDX-License-Identifier: Apache-2.0
import { type HttpClient, keptConnections } from '@outrider/adapters/device/http-client';
import { registerDevice } from '@outrider/adapters/device/register';
import { delay } from '@outrider/adapters/shared/delay';
import { createSigner } from '@outrider/adapters/shared/ed25519';
import type { RunningSoftware } from '@outrider/domain/gateway/device-record';
import type { DeviceId, KeyId } from '@outrider/domain/kernel/ids';
import type { DeviceAttributes } from '@outrider/domain/policy/attributes';
import type { Acknowledgements } from './acknowledged.ts';
import type { Lane } from './lane.ts';

/** Devices that come into the field one after the other. */
export interface Newcomers extends Lane {
  /** Registers one more; true when it was told that it is registered. */
  registerOne(): Promise<boolean>;
}

const BREATH_MS = 25;

/** Of a type of their own: the population of the rollout under way stays what it is. */
export const NEWCOMER_DEVICE_TYPE = 'newcomer';

export function newcomers(options: {
  readonly serverUrl: URL;
  readonly token: string;
  readonly running: RunningSoftware;
  readonly acknowledgements: Acknowledgements;
}): Newcomers {
  const { serverUrl, token, running, acknowledgements } = options;
  const connections = keptConnections(serverUrl);
  let count = 0;

  async function registerOne(): Promise<boolean> {
    const deviceId = `${NEWCOMER_DEVICE_TYPE}-${String(++count).padStart(6, '0')}` as DeviceId;
    const client: HttpClient = { serverUrl, deviceId, signer: createSigner(), connections };
    const registered = await registerDevice(client, { token, attributes: ATTRIBUTES, running });
    if (registered.ok) acknowledgements.noteDevice(deviceId, client.signer.publicKey.keyId as KeyId);
    return registered.ok;
  }

  return {
    registerOne,
    async run(isOver) {
      while (!isOver()) {
        await registerOne();
        await delay(BREATH_MS);
      }
    },
  };
}

const ATTRIBUTES: DeviceAttributes = {
  deviceType: NEWCOMER_DEVICE_TYPE,
  hardwareId: 'rev-a',
  model: 'compact',
  region: 'eu',
  customer: 'northwind',
  carrier: 'lte-one',
  tags: [],
};
