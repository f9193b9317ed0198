// SPDX-License-Identifier: Apache-2.0

import type { Artifact, Delta } from '@outrider/domain/delta/delta';
import type { CheckIn, CheckInAnswer, Offer, Refusal, RefusalCode } from '@outrider/domain/gateway/check-in';
import { REFUSALS } from '@outrider/domain/gateway/errors';
import type { Result } from '@outrider/domain/kernel/result';
import { encodeJson, parseText } from '../kernel/json-text.ts';
import { ANSWER_BYTES_MAX, COMPONENTS_MAX, REQUEST_BYTES_MAX } from '../kernel/limits.ts';
import type { ParseError } from '../kernel/parse-error.ts';
import { bool, keyOr, listOf, literal, optional, record, text, variant, whole } from '../kernel/reader.ts';
import { bytes, deviceId, duration, epoch, label, releaseId, rolloutId, sha256 } from '../kernel/values.ts';
import { signedCharter } from '../policy/charter.ts';
import { envelope } from '../trust/envelope.ts';
import { reportedState, toldSoftware } from './device-record.ts';

/** Writes the body of `POST /v1/check-in`. */
export function encodeCheckIn(checkIn: CheckIn): string {
  return encodeJson(checkIn);
}

/** Reads the body of `POST /v1/check-in`. Code: body-malformed. */
export function parseCheckIn(body: string): Result<CheckIn, ParseError> {
  return parseText(body, { noun: 'check-in', bytesMax: REQUEST_BYTES_MAX, reader: checkIn });
}

/** Writes the answer to a check-in: an offer or a refusal. */
export function encodeCheckInAnswer(answer: CheckInAnswer): string {
  return answer.kind === 'refusal' ? encodeRefusal(answer) : encodeOffer(answer);
}

/** Canonical, as any other value; what people have signed is the same for a whole wave, and is written once. */
function encodeOffer(offer: Offer): string {
  const { artifacts, charter, director, release } = offer;
  const signed = charter === undefined ? '' : `"charter":${written(charter)},`;
  const said = director === undefined ? '' : `"director":${JSON.stringify(director)},`;
  return (
    `{"artifacts":${encodeJson(artifacts)},${signed}${said}"epoch":${offer.epoch},"isRollback":${offer.isRollback},` +
    `"kind":"offer","pollAfterMs":${offer.pollAfterMs},"release":${written(release)},` +
    `"releaseId":"${offer.releaseId}","rolloutId":"${offer.rolloutId}"}`
  );
}

/** The text of a value that never changes. */
function written(value: object): string {
  const known = texts.get(value);
  if (known !== undefined) return known;
  const text = encodeJson(value);
  texts.set(value, text);
  return text;
}

const texts = new WeakMap<object, string>();

/** The same text as of any other value, put together from parts that need no escape: codes, and ids as they were parsed. */
function encodeRefusal({ code, pollAfterMs, rolloutId }: Refusal): string {
  const about = rolloutId === undefined ? '' : `,"rolloutId":"${rolloutId}"`;
  return `{"code":"${code}","kind":"refusal","pollAfterMs":${pollAfterMs}${about}}`;
}

/** Reads the answer to a check-in; the envelope in an offer is not verified yet. Code: body-malformed. */
export function parseCheckInAnswer(body: string): Result<CheckInAnswer, ParseError> {
  return parseText(body, { noun: 'check-in-answer', bytesMax: ANSWER_BYTES_MAX, reader: checkInAnswer });
}

const checkIn = record<CheckIn>({
  deviceId,
  sequence: whole({ min: 1 }),
  running: toldSoftware,
  state: reportedState,
  rolloutId: optional(rolloutId),
});

/** Reads how a device may get an image. */
export const artifact = variant<Artifact>({
  full: record<Extract<Artifact, { readonly kind: 'full' }>>({ kind: literal('full'), digest: sha256, bytes }),
  delta: record<Extract<Artifact, { readonly kind: 'delta' }>>({
    kind: literal('delta'),
    delta: record<Delta>({
      fromDigest: sha256,
      toDigest: sha256,
      format: literal('zstd-patch-1'),
      digest: sha256,
      bytes,
    }),
  }),
});

/** One file and one signature take less than a kilobyte. */
const DIRECTOR_CHARACTERS_MAX = 16_384;

const refusalCode = keyOr<RefusalCode>(REFUSALS, 'no-rollout');

const checkInAnswer = variant<CheckInAnswer>({
  offer: record<Offer>({
    kind: literal('offer'),
    rolloutId,
    releaseId,
    epoch,
    release: envelope,
    charter: optional(signedCharter),
    isRollback: bool,
    artifacts: listOf(record<Offer['artifacts'][number]>({ component: label, artifact }), { countMax: COMPONENTS_MAX }),
    pollAfterMs: duration,
    director: optional(text({ charactersMax: DIRECTOR_CHARACTERS_MAX })),
  }),
  refusal: record<Refusal>({
    kind: literal('refusal'),
    code: refusalCode,
    rolloutId: optional(rolloutId),
    pollAfterMs: duration,
  }),
});
