// SPDX-License-Identifier: Apache-2.0

import { afterThisRound } from '@outrider/adapters/shared/delay';
import { answerCheckIn } from '@outrider/domain/gateway/answer-check-in';
import type { DeviceRecord, RunningSoftware } from '@outrider/domain/gateway/device-record';
import type { Registry } from '@outrider/domain/gateway/ports';
import type { PolicySnapshot } from '@outrider/domain/gateway/snapshot';
import { steerPoll } from '@outrider/domain/gateway/steer-poll';
import { assert } from '@outrider/domain/kernel/assert';
import type { FleetClock, MachineClock } from '@outrider/domain/kernel/clock';
import { type DeviceId, parseId, type ReleaseCounter } from '@outrider/domain/kernel/ids';
import { elapsedMs } from '@outrider/domain/kernel/time';
import type { SignatureVerifier, Signer } from '@outrider/domain/trust/ports';
import { encodeCheckIn, encodeCheckInAnswer } from '@outrider/protocol/gateway/check-in';
import { DEVICE_HEADER, requestText, SIGNATURE_HEADER } from '@outrider/protocol/gateway/request-signature';
import { checkInReader } from '../gateway/check-in-reader.ts';
import { CHECK_IN_PATH } from '../gateway/device-routes.ts';
import { readPlainCheckIn } from './plain-check-in.ts';

/** So many check-ins are answered for nobody; by then all functions on their way have been compiled. */
const CHECK_INS = 1_000;
/** And no longer than this: a start is waited for. */
const WARM_MAX_MS = 1_000;
/** Between two looks at the clock. */
const SLICE = 100;
/** Reads of no device at once: as many as a cold gateway has under way. */
const READS = 4;

/**
 * Does what a check-in costs before anybody waits for it: reads its bytes, verifies a signature, answers from the snapshot, writes the answer; of devices
 * that do not exist, so that nothing is noted or counted. The connections to the store are opened by reads of the same devices. Without this the
 * first thousand devices after a start are answered by code that is not compiled yet, at ten times the cost, while a whole fleet comes.
 */
export async function warmUp(options: {
  readonly registry: Pick<Registry, 'loadDevices'>;
  readonly snapshot: PolicySnapshot | undefined;
  readonly verifier: SignatureVerifier;
  /** Any signer: its signature is verified as if a device's. */
  readonly signer: Signer;
  readonly fleetClock: FleetClock;
  readonly machineClock: MachineClock;
}): Promise<void> {
  const { registry, snapshot, machineClock } = options;
  const began = machineClock.now();
  const reads = Array.from({ length: READS }, (_, index) => registry.loadDevices([nobody(index)]));
  for (let done = 0; snapshot !== undefined && done < CHECK_INS; done += SLICE) {
    if (elapsedMs(began, machineClock.now()) > WARM_MAX_MS) break;
    answerNobody(snapshot, options, done);
    await new Promise<void>((resolve) => afterThisRound(resolve));
  }
  await Promise.all(reads);
}

/** Whoever has such an id all the same is read once, and nothing else. */
function nobody(number: number): DeviceId {
  const parsed = parseId<DeviceId>('device id', `outrider-warm-up-${number}`);
  assert(parsed.ok, 'an id as devices have them');
  return parsed.value;
}

function answerNobody(
  snapshot: PolicySnapshot,
  { verifier, signer, fleetClock }: Pick<Parameters<typeof warmUp>[0], 'verifier' | 'signer' | 'fleetClock'>,
  from: number,
): void {
  const read = checkInReader();
  // One signature for all: to make one costs as much as to verify it, also where it does not fit.
  const proof = signer.sign(requestText({ method: 'POST', path: CHECK_IN_PATH, body: '' }));
  const [deviceType = 'nothing'] = snapshot.rolloutsByDeviceType.keys();
  for (let index = from; index < from + SLICE; index++) {
    const deviceId = nobody(index);
    const now = fleetClock.now();
    const text = encodeCheckIn({ deviceId, sequence: 1, running: RUNNING, state: 'idle' });
    const signed = requestText({ method: 'POST', path: CHECK_IN_PATH, body: text });
    const bytes = Buffer.from(
      `POST ${CHECK_IN_PATH} HTTP/1.1\r\nhost: nobody\r\ncontent-type: application/json\r\n${DEVICE_HEADER}: ${deviceId}\r\n` +
        `${SIGNATURE_HEADER}: ${proof.signature}\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
    );
    const plain = readPlainCheckIn(bytes);
    assert(typeof plain !== 'string', 'a plain check-in');
    verifier.verify(signer.publicKey, signed, proof.signature);
    const checkIn = read(plain.body);
    assert(checkIn.ok, 'a check-in that was just written');
    const status = { sequence: 0, lastContactAt: now, running: RUNNING, state: 'idle' } as const;
    const record: DeviceRecord = {
      ...{ deviceId, publicKey: signer.publicKey, registeredAt: now, status },
      attributes: { ...NOWHERE, deviceType },
    };
    const known = { record, ledger: [] };
    const answer = steerPoll(answerCheckIn(snapshot, known, checkIn.value, now), { ledger: [], now, loadPermille: 0 });
    encodeCheckInAnswer(answer);
  }
}

const NOWHERE = { model: 'none', hardwareId: 'none', region: 'none', customer: 'none', carrier: 'none', tags: [] };
const RUNNING: RunningSoftware = {
  version: '0.0.0',
  releaseCounter: 1 as ReleaseCounter,
  components: [],
};
