// SPDX-License-Identifier: Apache-2.0
import type { DeviceId } from '@outrider/domain/kernel/ids';
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import type { ParseError } from '../kernel/parse-error.ts';
import { below } from '../kernel/reader.ts';
import { base64Of, deviceId } from '../kernel/values.ts';

/** Names the device. Header names are case-insensitive (RFC 9110 §5.1); Node hands them over in lower case. */
export const DEVICE_HEADER = 'outrider-device';
/** Ed25519 over `requestText`, 64 bytes, base64. */
export const SIGNATURE_HEADER = 'outrider-signature';

/** Every request of a device, as far as it is signed. */
export interface SignedRequest {
  readonly method: 'GET' | 'HEAD' | 'POST';
  /** Path with query, as in the request line, for example `/v1/check-in`. */
  readonly path: string;
  /** The exact body; empty for GET and HEAD. */
  readonly body: string;
}

/** The text a device signs: method, path and body, a line each; neither method nor path can hold a line break. */
export function requestText(request: SignedRequest): string {
  return `${request.method}\n${request.path}\n${request.body}`;
}

/** Who claims to have sent a request, and the proof. */
export interface RequestIdentity {
  readonly deviceId: DeviceId;
  readonly signature: string;
}

/** Reads the two headers; nothing is verified yet. Code: body-malformed, with the header's name as path. */
export function parseRequestIdentity(
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
): Result<RequestIdentity, ParseError> {
  const device = deviceId(headers[DEVICE_HEADER]);
  if (!device.ok) return err(below(DEVICE_HEADER, device.error));
  const signature = signatureText(headers[SIGNATURE_HEADER]);
  if (!signature.ok) return err(below(SIGNATURE_HEADER, signature.error));
  return ok({ deviceId: device.value, signature: signature.value });
}

const signatureText = base64Of(64);
