// SPDX-License-Identifier: Apache-2.0
import { type KeyObject, sign } from 'node:crypto';
import { makeCertificate, pemOf } from '@outrider/adapters/server/ca/make-certificate';
import { digestText } from '@outrider/adapters/shared/digest';
import { privateKeyOf, publicKeyInfo, signerFromSeed } from '@outrider/adapters/shared/ed25519';
import type { DeviceId } from '@outrider/domain/kernel/ids';
import { DAY_MS } from '@outrider/domain/kernel/time';
import type { Signer } from '@outrider/domain/trust/ports';
import { DEVICE_HEADER, requestText, SIGNATURE_HEADER } from '@outrider/protocol/gateway/request-signature';

/** Devices of the herd are known by their number: keys come from the seed, so that the load needs no list of them. */
export const HERD_TYPE = 'camera';

/** Of the devices, those that also ask for a permit and report: what is acknowledged must be found in the end. */
export const BUSY_EVERY = 20;

export function herdDeviceId(number: number): DeviceId {
  return `${HERD_TYPE}-herd-${String(number).padStart(7, '0')}` as DeviceId;
}

export function herdKey(seed: string, number: number): KeyObject {
  return privateKeyOf(seedOf(seed, number));
}

/** The public half as the registry holds it. */
export function herdPublicKey(seed: string, number: number): Signer['publicKey'] {
  return signerFromSeed(seedOf(seed, number)).publicKey;
}

function seedOf(seed: string, number: number): Buffer {
  return Buffer.from(digestText(`herd/${seed}/${number}`), 'hex');
}

/** The signature of a message by its device, in base64. */
export function signatureOf(key: KeyObject, post: { readonly path: string; readonly body: string }): string {
  return signatureOfText(key, requestText({ method: 'POST', ...post }));
}

/** The signature of any text by a device, in base64. */
export function signatureOfText(key: KeyObject, text: string): string {
  return sign(null, Buffer.from(text, 'utf8'), key).toString('base64');
}

/** A request as it goes over the socket. */
export function postText(
  deviceId: DeviceId,
  { path, body, signature }: { readonly path: string; readonly body: string; readonly signature: string },
): string {
  return (
    `POST ${path} HTTP/1.1\r\nhost: updates.example.com\r\ncontent-type: application/json\r\n` +
    `${DEVICE_HEADER}: ${deviceId}\r\n${SIGNATURE_HEADER}: ${signature}\r\n` +
    `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  );
}

/** The certificate of a device as the CA of the installation gives it. */
export function herdCertificate(
  device: { readonly deviceId: DeviceId; readonly seed: string; readonly number: number },
  issuer: { readonly name: Buffer; readonly key: KeyObject; readonly nowMs: number },
): string {
  const publicKey = herdPublicKey(device.seed, device.number);
  const made = makeCertificate(
    {
      subject: { commonName: device.deviceId, keyId: publicKey.keyId },
      subjectKey: publicKeyInfo(herdKey(device.seed, device.number)),
      notBeforeMs: issuer.nowMs - DAY_MS,
      notAfterMs: issuer.nowMs + DAY_MS,
      use: { kind: 'device' },
    },
    issuer,
  );
  return pemOf(made.der);
}
