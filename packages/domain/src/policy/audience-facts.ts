// SPDX-License-Identifier: Apache-2.0
import { assertNever } from '../kernel/assert.ts';
import type { DeviceId } from '../kernel/ids.ts';
import type { AttributeName, Audience } from './audience.ts';
import { matchAudience } from './audience-match.ts';

/**
 * What a device knows of itself for certain. Region, customer, carrier and tags are the registry's to say: a device that
 * answered for them could be shut out by whoever typed them wrong at its first start.
 */
export interface DeviceFacts {
  readonly deviceId: DeviceId;
  readonly hardwareId: string;
  readonly model?: string;
  /** The version it runs. */
  readonly version: string;
}

/** Whether the device is in the audience as far as it can tell; `unknown` where that hangs on what it does not know. */
export function judgeAudience(audience: Audience, facts: DeviceFacts): 'yes' | 'no' | 'unknown' {
  switch (audience.kind) {
    case 'everyone':
      return 'yes';
    case 'all-of':
      return every(audience.of.map((one) => judgeAudience(one, facts)));
    case 'any-of':
      return negated(every(audience.of.map((one) => negated(judgeAudience(one, facts)))));
    case 'not':
      return negated(judgeAudience(audience.of, facts));
    case 'attribute': {
      const value = knownValue(audience.name, facts);
      if (value === undefined) return 'unknown';
      return audience.in.includes(value) ? 'yes' : 'no';
    }
    case 'tag':
      return 'unknown';
    case 'device':
    case 'version':
      return matchAudience(audience, { ...facts, attributes: NO_ATTRIBUTES }) ? 'yes' : 'no';
    default:
      return assertNever(audience);
  }
}

/** The value of an attribute that segments or audiences ask about, where the device knows it. */
export function knownValue(name: AttributeName, { hardwareId, model }: DeviceFacts): string | undefined {
  if (name === 'hardwareId') return hardwareId;
  return name === 'model' ? model : undefined;
}

/** Neither a device id nor a version is an attribute. */
const NO_ATTRIBUTES = { deviceType: '', model: '', hardwareId: '', region: '', customer: '', carrier: '', tags: [] };

type Judgement = ReturnType<typeof judgeAudience>;

function every(judgements: readonly Judgement[]): Judgement {
  if (judgements.includes('no')) return 'no';
  return judgements.includes('unknown') ? 'unknown' : 'yes';
}

function negated(judgement: Judgement): Judgement {
  if (judgement === 'unknown') return 'unknown';
  return judgement === 'yes' ? 'no' : 'yes';
}
