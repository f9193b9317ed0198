// SPDX-License-Identifier: Apache-2.0
import type { ClientCertificate, DeviceAuthentication } from '@outrider/domain/gateway/device-authentication';
import type { KnownDevice } from '@outrider/domain/gateway/device-record';
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import type { SignatureVerifier } from '@outrider/domain/trust/ports';
import {
  DEVICE_HEADER,
  parseRequestIdentity,
  parseRequestSignature,
  requestText,
  type SignedRequest,
} from '@outrider/protocol/gateway/request-signature';
import { describeParseError, type ParseError } from '@outrider/protocol/kernel/parse-error';
import { type DeviceRequest, type DeviceResponse, problemResponse } from './device-request.ts';
import type { IdentityGate } from './identity-gate.ts';
import type { KnownDevices } from './known-devices.ts';

/** A request that was found to come from a registered device. */
export interface Authenticated {
  readonly device: KnownDevice;
  readonly authentication: DeviceAuthentication;
  /** It was not in memory and has been read from the store for this request. */
  readonly isJustRead: boolean;
}

export interface AuthenticationOptions {
  readonly devices: KnownDevices;
  readonly verifier: SignatureVerifier;
  readonly identities: IdentityGate;
}

/** What a message has to show: evidence is kept with the signature of its device, however it was carried. */
export type Proof = 'device' | 'signature';

/**
 * Finds the device that a request comes from: by the certificate of its connection, or else by its signature over method,
 * path and body. With the proof `signature` the signature is verified in both cases, and is in the answer.
 */
export async function authenticate(
  request: DeviceRequest & SignedRequest,
  options: AuthenticationOptions,
  proof: Proof,
): Promise<Result<Authenticated, DeviceResponse>> {
  const claim = readClaim(request, proof);
  if (!claim.ok) return claim;
  const { devices, identities } = options;
  const { deviceId } = claim.value;
  const kept = devices.peek(deviceId);
  const found = kept ?? (await devices.find(deviceId));
  if (found === undefined) {
    const detail = 'No device is registered under the id of this request; register it first with POST /v1/register';
    return err(problemResponse({ code: 'device-unknown', detail, fields: { deviceId } }));
  }
  const judged = identities.admit(found, request.certificate);
  const admitted = judged instanceof Promise ? await judged : judged;
  if (!admitted.ok) return admitted;
  const device = admitted.value;
  return proven({ device, authentication: claim.value, isJustRead: device !== kept }, request, options);
}

/** The same without a wait, of a device in memory that is let in; undefined: something may have to be read. */
export function authenticateKept(
  request: DeviceRequest & SignedRequest,
  options: AuthenticationOptions,
  proof: Proof,
): Result<Authenticated, DeviceResponse> | undefined {
  const claim = readClaim(request, proof);
  if (!claim.ok) return claim;
  const device = options.devices.peek(claim.value.deviceId);
  if (device === undefined || !options.identities.isAdmitted(device, request.certificate)) return undefined;
  return proven({ device, authentication: claim.value, isJustRead: false }, request, options);
}

function proven(
  sender: Authenticated,
  request: DeviceRequest & SignedRequest,
  { verifier }: AuthenticationOptions,
): Result<Authenticated, DeviceResponse> {
  const { deviceId, signature } = sender.authentication;
  if (signature === undefined) return ok(sender);
  if (verifier.verify(sender.device.record.publicKey, requestText(request), signature)) return ok(sender);
  const detail =
    'Outrider-Signature is not a signature by the registered key of this device; ' +
    'sign method, path and the exact body, each on a line of its own';
  return err(problemResponse({ code: 'signature-invalid', detail, fields: { deviceId } }));
}

/** Who the request claims to be, by certificate before signature; nothing but the headers has been looked at. */
function readClaim(request: DeviceRequest, proof: Proof): Result<DeviceAuthentication, DeviceResponse> {
  const { headers, certificate } = request;
  if (certificate === undefined) {
    const identity = parseRequestIdentity(headers);
    return identity.ok ? ok({ kind: 'signed', ...identity.value }) : err(malformedHeader(identity.error));
  }
  const { deviceId } = certificate;
  const named = headers[DEVICE_HEADER];
  if (named !== undefined && named !== deviceId) return err(otherDevice(certificate));
  if (proof === 'device') return ok({ kind: 'certified', deviceId, certificate });
  const signature = parseRequestSignature(headers);
  if (!signature.ok) return err(malformedHeader(signature.error));
  return ok({ kind: 'certified', deviceId, certificate, signature: signature.value });
}

function malformedHeader(error: ParseError): DeviceResponse {
  return problemResponse({ code: 'body-malformed', detail: describeParseError(error) });
}

function otherDevice({ deviceId }: ClientCertificate): DeviceResponse {
  const detail = 'Outrider-Device names another device than the client certificate; a device speaks for itself only';
  return problemResponse({ code: 'device-mismatch', detail, fields: { deviceId } });
}
