// SPDX-License-Identifier: Apache-2.0
import type { CheckIn, CheckInAnswer } from '../gateway/check-in.ts';
import type { PermitAnswer, PermitRequest } from '../gateway/permit.ts';
import type { Report } from '../gateway/report.ts';
import type { Bytes, Sha256 } from '../kernel/ids.ts';
import type { Result } from '../kernel/result.ts';
import type { FleetInstant } from '../kernel/time.ts';
import type { Image } from '../release/release.ts';
import type { Artifact } from '../delta/delta.ts';

export type SlotName = 'a' | 'b';

/** The servers, as the device sees them. A fault of the network is a value; the caller retries with back-off. */
export interface Network {
  checkIn(checkIn: CheckIn): Promise<Result<CheckInAnswer, NetworkError>>;
  askPermit(request: PermitRequest): Promise<Result<PermitAnswer, NetworkError>>;
  /** Resolves once the server has the report on disk. */
  sendReport(report: Report): Promise<Result<'acknowledged', NetworkError>>;
  /** Bytes of a blob from `start` on; the caller cuts at the promised length. */
  fetchBlob(digest: Sha256, start: number): AsyncIterable<Uint8Array>;
}

export interface NetworkError {
  readonly code: 'network-unreachable' | 'server-refused' | 'answer-malformed';
  readonly detail: string;
}

/**
 * Where an update lives on the device: a staging area that survives cuts, and two slots. The real one is
 * `adapters/device/file-slots.ts`; the simulator has one in memory; a simulated device only hashes.
 */
export interface Storage {
  /** The journal: the last record that was wholly written, or undefined on a new device. */
  loadJournal(): Promise<string | undefined>;
  /** Atomically replaces the journal; durable when it returns. */
  storeJournal(text: string): Promise<void>;
  /** Bytes of this blob already staged and durable. */
  stagedBytes(digest: Sha256): Promise<number>;
  /** Appends to the staged blob; durable when it returns. */
  stage(digest: Sha256, chunks: AsyncIterable<Uint8Array>, bytesMax: Bytes): Promise<Result<number, StorageError>>;
  /** Whether the staged blob is whole and matches its digest; a wrong one is discarded. */
  verifyStaged(digest: Sha256): Promise<boolean>;
  /**
   * Writes an image into the inactive slot, block by block, each checked against the block list before it is written and
   * the whole against the image digest at the end; durable when it returns. Does not change what boots.
   */
  install(component: string, image: Image, artifact: Artifact, blocksDigest: Sha256): Promise<Result<SlotName, StorageError>>;
  discardStaged(): Promise<void>;
  /** Digests of what each slot holds, per component, as far as they verified. */
  slotContents(): Promise<Readonly<Record<SlotName, SlotContent | undefined>>>;
}

export interface SlotContent {
  readonly version: string;
  readonly releaseCounter: number;
  readonly components: readonly { readonly name: string; readonly digest: Sha256 }[];
}

export interface StorageError {
  readonly code: 'disk-full' | 'disk-failed' | 'digest-mismatch' | 'too-long' | 'delta-corrupt' | 'base-mismatch';
  readonly detail: string;
}

/** The boot chooser: one slot is confirmed, another may be on trial with a number of tries left. */
export interface Boot {
  state(): Promise<BootState>;
  /** Names what the slot holds and arms it for a trial of `tries` boots; atomic. */
  arm(slot: SlotName, content: SlotContent, tries: number): Promise<void>;
  /** Makes the running trial permanent; atomic. */
  confirm(): Promise<void>;
  /** Restarts the device: the chooser picks a slot, takes one try, and the agent starts anew in it. */
  reboot(): Promise<void>;
}

export interface BootState {
  /** The slot that is running now. */
  readonly running: SlotName;
  readonly confirmed: SlotName;
  readonly trial?: { readonly slot: SlotName; readonly triesLeft: number };
  readonly contents: Readonly<Record<SlotName, SlotContent | undefined>>;
  readonly bootCount: number;
}

/** The health check of the running slot: must not need the network. */
export interface Health {
  check(): Promise<{ readonly isHealthy: boolean; readonly detail: string }>;
}

/** Whether the device may download and install now: battery, parked, window, consent. */
export interface Readiness {
  mayDownload(now: FleetInstant): boolean;
  /** The earliest instant at which it would ask for the permit, now or later. */
  readyAt(now: FleetInstant): FleetInstant;
}
