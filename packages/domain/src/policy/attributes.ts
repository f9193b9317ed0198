// SPDX-License-Identifier: Apache-2.0

/** What the registry knows of a device and audiences may ask about. All values are short ASCII texts. */
export interface DeviceAttributes {
  readonly deviceType: string;
  readonly model: string;
  /** Hardware revision, for example `rev-c`: a segment of the default plan. */
  readonly hardwareId: string;
  readonly region: string;
  readonly customer: string;
  readonly carrier: string;
  readonly tags: readonly string[];
}

/** Tags of one device: each is looked at for each rollout, and people keep a handful. */
export const TAGS_MAX = 32;
