// SPDX-License-Identifier: Apache-2.0
import { canonicalJson } from '../kernel/canonical-json.ts';
import { err, ok, type Result } from '../kernel/result.ts';
import { DAY_MS } from '../kernel/time.ts';
import type { Envelope } from '../trust/envelope.ts';
import type { DigestText, SignatureVerifier } from '../trust/ports.ts';
import type { SigningRole } from '../trust/role.ts';
import { verifyThreshold } from '../trust/verify-threshold.ts';
import {
  CHARTER_DAYS_MAX,
  CHARTER_TYPE,
  type CharterDocument,
  classesCounted,
  RING_DEVICES_MAX,
  type SignedCharter,
  THRESHOLD_TENTH,
  type VerifiedCharter,
  WAVE_OPENING_TYPE,
  type WaveOpening,
} from './charter.ts';
import type { CharterError, CharterErrorCode } from './charter-errors.ts';
import { largestThreshold } from './charter-place.ts';
import type { RolloutPlan } from './rollout.ts';

/** What it takes to check a charter: the same at gateway, command and device. */
export interface CharterCheck {
  /** Who must sign: pinned on a device, a file beside the gateway, never from the database. */
  readonly role: SigningRole;
  readonly verifier: SignatureVerifier;
  readonly digestText: DigestText;
  /** Read the payloads, once they are verified (protocol/policy/charter). */
  readonly parseCharter: (payload: string) => Result<CharterDocument, unknown>;
  readonly parseOpening: (payload: string) => Result<WaveOpening, unknown>;
}

/**
 * A charter whose signatures hold: k groups or more over the document, and over each opening. An opening that does not hold is
 * passed over, so its wave stays shut. Nothing is parsed before it is verified. Codes: charter-type-wrong, charter-unsigned,
 * charter-malformed.
 */
export function verifyCharter(signed: SignedCharter, check: CharterCheck): Result<VerifiedCharter, CharterError> {
  const { document: envelope, openings } = signed;
  if (envelope.payloadType !== CHARTER_TYPE) {
    return refuse('charter-type-wrong', `The document is of type ${envelope.payloadType}, not ${CHARTER_TYPE}`);
  }
  const byRole = verifyThreshold(envelope, check.role, check.verifier);
  if (!byRole.ok) return refuse('charter-unsigned', unsignedText(byRole.error));
  const parsed = check.parseCharter(envelope.payload);
  if (!parsed.ok) return refuse('charter-malformed', 'The signed text is no charter that can be read');
  const document = parsed.value;
  const fault = faultOfCharter(document);
  if (fault !== undefined) return refuse('charter-malformed', fault);
  // k of the charter may ask for more groups than the role; a role of fewer groups than k can sign nothing.
  const role = { ...check.role, threshold: Math.max(check.role.threshold, document.groups) };
  if (role.threshold > check.role.threshold) {
    const byDocument = verifyThreshold(envelope, role, check.verifier);
    if (!byDocument.ok) return refuse('charter-unsigned', unsignedText(byDocument.error));
  }
  const sha256 = check.digestText(envelope.payload);
  const opened = new Set<number>();
  for (const opening of openings) {
    const read = verifyOpening(opening, { document, sha256 }, { ...check, role });
    if (read.ok) opened.add(read.value);
  }
  const isSigned = document.waves.map((wave, index) => largestThreshold(wave) <= THRESHOLD_TENTH || opened.has(index));
  return ok({ document, sha256, isSigned });
}

/**
 * The index of the wave that an opening opens. Codes: charter-type-wrong, charter-wave-unsigned, charter-malformed,
 * charter-for-another.
 */
export function verifyOpening(
  opening: Envelope,
  { document, sha256 }: Pick<VerifiedCharter, 'document' | 'sha256'>,
  check: Pick<CharterCheck, 'role' | 'verifier' | 'parseOpening'>,
): Result<number, CharterError> {
  if (opening.payloadType !== WAVE_OPENING_TYPE) {
    return refuse('charter-type-wrong', `The document is of type ${opening.payloadType}, not ${WAVE_OPENING_TYPE}`);
  }
  const role = { ...check.role, threshold: Math.max(check.role.threshold, document.groups) };
  const verified = verifyThreshold(opening, role, check.verifier);
  if (!verified.ok) return refuse('charter-wave-unsigned', unsignedText(verified.error));
  const parsed = check.parseOpening(opening.payload);
  if (!parsed.ok) return refuse('charter-malformed', 'The signed text is no opening of a wave that can be read');
  const { charterSha256, waveIndex, threshold } = parsed.value;
  const wave = document.waves[waveIndex];
  if (charterSha256 !== sha256 || wave === undefined) {
    return refuse('charter-for-another', `The opening is for wave ${waveIndex} of charter ${charterSha256}`);
  }
  const needed = largestThreshold(wave);
  if (threshold === needed) return ok(waveIndex);
  return refuse(
    'charter-for-another',
    `The opening is for the threshold ${threshold}, that of ${wave.name} is ${needed}`,
  );
}

/** Whether two plans are one: by their canonical text. */
export function isSamePlan(a: RolloutPlan, b: RolloutPlan): boolean {
  return canonicalText(a) === canonicalText(b);
}

/** What in a charter contradicts itself, as a sentence; undefined: nothing. */
export function faultOfCharter(document: CharterDocument): string | undefined {
  const { plan, waves, reports, issuedAt, expiresAt } = document;
  if (waves.length !== plan.waves.length) return `It has ${waves.length} waves, its plan has ${plan.waves.length}`;
  let [threshold, notBefore, ringDevices] = [0, 0, 0];
  for (const [index, wave] of waves.entries()) {
    const { name } = wave;
    if (name !== plan.waves[index]?.name) return `Wave ${index} is ${name}, in the plan ${plan.waves[index]?.name}`;
    const largest = largestThreshold(wave);
    if (largest < threshold) return `The threshold of wave ${name} is below that of the wave before`;
    if (wave.notBefore < notBefore) return `Wave ${name} may begin before the wave before it`;
    [threshold, notBefore] = [largest, wave.notBefore];
    ringDevices += wave.ringDevices.length;
  }
  if (ringDevices > RING_DEVICES_MAX) return `Its rings name ${ringDevices} devices, allowed are ${RING_DEVICES_MAX}`;
  const counted = classesCounted(plan).join(' ');
  for (const [verb, classes] of Object.entries(reports)) {
    // The rule counts a report for both or for neither: a charter that says otherwise would say what nobody keeps.
    if (classes.join(' ') !== counted)
      return `Reports that may ${verb} are ${classes.join(' ')}, the plan counts ${counted}`;
  }
  if (expiresAt <= issuedAt) return 'It expires before it was issued';
  return expiresAt - issuedAt > CHARTER_DAYS_MAX * DAY_MS
    ? `It lives for more than ${CHARTER_DAYS_MAX} days`
    : undefined;
}

function unsignedText(error: Extract<ReturnType<typeof verifyThreshold>, { readonly ok: false }>['error']): string {
  if (error.code === 'role-invalid') return error.detail;
  const signed = error.groupsSigned.length === 0 ? 'no group' : error.groupsSigned.join(' and ');
  return `Validly signed by ${signed}, needed are ${error.threshold} groups of approvers`;
}

function canonicalText(plan: RolloutPlan): string {
  // A plan holds JSON types alone: it was read from JSON.
  return canonicalJson(plan as unknown as Parameters<typeof canonicalJson>[0]);
}

function refuse(code: CharterErrorCode, detail: string): Result<never, CharterError> {
  return err({ code, detail });
}
