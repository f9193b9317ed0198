// SPDX-License-Identifier: Apache-2.0
import type { KnownDevice } from '@outrider/domain/gateway/device-record';
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import type { SignatureVerifier } from '@outrider/domain/trust/ports';
import { parseRequestIdentity, requestText, type SignedRequest } from '@outrider/protocol/gateway/request-signature';
import { describeParseError } from '@outrider/protocol/kernel/parse-error';
import { type DeviceRequest, type DeviceResponse, problemResponse } from './device-request.ts';
import type { KnownDevices } from './known-devices.ts';

/** A request that was found to come from a registered device. */
export interface Authenticated {
  readonly device: KnownDevice;
  readonly signature: string;
  /** It was not in memory and has been read from the store for this request. */
  readonly isJustRead: boolean;
}

/** Finds the device a request claims to come from and checks its signature over method, path and body. */
export async function authenticate(
  request: DeviceRequest & SignedRequest,
  devices: KnownDevices,
  verifier: SignatureVerifier,
): Promise<Result<Authenticated, DeviceResponse>> {
  const identity = parseRequestIdentity(request.headers);
  if (!identity.ok) {
    return err(problemResponse({ code: 'body-malformed', detail: describeParseError(identity.error) }));
  }
  const { deviceId, signature } = identity.value;
  const kept = devices.peek(deviceId);
  const device = kept ?? (await devices.find(deviceId));
  if (device === undefined) {
    const detail = 'No device is registered under the id in Outrider-Device; register it first with POST /v1/register';
    return err(problemResponse({ code: 'device-unknown', detail, fields: { deviceId } }));
  }
  if (!verifier.verify(device.record.publicKey, requestText(request), signature)) {
    const detail =
      'Outrider-Signature is not a signature by the registered key of this device; ' +
      'sign method, path and the exact body, each on a line of its own';
    return err(problemResponse({ code: 'signature-invalid', detail, fields: { deviceId } }));
  }
  return ok({ device, signature, isJustRead: kept === undefined });
}
