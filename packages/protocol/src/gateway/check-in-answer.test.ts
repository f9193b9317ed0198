// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CheckInAnswer, Offer, Refusal } from '@outrider/domain/gateway/check-in';
import { encodeJson } from '../kernel/json-text.ts';
import { encodeCheckInAnswer } from './check-in.ts';

const digest = 'a'.repeat(64);
const release = {
  payload: '{"version":"1.2.0","note":"\\"quoted\\""}',
  signatures: [{ keyId: digest, signature: 'c2ln' }],
};
const offer = {
  ...{
    kind: 'offer',
    rolloutId: 'rollout-1',
    releaseId: 'camera-1.2.0',
    epoch: 7,
    isRollback: false,
    pollAfterMs: 900_000,
  },
  release,
  artifacts: [{ component: 'main', artifact: { kind: 'full', digest, bytes: 12 } }],
} as unknown as Offer;
const refusal: Refusal = { kind: 'refusal', code: 'no-rollout', pollAfterMs: offer.pollAfterMs };

test('an answer is the canonical text of its value, whatever of it is absent, and however often it is written', () => {
  const charter = { envelope: release, openings: [] } as unknown as NonNullable<Offer['charter']>;
  const director = '{"signed":{"targets":{}},"signatures":[]}';
  const answers: readonly CheckInAnswer[] = [
    offer,
    { ...offer, director },
    { ...offer, director: '' },
    { ...offer, charter },
    { ...offer, charter, director, isRollback: true, artifacts: [] },
    refusal,
    { ...refusal, rolloutId: offer.rolloutId },
  ];
  for (const answer of [...answers, ...answers]) assert.equal(encodeCheckInAnswer(answer), encodeJson(answer));
});
