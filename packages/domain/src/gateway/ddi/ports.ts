// SPDX-License-Identifier: Apache-2.0
import type { DeviceId } from '../../kernel/ids.ts';
import type { Result } from '../../kernel/result.ts';
import type { AuditNote } from '../../trust/audit.ts';
import type { RegistrationRefusalCode } from '../admit-registration.ts';
import type { DeviceRecord } from '../device-record.ts';
import type { DdiDevice } from './ddi-device.ts';

/** What the registry keeps of devices that speak hawkBit's DDI. */
export interface DdiStore {
  /**
   * Registers devices with what is kept of them as DDI devices, in one transaction with the note. One that is registered
   * already is refused. Codes: those of `Registry.register`.
   */
  addDevices(
    devices: readonly NewDdiDevice[],
    note: AuditNote,
  ): Promise<readonly Result<DeviceRecord, { readonly code: RegistrationRefusalCode }>[]>;
  /** One batched read: those that are DDI devices, in any order. */
  loadDevices(deviceIds: readonly DeviceId[]): Promise<readonly DdiDevice[]>;
  /**
   * Changes one device by what `change` makes of it, nobody else between; durable when it returns. Undefined from `change`:
   * nothing changes. Answers with what holds then, undefined when it is no DDI device. A note goes with a change.
   */
  changeDevice(
    deviceId: DeviceId,
    change: (device: DdiDevice) => DdiDevice | undefined,
    note?: AuditNote,
  ): Promise<DdiDevice | undefined>;
}

/** A device as it is added. */
export interface NewDdiDevice {
  readonly record: DeviceRecord;
  readonly ddi: DdiDevice;
}
