// SPDX-License-Identifier: Apache-2.0
import { keyIdOf } from '@outrider/adapters/shared/ed25519';
import type { Admission, RegistrationRefusalCode } from '@outrider/domain/gateway/admit-registration';
import { newContactHistory } from '@outrider/domain/gateway/contact-history';
import { IDENTITY_REFUSALS } from '@outrider/domain/gateway/device-identity';
import type { DeviceRecord } from '@outrider/domain/gateway/device-record';
import { ED25519_ALONE, FACTORY_REFUSALS, type FactoryCas } from '@outrider/domain/gateway/identity-ports';
import type { Registry } from '@outrider/domain/gateway/ports';
import type { Registration } from '@outrider/domain/gateway/registration';
import { TOKEN_REFUSALS } from '@outrider/domain/gateway/registration-token';
import type { FleetClock } from '@outrider/domain/kernel/clock';
import type { KeyId, Sha256 } from '@outrider/domain/kernel/ids';
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import { durationMs, type FleetInstant } from '@outrider/domain/kernel/time';
import type { PublicKey } from '@outrider/domain/trust/envelope';
import type { DigestText, SignatureVerifier } from '@outrider/domain/trust/ports';
import type { SigningRole, TrustRoots } from '@outrider/domain/trust/role';
import { encodeRegistrationAnswer, parseRegistration } from '@outrider/protocol/gateway/registration';
import { parseRequestIdentity, requestText } from '@outrider/protocol/gateway/request-signature';
import { describeParseError, type ParseError } from '@outrider/protocol/kernel/parse-error';
import type { Schedule } from '../ports.ts';
import type { Certificates } from './certificates.ts';
import { type DeviceRequest, type DeviceResponse, jsonResponse, problemResponse } from './device-request.ts';
import { groupCommit } from './group-commit.ts';
import type { KnownDevices } from './known-devices.ts';

export interface RegistrationOptions {
  readonly registry: Registry;
  readonly devices: KnownDevices;
  readonly schedule: Schedule;
  readonly fleetClock: FleetClock;
  readonly verifier: SignatureVerifier;
  readonly digestText: DigestText;
  /** Of the token of the whole fleet. */
  readonly tokenDigest: Sha256;
  /** The factories whose certificates admit a device; absent: none. */
  readonly factoryCas?: FactoryCas;
  readonly certificates: Certificates;
  readonly isRevoked: (keyId: KeyId) => boolean;
  readonly permitKey: PublicKey;
  readonly loadReleaseRole: () => Promise<SigningRole | undefined>;
  readonly loadApproverRole: () => Promise<SigningRole | undefined>;
  /** The roots of the repositories; undefined: there are none. */
  readonly loadRoots?: () => Promise<TrustRoots | undefined>;
}

/** Devices of one statement, and those that may wait: a fleet that registers on one morning does so in batches. */
const BATCH_DEVICES_MAX = 500;
const WAITING_MAX = 20_000;

/** Long enough that a batch forms under load, too short to be noticed by one device. */
const GATHER_MS = durationMs(2);

/** Answers `POST /v1/register`: a new device gets its identity and what it shall trust, once and for good. */
export function registrations(
  options: RegistrationOptions,
): (request: DeviceRequest & { readonly method: 'POST' }) => Promise<DeviceResponse> {
  const { registry, devices, schedule } = options;
  const commits = groupCommit({
    itemsMax: BATCH_DEVICES_MAX,
    waitingMax: WAITING_MAX,
    gatherMs: GATHER_MS,
    schedule,
    commit: (batch: readonly Admitted[]) =>
      registry.register(
        batch.map((one) => one.record),
        {
          now: options.fleetClock.now(),
          admissions: batch.map((one) => one.admission),
          isRevoked: options.isRevoked,
        },
      ),
  });

  return async (request) => {
    const read = readRegistration(request, options);
    if (!read.ok) return read.error;
    const { registration, admission } = read.value;
    const { deviceId, publicKey, csr } = registration;
    const releaseRole = await options.loadReleaseRole();
    if (releaseRole === undefined) {
      const detail = 'A device pins who signs releases when it registers; give the server its release role first';
      return problemResponse({ code: 'release-role-missing', detail });
    }
    // Before the device is registered: what its software does wrong must not use up its token.
    const isCertificateDue = csr !== undefined && options.certificates.hasCa;
    const given = isCertificateDue ? await options.certificates.give({ csr, deviceId, publicKey }) : undefined;
    if (given?.ok === false) return problemResponse(given.error);
    const registered = await commits.add({ record: recordOf(registration, options.fleetClock.now()), admission });
    if (!registered.ok) {
      const { code } = registered.error;
      return problemResponse({ code, detail: REFUSED[code], fields: { deviceId } });
    }
    // With a new key it was known under its former one.
    if (devices.peek(deviceId)?.record.publicKey.keyId !== publicKey.keyId) devices.forget(deviceId);
    if (devices.peek(deviceId) === undefined && registered.value.status.sequence === 0) {
      devices.keep({ record: registered.value, ledger: [] });
    }
    const [approverRole, roots] = await Promise.all([options.loadApproverRole(), options.loadRoots?.()]);
    const anchors = {
      releaseRole,
      permitKeys: [options.permitKey],
      ...(approverRole === undefined ? {} : { approverRole: withoutPeople(approverRole) }),
      ...(roots && { roots }),
    };
    const credentials = given === undefined ? {} : { credentials: given.value };
    return jsonResponse(201, encodeRegistrationAnswer({ deviceId, anchors, ...credentials }));
  };
}

/** A device and the right by which it registers. */
interface Admitted {
  readonly record: DeviceRecord;
  readonly admission: Admission;
}

/** Whose key is whose is nothing that a device pins. */
function withoutPeople({ threshold, groups }: SigningRole): SigningRole {
  const keysOnly = groups.map(({ name, keys }) => ({
    name,
    keys: keys.map(({ keyId, publicKey }) => ({ keyId, publicKey })),
  }));
  return { threshold, groups: keysOnly };
}

const REFUSED: Readonly<Record<RegistrationRefusalCode, string>> = {
  'registration-token-invalid': `${TOKEN_REFUSALS['registration-token-invalid']}; make one with \`outrider device token\``,
  'registration-token-used': `${TOKEN_REFUSALS['registration-token-used']}; make another with \`outrider device token\``,
  'registration-token-expired': `${TOKEN_REFUSALS['registration-token-expired']}; make another with \`outrider device token\``,
  'registration-token-for-another': `${TOKEN_REFUSALS['registration-token-for-another']}; make one for this device`,
  'key-already-registered':
    'Another device is registered with this very key; each device makes a key of its own, so look at how this one got it',
  'device-revoked': IDENTITY_REFUSALS['device-revoked'],
  'device-key-differs':
    'The device id is registered or was announced with another key; a device keeps its key, a new one takes a new id',
  'device-not-as-expected':
    'The device says another type, model or hardware than was announced under its id; correct the one that is wrong',
};

/** The request as a registration: well-formed, with a right to it, signed by the very key it names. */
function readRegistration(
  request: DeviceRequest & { readonly method: 'POST' },
  options: RegistrationOptions,
): Result<{ readonly registration: Registration; readonly admission: Admission }, DeviceResponse> {
  const identity = parseRequestIdentity(request.headers);
  if (!identity.ok) {
    return err(problemResponse({ code: 'body-malformed', detail: describeParseError(identity.error) }));
  }
  const parsed = parseRegistration(request.body);
  if (!parsed.ok) return err(malformed(parsed.error));
  const { deviceId, publicKey } = parsed.value;
  if (identity.value.deviceId !== deviceId) {
    const detail = 'The header Outrider-Device names another device than the body; both must be the id to register';
    return err(problemResponse({ code: 'device-mismatch', detail, fields: { deviceId } }));
  }
  if (keyIdOf(Buffer.from(publicKey.publicKey, 'base64')) !== publicKey.keyId) {
    const detail = 'The key id is not the SHA-256 of the 32 raw bytes of the public key; send the key id that it is';
    return err(problemResponse({ code: 'key-id-differs', detail, fields: { deviceId } }));
  }
  if (!options.verifier.verify(publicKey, requestText(request), identity.value.signature)) {
    const detail = 'The request is not signed by the key it wants to register; sign it with that key';
    return err(problemResponse({ code: 'signature-invalid', detail, fields: { deviceId } }));
  }
  const admission = readAdmission(parsed.value, options);
  return admission.ok ? ok({ registration: parsed.value, admission: admission.value }) : admission;
}

/** A key of P-256 or RSA has another length: its device learns that it needs another, and not that it has a fault. */
function malformed(error: ParseError): DeviceResponse {
  const detail = describeParseError(error);
  if (!error.path.endsWith('.publicKey.publicKey')) return problemResponse({ code: 'body-malformed', detail });
  return problemResponse({ code: 'key-kind-unsupported', detail: `${detail}: ${ED25519_ALONE}` });
}

/** A token of our own is looked up where it is used up too; the other rights are judged here. */
function readAdmission(
  { deviceId, publicKey, token, factory }: Registration,
  { digestText, tokenDigest, factoryCas }: RegistrationOptions,
): Result<Admission, DeviceResponse> {
  if (token !== undefined) {
    // Digests are compared, so that the time it takes tells nothing about the token.
    const digest = digestText(token);
    return ok(digest === tokenDigest ? { kind: 'fleet-token' } : { kind: 'token', digest });
  }
  const proved =
    factory === undefined || factoryCas === undefined
      ? err({ code: 'factory-unknown-ca' as const })
      : factoryCas.verify(factory, { deviceId, keyId: publicKey.keyId });
  if (proved.ok) return ok({ kind: 'factory' });
  const { code } = proved.error;
  const detail = `${FACTORY_REFUSALS[code]}; see docs/device-identity.md for what the server pins and what the device sends`;
  return err(problemResponse({ code, detail, fields: { deviceId } }));
}

function recordOf(registration: Registration, now: FleetInstant): DeviceRecord {
  const { deviceId, publicKey, attributes, running } = registration;
  const contactHistory = newContactHistory(now);
  const status = { sequence: 0, lastContactAt: now, contactHistory, running, state: 'idle' } as const;
  return { deviceId, publicKey, attributes, registeredAt: now, status };
}
