// SPDX-License-Identifier: Apache-2.0
import { createSigner } from '@outrider/adapters/shared/ed25519';
import type { DeviceId } from '@outrider/domain/kernel/ids';
import { encodeCheckIn, parseCheckInAnswer } from '@outrider/protocol/gateway/check-in';
import { encodeRegistration } from '@outrider/protocol/gateway/registration';
import { DEVICE_HEADER, requestText, SIGNATURE_HEADER } from '@outrider/protocol/gateway/request-signature';
import { mustHold } from './attack.ts';
import type { Published } from './scene.ts';
import type { Stage } from './stage.ts';

interface FleetSurroundings extends Pick<Stage, 'installation' | 'tokens'> {
  readonly deviceType: string;
  readonly releases: readonly Published[];
}

/** A device that only asks: whether it is offered something, or why not. */
export interface AskingDevice {
  readonly deviceId: DeviceId;
  ask(): Promise<string>;
}

/** Registers devices that ask straight at the server. */
export async function askingFleet(around: FleetSurroundings, count: number): Promise<readonly AskingDevice[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => askingDevice(around, index)));
}

async function askingDevice(around: FleetSurroundings, index: number): Promise<AskingDevice> {
  const signer = createSigner();
  const deviceId = `${around.deviceType}-${index}` as DeviceId;
  const [factory] = around.releases;
  mustHold(factory !== undefined, 'A release to run');
  const { version, releaseCounter, components } = factory.manifest;
  const running = {
    ...{ version, releaseCounter },
    components: components.map(({ name, image }) => ({ name, digest: image.digest })),
  };
  async function post(path: string, body: string): Promise<string> {
    const { signature } = signer.sign(requestText({ method: 'POST', path, body }));
    const headers = { [DEVICE_HEADER]: deviceId, [SIGNATURE_HEADER]: signature, 'content-type': 'application/json' };
    const answer = await fetch(`${around.installation.url}${path}`, { method: 'POST', headers, body });
    const text = await answer.text();
    mustHold(answer.ok, `${path} was answered with ${answer.status} ${text}`);
    return text;
  }
  const attributes = {
    ...{ deviceType: around.deviceType, hardwareId: 'rev-a', model: 'compact', region: 'eu', customer: 'own' },
    ...{ carrier: 'lte', tags: [] },
  };
  const { publicKey } = signer;
  const token = around.tokens.registration;
  await post('/v1/register', encodeRegistration({ deviceId, publicKey, token, attributes, running }));
  let sequence = 0;
  return {
    deviceId,
    async ask() {
      const body = encodeCheckIn({ deviceId, sequence: ++sequence, running, state: 'idle' });
      const answer = parseCheckInAnswer(await post('/v1/check-in', body));
      mustHold(answer.ok, 'An answer that can be read');
      return answer.value.kind === 'offer' ? 'offer' : answer.value.code;
    },
  };
}
