// SPDX-License-Identifier: Apache-2.0
import type { Signer } from '@outrider/domain/trust/ports';
import { DEVICE_HEADER, requestText, SIGNATURE_HEADER } from '@outrider/protocol/gateway/request-signature';
import type { Scene } from './scene.ts';

/** Sends a message as the device, signed with any key. */
export async function post(scene: Scene, path: string, body: string, signer: Signer) {
  const { signature } = signer.sign(requestText({ method: 'POST', path, body }));
  const headers = {
    [DEVICE_HEADER]: scene.deviceId,
    [SIGNATURE_HEADER]: signature,
    'content-type': 'application/json',
  };
  return send(scene, path, headers, body);
}

/** Sends a message as it stands. */
export async function send({ stage }: Scene, path: string, headers: Readonly<Record<string, string>>, body?: string) {
  const method = body === undefined ? 'GET' : 'POST';
  const answer = await fetch(`${stage.installation.url}${path}`, {
    method,
    headers,
    ...(body === undefined ? {} : { body }),
  });
  return { status: answer.status, text: await answer.text() };
}
