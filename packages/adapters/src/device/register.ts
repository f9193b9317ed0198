// SPDX-License-Identifier: Apache-2.0
import type { NetworkError } from '@outrider/domain/device/ports';
import type { RunningSoftware } from '@outrider/domain/gateway/device-record';
import type { FactoryProof } from '@outrider/domain/gateway/identity-ports';
import type { RegistrationAnswer } from '@outrider/domain/gateway/registration';
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import type { DeviceAttributes } from '@outrider/domain/policy/attributes';
import { encodeRegistration, parseRegistrationAnswer } from '@outrider/protocol/gateway/registration';
import { describeParseError } from '@outrider/protocol/kernel/parse-error';
import { type HttpClient, sendMessage } from './http-client.ts';

/**
 * Registers a device: the request is signed with the key it names, as a proof of possession. Answers what the device pins
 * for good. Safe to repeat with the same key. Codes: those of NetworkError.
 */
export async function registerDevice(
  client: HttpClient,
  registration: {
    readonly token?: string;
    readonly factory?: FactoryProof;
    /** PKCS#10 of the same key. */
    readonly csr?: string;
    readonly attributes: DeviceAttributes;
    readonly running: RunningSoftware;
  },
): Promise<Result<RegistrationAnswer, NetworkError>> {
  const { deviceId, signer } = client;
  const body = encodeRegistration({ ...registration, deviceId, publicKey: signer.publicKey });
  const answer = await sendMessage(client, '/v1/register', body);
  if (!answer.ok) return answer;
  const parsed = parseRegistrationAnswer(answer.value);
  if (!parsed.ok) return err({ code: 'answer-malformed', detail: describeParseError(parsed.error) });
  if (parsed.value.deviceId !== deviceId) {
    const detail = `The answer is for ${parsed.value.deviceId}, asked for was ${deviceId}`;
    return err({ code: 'answer-malformed', detail });
  }
  return ok(parsed.value);
}
