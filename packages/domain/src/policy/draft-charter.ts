// SPDX-License-Identifier: Apache-2.0
import type { DeviceId, Sha256 } from '../kernel/ids.ts';
import { DAY_MS, type FleetInstant, fleetInstant } from '../kernel/time.ts';
import { type CharterDocument, type CharterWave, classesCounted, THRESHOLD_WHOLE } from './charter.ts';
import type { RolloutPlan, Wave } from './rollout.ts';

/** What a charter is drawn up from, for people to look at and sign. */
export interface CharterDraft {
  readonly plan: RolloutPlan;
  readonly releaseSha256: Sha256;
  /** Eligible devices of the audience now. */
  readonly population: number;
  /** Devices of the audience that stand in a ring of the plan, with their tags. */
  readonly ringDevices: readonly { readonly deviceId: DeviceId; readonly tags: readonly string[] }[];
  /** The smallest step a wave may take, in devices (decision/admission): small fleets take it whole. */
  readonly firstStepDevices: number;
  readonly groups: number;
  readonly now: FleetInstant;
}

/** A charter for the plan as it stands: each wave from now on, each after the bake times of those before it. */
export function draftCharter(draft: CharterDraft): CharterDocument {
  const { plan, releaseSha256, groups, now } = draft;
  const seen = new Set<DeviceId>();
  let ringCount = 0;
  let begins: number = now;
  const waves = plan.waves.map((wave): CharterWave => {
    const ringDevices = draft.ringDevices
      .filter(({ deviceId, tags }) => !seen.has(deviceId) && wave.ringTags.some((tag) => tags.includes(tag)))
      .map(({ deviceId }) => deviceId)
      .sort();
    for (const id of ringDevices) seen.add(id);
    ringCount += ringDevices.length;
    const notBefore = fleetInstant(begins);
    begins += wave.bakeMs;
    const threshold = thresholdOfWave(wave, draft);
    const devices = ringCount + Math.ceil((threshold / THRESHOLD_WHOLE) * draft.population);
    const cap = threshold === THRESHOLD_WHOLE ? {} : { devicesMax: Math.max(devices, draft.firstStepDevices) };
    return { name: wave.name, threshold, ...cap, ringDevices, notBefore };
  });
  return {
    schema: 1,
    plan,
    releaseSha256,
    waves,
    reports: { halt: classesCounted(plan), widen: classesCounted(plan) },
    groups,
    issuedAt: now,
    expiresAt: fleetInstant(now + LIFE_DAYS * DAY_MS),
  };
}

/** A good rollout takes twelve days (design/decision.md); ninety leave time for pauses and for devices that sleep. */
const LIFE_DAYS = 90;

/**
 * The share of the plan, and never less than the first step: a tenth of 2,003 devices is a tenth of the hash space, and a
 * hundredth of 20 devices is the ten with which every rollout begins.
 */
function thresholdOfWave({ exposurePermille }: Wave, { population, firstStepDevices }: CharterDraft): number {
  if (exposurePermille === 0) return 0;
  const share = Math.floor((exposurePermille * THRESHOLD_WHOLE) / 1_000);
  const step = population === 0 ? 0 : Math.ceil((firstStepDevices / population) * THRESHOLD_WHOLE);
  return Math.min(THRESHOLD_WHOLE, Math.max(share, step));
}
