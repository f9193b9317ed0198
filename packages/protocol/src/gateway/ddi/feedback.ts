// SPDX-License-Identifier: Apache-2.0
import type { DdiExecution, DdiFeedback, DdiFinished } from '@outrider/domain/gateway/ddi/action-table';
import { COMPLAINTS_MAX, type DdiStep } from '@outrider/domain/gateway/ddi/ddi-device';
import type { TellMode } from '@outrider/domain/gateway/ddi/told-attributes';
import { ok, type Result } from '@outrider/domain/kernel/result';
import { parseText } from '../../kernel/json-text.ts';
import { COMPLAINT_CHARACTERS_MAX, DETAIL_CHARACTERS_MAX } from '../../kernel/limits.ts';
import type { ParseError } from '../../kernel/parse-error.ts';
import { keyOf, listOf, oneOf, optional, type Reader, record } from '../../kernel/reader.ts';
import { toldData } from './ddi-device.ts';

/**
 * Largest feedback: SWUpdate sends every line it logged during an installation, and an answer other than 200 blocks its
 * installation for ever. So many bytes are ten thousand lines.
 */
export const FEEDBACK_BYTES_MAX = 1_048_576;

/** Reads the body of a feedback: of the details, as many as there are, what a report holds. Code: body-malformed. */
export function parseDdiFeedback(body: string): Result<DdiFeedback, ParseError> {
  const read = parseText(body, { noun: 'feedback', bytesMax: FEEDBACK_BYTES_MAX, reader: feedback });
  if (!read.ok) return read;
  const { execution, result, details = [] } = read.value.status;
  const lines = details.map((line) => line.replace(/[\0\p{Surrogate}]/gu, ' ').trim()).filter((line) => line !== '');
  const complaints = lines
    .filter((line) => SOUNDS_WRONG.test(line))
    .slice(0, COMPLAINTS_MAX)
    .map((line) => storable(line.slice(0, COMPLAINT_CHARACTERS_MAX)));
  const finished = result?.finished ?? 'none';
  const step = execution === 'proceeding' && finished === 'none' ? stepOf(lines) : undefined;
  const told = { execution, finished, detail: detailOf(lines, complaints[0]), complaints };
  return ok(step === undefined ? told : { ...told, step });
}

/**
 * The very words of SWUpdate, from its first client for hawkBit to that of 2026. Its progress says as much in numbers, but other
 * clients count downloads in them, and whoever is taken to have installed something is not told to stop.
 */
function stepOf(lines: readonly string[]): DdiStep | undefined {
  if (lines.includes('All Chunks Installed.')) return 'installed';
  return lines.includes('Installing Update Chunk Artifacts.') ? 'begun' : undefined;
}

/** What a device tells of itself, and how it changes what it told before. */
export interface ConfigData {
  readonly mode: TellMode;
  readonly data: Readonly<Record<string, string>>;
}

/** Reads the body of `PUT .../configData`. Code: body-malformed. */
export function parseConfigData(body: string): Result<ConfigData, ParseError> {
  const read = parseText(body, { noun: 'config-data', bytesMax: FEEDBACK_BYTES_MAX, reader: configData });
  return read.ok ? ok({ mode: read.value.mode ?? 'merge', data: read.value.data }) : read;
}

/** The first line that sounds like an error, for people who read one line; then the last of them, where the end is told. */
function detailOf(lines: readonly string[], complaint: string | undefined): string {
  const tail = lines.join('\n').slice(-DETAIL_CHARACTERS_MAX);
  return storable(complaint === undefined ? tail : `${complaint}\n${tail}`.slice(0, DETAIL_CHARACTERS_MAX));
}

/** A cut may go through a pair of surrogates. */
function storable(cut: string): string {
  return cut.replace(/\p{Surrogate}/gu, '');
}

const SOUNDS_WRONG = /error|fail|invalid|corrupt|denied|mismatch/i;

interface FeedbackBody {
  readonly status: {
    readonly execution: DdiExecution;
    readonly result?: { readonly finished: DdiFinished };
    readonly details?: readonly string[];
  };
}

/** Anything a JSON text may be: lines are made storable here, and are never refused for what they say. */
const line: Reader<string> = (value) => ok(typeof value === 'string' ? value : (JSON.stringify(value) ?? ''));

/** As many lines as the bytes allow. */
const DETAILS_MAX = FEEDBACK_BYTES_MAX;

const feedback = record<FeedbackBody>({
  status: record<FeedbackBody['status']>({
    execution: keyOf<DdiExecution>({
      closed: true,
      proceeding: true,
      download: true,
      downloaded: true,
      canceled: true,
      scheduled: true,
      rejected: true,
      resumed: true,
    }),
    result: optional(record<{ readonly finished: DdiFinished }>({ finished: oneOf(['success', 'failure', 'none']) })),
    details: optional(listOf(line, { countMax: DETAILS_MAX })),
  }),
});

const configData = record<{ readonly mode?: TellMode; readonly data: ConfigData['data'] }>({
  mode: optional(oneOf(['merge', 'replace', 'remove'])),
  data: toldData,
});
