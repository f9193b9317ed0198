// SPDX-License-Identifier: Apache-2.0
import { keyIdOf } from '@outrider/adapters/shared/ed25519';
import { newContactHistory } from '@outrider/domain/gateway/contact-history';
import type { UnexpectedCode } from '@outrider/domain/gateway/device-import';
import type { DeviceRecord } from '@outrider/domain/gateway/device-record';
import type { Registry } from '@outrider/domain/gateway/ports';
import type { Registration } from '@outrider/domain/gateway/registration';
import type { FleetClock } from '@outrider/domain/kernel/clock';
import type { Sha256 } from '@outrider/domain/kernel/ids';
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import { durationMs, type FleetInstant } from '@outrider/domain/kernel/time';
import type { PublicKey } from '@outrider/domain/trust/envelope';
import type { DigestText, SignatureVerifier } from '@outrider/domain/trust/ports';
import type { SigningRole, TrustRoots } from '@outrider/domain/trust/role';
import { encodeRegistrationAnswer, parseRegistration } from '@outrider/protocol/gateway/registration';
import { parseRequestIdentity, requestText } from '@outrider/protocol/gateway/request-signature';
import { describeParseError } from '@outrider/protocol/kernel/parse-error';
import type { Schedule } from '../ports.ts';
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
  readonly tokenDigest: Sha256;
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
    commit: (records: readonly DeviceRecord[]) => registry.register(records),
  });

  return async (request) => {
    const registration = readRegistration(request, options);
    if (!registration.ok) return registration.error;
    const { deviceId } = registration.value;
    const releaseRole = await options.loadReleaseRole();
    if (releaseRole === undefined) {
      const detail = 'A device pins who signs releases when it registers; give the server its release role first';
      return problemResponse({ code: 'release-role-missing', detail });
    }
    const registered = await commits.add(recordOf(registration.value, options.fleetClock.now()));
    if (!registered.ok) {
      const { code } = registered.error;
      return problemResponse({ code, detail: REFUSED[code], fields: { deviceId } });
    }
    if (devices.peek(deviceId) === undefined && registered.value.status.sequence === 0) {
      devices.keep({ record: registered.value, ledger: [] });
    }
    const [approverRole, roots] = await Promise.all([options.loadApproverRole(), options.loadRoots?.()]);
    const anchors = {
      releaseRole,
      permitKeys: [options.permitKey],
      ...(approverRole === undefined ? {} : { approverRole }),
      ...(roots && { roots }),
    };
    return jsonResponse(201, encodeRegistrationAnswer({ deviceId, anchors }));
  };
}

const REFUSED: Readonly<Record<UnexpectedCode, string>> = {
  'device-key-differs':
    'The device id is registered or was announced with another key; a device keeps its key, a new one takes a new id',
  'device-not-as-expected':
    'The device says another type, model or hardware than was announced under its id; correct the one that is wrong',
};

/** The request as a registration: well-formed, with the fleet's token, signed by the very key it names. */
function readRegistration(
  request: DeviceRequest & { readonly method: 'POST' },
  options: RegistrationOptions,
): Result<Registration, DeviceResponse> {
  const identity = parseRequestIdentity(request.headers);
  if (!identity.ok) {
    return err(problemResponse({ code: 'body-malformed', detail: describeParseError(identity.error) }));
  }
  const parsed = parseRegistration(request.body);
  if (!parsed.ok) return err(problemResponse({ code: 'body-malformed', detail: describeParseError(parsed.error) }));
  const { deviceId, publicKey, token } = parsed.value;
  if (identity.value.deviceId !== deviceId) {
    const detail = 'The header Outrider-Device names another device than the body; both must be the id to register';
    return err(problemResponse({ code: 'device-mismatch', detail, fields: { deviceId } }));
  }
  // Digests are compared, so that the time it takes tells nothing about the token.
  if (options.digestText(token) !== options.tokenDigest) {
    const detail = 'The registration token is not the one of this installation; see the file registration-token';
    return err(problemResponse({ code: 'registration-token-invalid', detail, fields: { deviceId } }));
  }
  if (keyIdOf(Buffer.from(publicKey.publicKey, 'base64')) !== publicKey.keyId) {
    const detail = 'The key id is not the SHA-256 of the 32 raw bytes of the public key; send the key id that it is';
    return err(problemResponse({ code: 'key-id-differs', detail, fields: { deviceId } }));
  }
  if (!options.verifier.verify(publicKey, requestText(request), identity.value.signature)) {
    const detail = 'The request is not signed by the key it wants to register; sign it with that key';
    return err(problemResponse({ code: 'signature-invalid', detail, fields: { deviceId } }));
  }
  return ok(parsed.value);
}

function recordOf(registration: Registration, now: FleetInstant): DeviceRecord {
  const { deviceId, publicKey, attributes, running } = registration;
  const contactHistory = newContactHistory(now);
  const status = { sequence: 0, lastContactAt: now, contactHistory, running, state: 'idle' } as const;
  return { deviceId, publicKey, attributes, registeredAt: now, status };
}
