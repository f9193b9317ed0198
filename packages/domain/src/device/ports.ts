// SPDX-License-Identifier: Apache-2.0
import type { Artifact } from '../delta/delta.ts';
import type { CheckIn, CheckInAnswer } from '../gateway/check-in.ts';
import type { RunningComponent } from '../gateway/device-record.ts';
import type { PermitAnswer, PermitRequest } from '../gateway/permit.ts';
import type { Report } from '../gateway/report.ts';
import type { TpmQuote } from '../gateway/tpm-quote.ts';
import type { Bytes, ReleaseCounter, Sha256 } from '../kernel/ids.ts';
import type { Result } from '../kernel/result.ts';
import type { DurationMs, FleetInstant } from '../kernel/time.ts';
import type { Image } from '../release/release.ts';
import type { MetadataSource, MetadataStore } from '../trust/tuf/ports.ts';

/** One of the two places that can hold a bundle. */
export type SlotName = 'a' | 'b';

/** The servers, as the device sees them. A fault of the network is a value; the device tries again with back-off. */
export interface Network {
  checkIn(checkIn: CheckIn): Promise<Result<CheckInAnswer, NetworkError>>;
  askPermit(request: PermitRequest): Promise<Result<PermitAnswer, NetworkError>>;
  /** Resolves once the server has the report on disk. */
  sendReport(report: Report): Promise<Result<'acknowledged', NetworkError>>;
  /** Bytes of a blob from `start` on; the caller cuts at the promised length. Throws DownloadCut where it breaks off. */
  fetchBlob(digest: Sha256, start: number): AsyncIterable<Uint8Array>;
  /** Documents of the repositories; absent where a device pins keys alone. */
  readonly fetchMetadata?: MetadataSource['fetchMetadata'];
}

/** Why a message had no usable answer: nobody there (also 429 and 5xx), refused for good (4xx), or not understood. */
export interface NetworkError {
  readonly code: 'network-unreachable' | 'server-refused' | 'answer-malformed';
  readonly detail: string;
  /** How long the server asked to be left alone (Retry-After); absent: it did not say. */
  readonly retryAfterMs?: DurationMs;
}

/**
 * Where an update lives on the device: a journal, a staging area that survives cuts, and two slots. Adapters:
 * `adapters/device/file-storage.ts`, `testkit/memory-storage.ts`, `testkit/hashing-storage.ts` (hashes, keeps nothing).
 */
export interface Storage extends MetadataStore {
  /** The journal: the last record that was wholly written, or undefined on a new device. */
  loadJournal(): Promise<string | undefined>;
  /** Replaces the journal, all or nothing; durable when it returns. */
  storeJournal(text: string): Promise<void>;
  /** Bytes of this blob already staged and durable. */
  stagedBytes(digest: Sha256): Promise<number>;
  /**
   * Appends to the staged blob and answers its length; durable when it returns. Takes at most what is missing to
   * `bytesMax` and refuses what goes beyond. When the source throws, what came before is made durable and the fault is
   * thrown on. Codes: too-long, disk-full, disk-failed.
   */
  stage(digest: Sha256, chunks: AsyncIterable<Uint8Array>, bytesMax: Bytes): Promise<Result<number, StorageError>>;
  /** Whether the staged blob is whole and has its digest; a wrong one is discarded. */
  verifyStaged(digest: Sha256): Promise<boolean>;
  /**
   * Writes one image into a slot from staged blobs and, for a delta, the other slot: each block is checked against the
   * signed block list before it is written, and the whole against its digest at the end. Durable when it returns; may be
   * repeated after a cut. Does not change what boots. Codes: all of StorageError.
   */
  install(order: InstallOrder): Promise<Result<'installed', StorageError>>;
  /** Hashes what a slot holds now: the truth, where the boot chooser only remembers. */
  verifySlot(slot: SlotName): Promise<readonly ComponentDigest[]>;
  /** Frees the staging area. */
  discardStaged(): Promise<void>;
}

/** One image to be written: into which slot, from which artifact. */
export interface InstallOrder {
  /** Never the running one, never the confirmed one; the other slot is the base of a delta. */
  readonly slot: SlotName;
  readonly component: string;
  readonly image: Image;
  readonly artifact: Artifact;
}

/** Which bytes a component holds. */
export interface ComponentDigest {
  readonly name: string;
  readonly digest: Sha256;
}

/** What the boot chooser remembers of a slot since it was armed. */
export interface SlotContent {
  readonly version: string;
  readonly releaseCounter: ReleaseCounter;
  readonly components: readonly RunningComponent[];
}

/** Why the storage could not do it. */
export interface StorageError {
  readonly code: 'disk-full' | 'disk-failed' | 'digest-mismatch' | 'too-long' | 'delta-corrupt' | 'base-mismatch';
  readonly detail: string;
}

/** The boot chooser: one slot is confirmed, the other may be on trial with a number of tries left. */
export interface Boot {
  state(): Promise<BootState>;
  /** Names what the slot holds and arms it for a trial of `tries` boots; all or nothing, durable when it returns. */
  arm(slot: SlotName, content: SlotContent, tries: number): Promise<void>;
  /** Makes the running trial permanent; all or nothing, durable when it returns. */
  confirm(): Promise<void>;
  /** Restarts the device: the chooser picks a slot and takes one try of a trial; the agent starts anew in it. */
  reboot(): Promise<void>;
}

/** What the chooser holds. */
export interface BootState {
  /** The slot that is running now. */
  readonly running: SlotName;
  readonly confirmed: SlotName;
  readonly trial?: { readonly slot: SlotName; readonly triesLeft: number };
  readonly contents: Readonly<Record<SlotName, SlotContent | undefined>>;
  readonly bootCount: number;
}

/** The health check of the running slot: must not need the network, or an outage would become a wave of reverts. */
export interface Health {
  check(): Promise<HealthVerdict>;
}

/** What the health check found; `detail` ends with the tail of what it printed. */
export interface HealthVerdict {
  readonly isHealthy: boolean;
  readonly detail: string;
}

/** Whether the device may download and install now: battery, parked, maintenance window, consent. */
export interface Readiness {
  mayDownload(now: FleetInstant): boolean;
  /** The earliest instant at which it would ask for the permit, now or later. */
  readyAt(now: FleetInstant): FleetInstant;
}

/** A TPM 2.0 with an attestation key. Adapter: `adapters/device/tpm-program.ts` over tpm2-tools. */
export interface Tpm {
  /** Its word about its registers, with this hash in it; `detail` says what went wrong, for people. */
  quote(qualifyingData: Sha256): Promise<Result<TpmQuote, { readonly detail: string }>>;
}
