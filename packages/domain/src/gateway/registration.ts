// SPDX-License-Identifier: Apache-2.0
import type { DeviceId } from '../kernel/ids.ts';
import type { DeviceAttributes } from '../policy/attributes.ts';
import type { PublicKey } from '../trust/envelope.ts';
import type { TrustAnchors } from '../trust/role.ts';
import type { RunningSoftware } from './device-record.ts';

/** A device asks for its identity, once. The request is signed with the very key it names: proof that it holds it. */
export interface Registration {
  /** The fleet's registration token: a secret. */
  readonly token: string;
  readonly deviceId: DeviceId;
  readonly publicKey: PublicKey;
  readonly attributes: DeviceAttributes;
  readonly running: RunningSoftware;
}

/** What a device pins for good. */
export interface RegistrationAnswer {
  readonly deviceId: DeviceId;
  readonly anchors: TrustAnchors;
}
