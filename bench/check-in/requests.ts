// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';

/** The device of a number, as `bench/registry/fleet.ts` fills them. */
export function deviceIdOf(number: number): string {
  return `cam-${String(number).padStart(9, '0')}`;
}

/** Whether the device of this number is a camera, as the same file says: lots of 500, one in ten of gateways. */
export function isCamera(number: number): boolean {
  return Math.floor(number / 500) % 10 !== 0;
}

/** The request as it goes over the socket: what a terminator sends for a device whose certificate it has verified. */
export function checkInRequest(number: number, sequence: number): string {
  const deviceId = deviceIdOf(number);
  return certified(
    '/v1/check-in',
    deviceId,
    `{"deviceId":"${deviceId}","running":{"components":[{"digest":"${DIGESTS[number % DIGESTS.length]}","name":"main"}],` +
      `"releaseCounter":1,"version":"2.1.0"},"sequence":${sequence},"state":"idle"}`,
  );
}

/** What every device of the fleet has sent last, as the same file fills it. */
export const SEQUENCE_OF_FLEET = 40;

/** What a permit is asked for. */
export interface RolloutNamed {
  readonly rolloutId: string;
  readonly releaseId: string;
}

export function permitRequest(number: number, sequence: number, { rolloutId, releaseId }: RolloutNamed): string {
  const deviceId = deviceIdOf(number);
  const body = { deviceId, isRollback: false, releaseId, rolloutId, sequence };
  return certified('/v1/permit', deviceId, JSON.stringify(body));
}

function certified(path: string, deviceId: string, body: string): string {
  return (
    `POST ${path} HTTP/1.1\r\nhost: updates.example.com\r\ncontent-type: application/json\r\n` +
    `outrider-certificate-device: ${deviceId}\r\noutrider-certificate-serial: ${SERIAL}\r\n` +
    `outrider-certificate-sha256: ${FINGERPRINT}\r\ncontent-length: ${body.length}\r\n\r\n${body}`
  );
}

/** The poll of a client of hawkBit's DDI. */
export function pollRequest(number: number): string {
  return `GET /DEFAULT/controller/v1/${deviceIdOf(number)} HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: application/hal+json\r\n\r\n`;
}

const DIGESTS = Array.from({ length: 1_000 }, (_, number) => sha256(`image ${number}`));
const FINGERPRINT = sha256('a certificate');
const SERIAL = '3F29C0AB17D2E4560011';

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
