// SPDX-License-Identifier: Apache-2.0
import type { FactoryProof } from '@outrider/domain/gateway/identity-ports';
import type {
  CertificateOrder,
  GivenCredentials,
  Registration,
  RegistrationAnswer,
} from '@outrider/domain/gateway/registration';
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import { encodeJson, parseText } from '../kernel/json-text.ts';
import { REQUEST_BYTES_MAX } from '../kernel/limits.ts';
import type { ParseError } from '../kernel/parse-error.ts';
import { listOf, optional, record, text } from '../kernel/reader.ts';
import { deviceId, instant } from '../kernel/values.ts';
import { trustAnchors } from '../trust/anchors.ts';
import { publicKey } from '../trust/envelope.ts';
import { deviceAttributes, toldSoftware } from './device-record.ts';

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

/** Writes the body of `POST /v1/certificate`. */
export function encodeCertificateOrder(order: CertificateOrder): string {
  return encodeJson(order);
}

/** Reads the body of `POST /v1/certificate`. Code: body-malformed. */
export function parseCertificateOrder(body: string): Result<CertificateOrder, ParseError> {
  return parseText(body, { noun: 'certificate-order', bytesMax: REQUEST_BYTES_MAX, reader: certificateOrder });
}

/** Writes the answer to `POST /v1/certificate`. */
export function encodeGivenCredentials(credentials: GivenCredentials): string {
  return encodeJson(credentials);
}

/** Reads the answer to `POST /v1/certificate`, or what a device has kept of it. Code: body-malformed. */
export function parseGivenCredentials(body: string): Result<GivenCredentials, ParseError> {
  return parseText(body, { noun: 'credentials', bytesMax: REQUEST_BYTES_MAX, reader: givenCredentials });
}

/** A chain of four certificates, each with a key of RSA 4096. */
const PEM_CHARACTERS_MAX = 16_384;
/** One of them, or a certificate request, in base64. */
export const DER_CHARACTERS_MAX = 8_192;
/** The device, two CAs of a supplier, and the root of a customer. */
const FACTORY_CHAIN_MAX = 4;

/** Printable ASCII without spaces, as it stands in a file of one line. */
const TOKEN_PATTERN = /^[\x21-\x7e]{16,256}$/;

function token(value: unknown): Result<string, ParseError> {
  if (typeof value === 'string' && TOKEN_PATTERN.test(value)) return ok(value);
  const seen = typeof value === 'string' ? `a text of ${value.length} characters` : `a ${typeof value}`;
  return err({ code: 'body-malformed', path: '', seen, allowed: 'a token of 16 to 256 printable ASCII characters' });
}

const certificatePem = text({ charactersMin: 1, charactersMax: PEM_CHARACTERS_MAX });
const der = text({ charactersMin: 1, charactersMax: DER_CHARACTERS_MAX });

/** Reads what a device is given for mutual TLS. */
const givenCredentials = record<GivenCredentials>({
  chain: certificatePem,
  serverRoots: certificatePem,
  notAfter: instant,
  renewAfter: instant,
});

const factoryProof = record<FactoryProof>({
  certificates: listOf(der, { countMin: 1, countMax: FACTORY_CHAIN_MAX }),
  signature: der,
});

const certificateOrder = record<CertificateOrder>({ deviceId, csr: der });

const registrationFields = record<Registration>({
  token: optional(token),
  factory: optional(factoryProof),
  csr: optional(der),
  deviceId,
  publicKey,
  attributes: deviceAttributes,
  running: toldSoftware,
});

/** By one right, not by both and not by none. */
function registration(value: unknown): Result<Registration, ParseError> {
  const read = registrationFields(value);
  if (!read.ok || (read.value.token === undefined) !== (read.value.factory === undefined)) return read;
  const seen = read.value.token === undefined ? 'absent, and so is .factory' : 'there, and so is .factory';
  return err({ code: 'body-malformed', path: '.token', seen, allowed: 'a token, or the proof of a factory instead' });
}

const registrationAnswer = record<RegistrationAnswer>({
  deviceId,
  anchors: trustAnchors,
  credentials: optional(givenCredentials),
});
