// SPDX-License-Identifier: Apache-2.0
import type { Result } from '@outrider/domain/kernel/result';
import { encodeJson, parseText } from '@outrider/protocol/kernel/json-text';
import type { ParseError } from '@outrider/protocol/kernel/parse-error';
import { bool, keyOf, listOf, literal, optional, record, text, whole } from '@outrider/protocol/kernel/reader';
import { FAULT, type Fault } from './faults/fault.ts';
import type { Violation } from './oracles/violation.ts';
import type { Plant } from './planted/plant.ts';

/** All that decides about a run: the same case plays the same run, on every machine. */
export interface SimCase {
  readonly seed: string;
  readonly deviceCount: number;
  /** Most fleet days of one of the two rollouts. */
  readonly daysMax: number;
  readonly gatewayCount: number;
  readonly faults: readonly Fault[];
  /** Rollouts without waves: only the caps hold anybody back, and everybody asks. */
  readonly isOpen?: boolean;
  /** A bug that is put in on purpose. */
  readonly plant?: Plant;
}

/** A case on disk, and why it was kept. */
export interface CaseFile extends SimCase {
  readonly schema: 1;
  readonly violation?: Violation;
}

/** Writes a case file. */
export function encodeCase(simCase: SimCase, violation?: Violation): string {
  return `${encodeJson({ schema: 1, ...simCase, ...(violation !== undefined && { violation }) })}\n`;
}

/** Reads a case file. Code: body-malformed. */
export function parseCase(body: string): Result<CaseFile, ParseError> {
  return parseText(body, { noun: 'case', bytesMax: CASE_BYTES_MAX, reader: CASE });
}

/** A wild month of ten thousand devices has some ten thousand faults of a hundred bytes. */
const CASE_BYTES_MAX = 16_777_216;
const FAULTS_MAX = 100_000;

/** Within these a case may be; the flags of the command line allow the same. */
export const CASE_LIMITS = {
  devices: { min: 1, max: 100_000 },
  days: { min: 1, max: 90 },
  gateways: { min: 1, max: 8 },
} as const;

/** Plants by name; a table over the closed union, so that none is forgotten. */
const PLANTS = { 'cap-outside': true, 'count-twice': true, 'pause-notify': true } as const satisfies Record<
  Plant,
  true
>;

const CASE = record<CaseFile>({
  schema: literal(1),
  seed: text({ charactersMin: 1, charactersMax: 64 }),
  deviceCount: whole(CASE_LIMITS.devices),
  daysMax: whole(CASE_LIMITS.days),
  gatewayCount: whole(CASE_LIMITS.gateways),
  faults: listOf(FAULT, { countMax: FAULTS_MAX }),
  isOpen: optional(bool),
  plant: optional(keyOf<Plant>(PLANTS)),
  violation: optional(
    record<Violation>({
      oracle: text({ charactersMax: 64 }),
      step: whole({ min: 0 }),
      facts: text({ charactersMax: 4_096 }),
    }),
  ),
});
