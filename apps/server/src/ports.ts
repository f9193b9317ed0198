// SPDX-License-Identifier: Apache-2.0
import type { ServerStore } from '@outrider/domain/decision/server-store';
import type { DeviceCa, FactoryCas } from '@outrider/domain/gateway/identity-ports';
import type { BlobStore } from '@outrider/domain/gateway/ports';
import type { LoadLimits } from '@outrider/domain/gateway/shedding';
import type { FleetClock, MachineClock } from '@outrider/domain/kernel/clock';
import type { ClockHold, StoredClock } from '@outrider/domain/kernel/clock-guard';
import type { Sha256 } from '@outrider/domain/kernel/ids';
import type { DurationMs, FleetInstant, MachineInstant } from '@outrider/domain/kernel/time';
import type { PolicyNotices } from '@outrider/domain/policy/ports';
import type { DigestText, SignatureVerifier, Signer } from '@outrider/domain/trust/ports';
import type { SigningRole } from '@outrider/domain/trust/role';
import type { MetadataSigner, MetadataStore, TrustTools } from '@outrider/domain/trust/tuf/ports';
import type { HashKey } from './gateway/id-hash.ts';

/** What a server is for: devices and people both, or one of them; a gateway never decides. */
export type ServerRole = 'all' | 'gateway' | 'control';

/** How long what is taken up now may have waited for its turn; see `adapters/shared/loop-turns.ts`. */
export interface LoopTurns {
  enter(): { readonly countInTurn: number; readonly waitedMs: number; readonly workMs: number };
}

/** Everything the server needs of the world. The simulator hands over its own; the server itself has none. */
export interface ServerPorts {
  readonly store: ServerStore;
  readonly blobs: BlobStore;
  /** Drawn at the start: keeps whoever names devices from naming them so that they meet in a table. Absent: a fixed one. */
  readonly hashKey?: HashKey;
  /** Absent: all. */
  readonly role?: ServerRole;
  /** By which the store's lease knows this server over its restarts; absent where the store has none. */
  readonly instanceId?: string;
  /** Says when the policy is to be read before it is time; absent: only the time says so. */
  readonly notices?: PolicyNotices;
  readonly fleetClock: FleetClock;
  readonly machineClock: MachineClock;
  readonly schedule: Schedule;
  /** The online key that signs permits; its public half is pinned by devices at registration. */
  readonly permitSigner: Signer;
  readonly verifier: SignatureVerifier;
  readonly digestText: DigestText;
  /** Who must sign a release; undefined while no role is installed, and nothing can be published then. */
  readonly loadReleaseRole: () => Promise<SigningRole | undefined>;
  /** Who approves what the rule would not do by itself; absent or undefined: nobody, and nothing is approved. */
  readonly loadApproverRole?: () => Promise<SigningRole | undefined>;
  /** SHA-256 of the token that new devices must show; the token itself is not kept in memory. */
  readonly registrationTokenDigest: Sha256;
  /** The online CA for devices; absent: there is none, and devices sign their requests. */
  readonly deviceCa?: DeviceCa;
  /** Factories whose certificates let a device register; absent: none. */
  readonly factoryCas?: FactoryCas;
  /** Where devices reach the server through a proxy; absent: as they call it. Links of DDI lead there. */
  readonly publicUrl?: string;
  /** The tenant in the paths of DDI clients; absent: `DEFAULT`, as hawkBit has it. */
  readonly ddiTenant?: string;
  /** Moves fleet time, in a conducted installation only. */
  readonly conductor?: Conductor;
  /** Whether fleet time can be trusted; absent where a conductor sets it. */
  readonly clockWatch?: ClockWatch;
  /** Where the image repository and the director lie; absent: the installation has none, and devices pin keys alone. */
  readonly repositories?: RepositoryPorts;
  readonly log: Log;
  /** When a gateway counts as full; absent: `LOAD_LIMITS`. */
  readonly loadLimits?: LoadLimits;
  /** The turns of the event loop; absent where several servers share one, as in the simulator. */
  readonly loopTurns?: LoopTurns;
  /** How the process itself is; absent where nobody looks, as in the simulator. */
  readonly hostVitals?: () => HostVitals;
  /** Where spans go; absent: no traces are made, and nothing is paid for them. */
  readonly spanSink?: SpanSink;
  /** Room on the disk of the data folder; absent where there is none. */
  readonly diskSpace?: () => Promise<DiskSpace>;
}

/** The documents of both repositories, and the keys that the server signs with by itself. */
export interface RepositoryPorts {
  readonly files: MetadataStore;
  /** Undefined before the ceremony that makes them; read anew in each round, so that one that was replaced is seen. */
  readonly loadKeys: () => Promise<OnlineKeys | undefined>;
  /** Absent: those of production. */
  readonly tools?: TrustTools;
}

/** Keys at the server, so that whoever takes the server has them: none of them can name an image. */
export interface OnlineKeys {
  readonly snapshot: MetadataSigner;
  readonly timestamp: MetadataSigner;
  readonly director: MetadataSigner;
}

export interface DiskSpace {
  /** What this process may still write. */
  readonly freeBytes: number;
}

/** What a process can tell of itself. */
export interface HostVitals {
  /** How late the event loop came to its turns in the last minute: of a hundred turns the second latest. */
  readonly eventLoopLagP99Ms: number;
  readonly memoryBytes: number;
}

/** Work that is due later. Production: timers. The simulator: the next idle turn of the event loop. */
export interface Schedule {
  /** Runs `work` once, after about `delayMs` of machine time, never within this call. */
  after(delayMs: DurationMs, work: () => void): Cancel;
}

export type Cancel = () => void;

/** Sets fleet time; answers false, and changes nothing, when the instant is earlier than the current one. */
export interface Conductor {
  stepTo(instant: FleetInstant): boolean;
}

/** Looks after a fleet clock that the world sets: see `domain/kernel/clock-guard.ts`. */
export interface ClockWatch {
  /** Why fleet time is not the wall clock's; undefined while it is. Nothing widens during a hold. */
  hold(): ClockHold | undefined;
  /** A person vouches for the wall clock. */
  accept(): void;
  /** What the next start must know. */
  stored(): StoredClock;
}

/** Structured log: a line of JSON each. `stage` is a stage's name or `server`; `code` never changes, texts may. */
export interface Log {
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
  /** What happens with every request; absent unless somebody asked for it, so that it costs nothing. */
  debug?(fields: LogFields, message: string): void;
  /** From now on a text with one of these SHA-256 digests, a token, is never written. */
  hide?(digests: readonly Sha256[]): void;
}

export interface LogFields {
  readonly stage: 'release' | 'delta' | 'policy' | 'gateway' | 'evidence' | 'decision' | 'server';
  readonly code: string;
  readonly [field: string]: unknown;
}

/** Takes spans that have ended, and says which traces are kept. Spans are lost when nobody takes them; nothing waits. */
export interface SpanSink {
  now(): MachineInstant;
  newTraceId(): string;
  newSpanId(): string;
  /** By the trace id alone, so that every server says the same about a trace. */
  isSampled(traceId: string): boolean;
  record(span: EndedSpan): void;
}

/** What happened from one instant to another, as part of a trace. */
export interface EndedSpan {
  readonly name: string;
  readonly kind: 'server' | 'internal';
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly beganAt: MachineInstant;
  readonly endedAt: MachineInstant;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly isError: boolean;
}
