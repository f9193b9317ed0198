// SPDX-License-Identifier: Apache-2.0
import type { CrashLog } from '@outrider/domain/device/crash-log';
import type {
  HeldCharter,
  HeldPermit,
  HeldWave,
  Installed,
  Journal,
  QueuedReport,
  Update,
  UpdatePart,
} from '@outrider/domain/device/state';
import { CRASHES_MAX } from '@outrider/domain/gateway/crash-history';
import { ok, type Result } from '@outrider/domain/kernel/result';
import type { Floors } from '@outrider/domain/release/floors';
import type { Image } from '@outrider/domain/release/release';
import { artifact } from '../gateway/check-in.ts';
import { reportedState, runningSoftware } from '../gateway/device-record.ts';
import { permitDocument } from '../gateway/permit.ts';
import { report } from '../gateway/report.ts';
import { versionManifest } from '../gateway/version-manifest.ts';
import { encodeJson, parseText } from '../kernel/json-text.ts';
import { COMPONENTS_MAX, DETAIL_CHARACTERS_MAX, DOCUMENT_BYTES_MAX } from '../kernel/limits.ts';
import type { ParseError } from '../kernel/parse-error.ts';
import { bool, listOf, literal, oneOf, optional, record, text, whole } from '../kernel/reader.ts';
import {
  bytes,
  deviceId,
  epoch,
  instant,
  label,
  permitId,
  releaseCounter,
  releaseId,
  rolloutId,
  sha256,
} from '../kernel/values.ts';
import { WAVES_MAX } from '../policy/rollout-plan.ts';

/** Writes the journal of a device: what its agent stores before each effect. */
export function encodeJournal(journal: Journal): string {
  return encodeJson(journal);
}

/**
 * The same text for one journal after another of one device, as an agent stores them: a member that is the very value it was
 * before is not written again. Journals are immutable values, so that the same object is the same text.
 */
export function journalWriter(): (journal: Journal) => string {
  const values: unknown[] = [];
  const texts: string[] = [];
  return (journal) => {
    let written = '';
    for (let index = 0; index < MEMBERS.length; index++) {
      const name = MEMBERS[index] as keyof Journal;
      const value = journal[name];
      if (value === undefined) continue;
      if (values[index] !== value) {
        values[index] = value;
        texts[index] = encodeJson({ [name]: value }).slice(1, -1);
      }
      written += written === '' ? texts[index] : `,${texts[index]}`;
    }
    return `{${written}}`;
  };
}

/** In the order of canonical JSON; a member that is forgotten here is a compile error. */
const MEMBERS = Object.keys({
  crashes: true,
  deviceId: true,
  faultCount: true,
  floors: true,
  installed: true,
  nextPollAt: true,
  phase: true,
  quietUntil: true,
  reason: true,
  refusalTold: true,
  reports: true,
  revertedCounters: true,
  schema: true,
  sequence: true,
  staging: true,
  timeFloor: true,
  update: true,
} satisfies Record<keyof Journal, true>).sort();

/** Reads a journal. One that a later agent wrote, with another schema, is malformed to this one. Code: body-malformed. */
export function parseJournal(body: string): Result<Journal, ParseError> {
  return parseText(body, { noun: 'journal', bytesMax: DOCUMENT_BYTES_MAX, reader: journal });
}

/** More than the agent ever queues (domain/device/report-queue) or remembers (domain/device/trial). */
const QUEUE_MAX = 64;
/** Artifact and block list of each component. */
const STAGING_MAX = 2 * COMPONENTS_MAX;

const slotName = oneOf(['a', 'b']);
const count = whole({ min: 0 });

const heldPermit = record<HeldPermit>({ document: permitDocument, askedAt: instant, timeFloor: optional(instant) });

const part = record<UpdatePart>({
  component: label,
  image: record<Image>({ digest: sha256, bytes, blockBytes: bytes, blocksDigest: sha256 }),
  artifact,
});

const heldCharter = record<HeldCharter>({
  sha256,
  issuedAt: instant,
  expiresAt: instant,
  waves: listOf(record<HeldWave>({ notBefore: instant, isSigned: bool, isMine: bool }), { countMax: WAVES_MAX }),
});

const floors = record<Floors>({ security: optional(releaseCounter), migration: optional(releaseCounter) });

const update = record<Update>({
  rolloutId,
  releaseId,
  isRollback: bool,
  epoch,
  content: runningSoftware,
  parts: listOf(part, { countMin: 1, countMax: COMPONENTS_MAX }),
  slot: slotName,
  way: oneOf(['fetch', 'try-switch', 'switch']),
  isStaged: bool,
  isWritten: bool,
  askAt: instant,
  permit: optional(heldPermit),
  charter: optional(heldCharter),
  floors: optional(floors),
});

const installed = record<Installed>({
  rolloutId,
  releaseId,
  permitId,
  slot: slotName,
  releaseCounter,
  isVerified: bool,
  trialLog: text({ charactersMax: DETAIL_CHARACTERS_MAX }),
});

/** The report as it will leave, beside what will be signed with it. */
function queuedReport(value: unknown): Result<QueuedReport, ParseError> {
  const read = report(value);
  if (!read.ok) return read;
  const beside = besideReport(value);
  return beside.ok ? ok({ ...read.value, ...beside.value }) : beside;
}

const besideReport = record<Pick<QueuedReport, 'claim'>>({ claim: optional(versionManifest) });

const journal = record<Journal>({
  schema: literal(1),
  deviceId,
  phase: reportedState,
  reason: text({ charactersMax: DETAIL_CHARACTERS_MAX }),
  sequence: count,
  nextPollAt: instant,
  quietUntil: instant,
  faultCount: count,
  update: optional(update),
  installed: optional(installed),
  reports: listOf(queuedReport, { countMax: QUEUE_MAX }),
  staging: listOf(sha256, { countMax: STAGING_MAX }),
  revertedCounters: listOf(releaseCounter, { countMax: QUEUE_MAX }),
  timeFloor: optional(instant),
  floors: optional(floors),
  refusalTold: optional(text({ charactersMax: DETAIL_CHARACTERS_MAX })),
  crashes: optional(record<CrashLog>({ since: instant, at: listOf(instant, { countMax: CRASHES_MAX }) })),
});
