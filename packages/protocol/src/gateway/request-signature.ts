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

/** Names the start of the device's software that speaks: 32 random hexadecimal digits, new with each start. May be left out. */
export const BOOT_HEADER = 'outrider-boot';

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
export function parseRequestIdentity(headers: RequestHeaders): Result<RequestIdentity, ParseError> {
  const device = deviceId(headers[DEVICE_HEADER]);
  if (!device.ok) return err(below(DEVICE_HEADER, device.error));
  const signature = parseRequestSignature(headers);
  if (!signature.ok) return signature;
  return ok({ deviceId: device.value, signature: signature.value });
}

/** Reads the signature alone, of a request whose device is known by its certificate. Code: body-malformed. */
export function parseRequestSignature(headers: RequestHeaders): Result<string, ParseError> {
  const signature = signatureText(headers[SIGNATURE_HEADER]);
  return signature.ok ? signature : err(below(SIGNATURE_HEADER, signature.error));
}

/** Header fields as node:http hands them over: names in lower case. */
export type RequestHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

const signatureText = base64Of(64);
