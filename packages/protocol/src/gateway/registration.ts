// SPDX-License-Identifier: Apache-2.0
import type { Registration, RegistrationAnswer } from '@outrider/domain/gateway/registration';
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import { encodeJson, parseText } from '../kernel/json-text.ts';
import { REQUEST_BYTES_MAX } from '../kernel/limits.ts';
import type { ParseError } from '../kernel/parse-error.ts';
import { record } from '../kernel/reader.ts';
import { deviceId } from '../kernel/values.ts';
import { trustAnchors } from '../trust/anchors.ts';
import { publicKey } from '../trust/envelope.ts';
import { deviceAttributes, runningSoftware } from './device-record.ts';

/** Writes the body of `POST /v1/register`; the text holds a secret. */
export function encodeRegistration(registration: Registration): string {
  return encodeJson(registration);
}

/** Reads the body of `POST /v1/register`; an error never repeats the token. Code: body-malformed. */
export function parseRegistration(body: string): Result<Registration, ParseError> {
  return parseText(body, { noun: 'registration', bytesMax: REQUEST_BYTES_MAX, reader: registration });
}

/** Writes the answer to a registration. */
export function encodeRegistrationAnswer(answer: RegistrationAnswer): string {
  return encodeJson(answer);
}

/** Reads the answer to a registration. Code: body-malformed. */
export function parseRegistrationAnswer(body: string): Result<RegistrationAnswer, ParseError> {
  return parseText(body, { noun: 'registration-answer', bytesMax: REQUEST_BYTES_MAX, reader: registrationAnswer });
}

/** Printable ASCII without spaces, as it stands in a file of one line. */
const TOKEN_PATTERN = /^[\x21-\x7e]{16,256}$/;

function token(value: unknown): Result<string, ParseError> {
  if (typeof value === 'string' && TOKEN_PATTERN.test(value)) return ok(value);
  const seen = typeof value === 'string' ? `a text of ${value.length} characters` : `a ${typeof value}`;
  return err({ code: 'body-malformed', path: '', seen, allowed: 'a token of 16 to 256 printable ASCII characters' });
}

const registration = record<Registration>({
  token,
  deviceId,
  publicKey,
  attributes: deviceAttributes,
  running: runningSoftware,
});

const registrationAnswer = record<RegistrationAnswer>({ deviceId, anchors: trustAnchors });
