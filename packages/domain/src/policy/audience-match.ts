// SPDX-License-Identifier: Apache-2.0
import { assertNever } from '../kernel/assert.ts';
import type { DeviceId } from '../kernel/ids.ts';
import { compareVersions } from '../release/version.ts';
import type { DeviceAttributes } from './attributes.ts';
import type { Audience } from './audience.ts';

/** A device as far as an audience asks about it. */
export interface AudienceSubject {
  readonly deviceId: DeviceId;
  readonly attributes: DeviceAttributes;
  /** The version it runs. */
  readonly version: string;
}

/** Whether the device is in the audience. No members: `all-of` holds for everyone, `any-of` for no one. */
export function matchAudience(audience: Audience, subject: AudienceSubject): boolean {
  switch (audience.kind) {
    case 'everyone':
      return true;
    case 'all-of':
      return audience.of.every((one) => matchAudience(one, subject));
    case 'any-of':
      return audience.of.some((one) => matchAudience(one, subject));
    case 'not':
      return !matchAudience(audience.of, subject);
    case 'attribute':
      return audience.in.includes(subject.attributes[audience.name]);
    case 'tag':
      return subject.attributes.tags.includes(audience.tag);
    case 'device':
      return audience.in.includes(subject.deviceId);
    case 'version':
      return isInRange(subject.version, audience);
    default:
      return assertNever(audience);
  }
}

function isInRange(version: string, range: { readonly atLeast?: string; readonly below?: string }): boolean {
  if (range.atLeast !== undefined && compareVersions(version, range.atLeast) < 0) return false;
  return range.below === undefined || compareVersions(version, range.below) < 0;
}

/** The audience in words, for explanations and lists. */
export function describeAudience(audience: Audience): string {
  switch (audience.kind) {
    case 'everyone':
      return 'everyone';
    case 'all-of':
      return audience.of.length === 0 ? 'everyone' : `(${audience.of.map(describeAudience).join(' and ')})`;
    case 'any-of':
      return audience.of.length === 0 ? 'no one' : `(${audience.of.map(describeAudience).join(' or ')})`;
    case 'not':
      return `not ${describeAudience(audience.of)}`;
    case 'attribute':
      return `${audience.name} in ${describeList(audience.in)}`;
    case 'tag':
      return `tag ${audience.tag}`;
    case 'device':
      return `device in ${describeList(audience.in)}`;
    case 'version':
      return `version from ${audience.atLeast ?? 'any'} to below ${audience.below ?? 'any'}`;
    default:
      return assertNever(audience);
  }
}

function describeList(texts: readonly string[]): string {
  const shown = texts.slice(0, VALUES_SHOWN_MAX).join(' ');
  return texts.length > VALUES_SHOWN_MAX ? `${shown} and ${texts.length - VALUES_SHOWN_MAX} more` : shown;
}

/** Values shown of one list: an explanation is read by a person. */
const VALUES_SHOWN_MAX = 8;
