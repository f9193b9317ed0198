// SPDX-License-Identifier: Apache-2.0
import { below, type Prng } from '@outrider/domain/kernel/prng';

/** What befalls the servers around a pause. `gateway` is an index; times in milliseconds from when the pause is asked for. */
export type Fault =
  /** SIGSTOP, and SIGCONT after a while. */
  | { readonly kind: 'frozen'; readonly gateway: number; readonly atMs: number; readonly forMs: number }
  /** A gateway freezes itself when the answer to a statement has come: between the lock and its own answer. */
  | {
      readonly kind: 'frozen-at';
      readonly gateway: number;
      readonly point: string;
      readonly skip: number;
      readonly forMs: number;
    }
  /** The control plane freezes itself in the midst of its change, or after it. */
  | { readonly kind: 'control-frozen-at'; readonly point: string; readonly skip: number; readonly forMs: number }
  /** The network between a gateway and its database: every connection breaks, or nothing arrives any more. */
  | {
      readonly kind: 'partition';
      readonly gateway: number;
      readonly how: 'cut' | 'silent';
      readonly atMs: number;
      readonly forMs: number;
    }
  /** The same for all gateways of the second region at once. */
  | { readonly kind: 'region-partition'; readonly how: 'cut' | 'silent'; readonly atMs: number; readonly forMs: number }
  | {
      readonly kind: 'notices';
      readonly gateway: number;
      readonly isDropping: boolean;
      readonly delayMs: number;
      readonly forMs: number;
    }
  | { readonly kind: 'clock'; readonly server: number | 'control'; readonly aheadMs: number; readonly forMs: number }
  /** kill -9 of PostgreSQL, which is started again. */
  | { readonly kind: 'database'; readonly atMs: number };

/** Awaits of a gateway: the commit of permits, the reads that give the right to offer, reads and writes about devices. */
const GATEWAY_POINTS = [
  'grant_permits',
  'policy_entry_document',
  'exposure_document',
  'from device',
  'note_contacts',
  'update device',
];
/** Awaits of a pause, in its order: from before the first lock to after the commit, and the reading of the receipt. */
const CONTROL_POINTS = [
  'policy_head for update',
  'insert into policy_log',
  'update policy_head',
  'insert into permit_gate',
  'from audit_head for update',
  'update audit_head',
  'commit',
  'permit_ends_at',
];

/** Each kind as often as its weight says; the rest of the rounds have no fault but what still lasts from others. */
const WEIGHTS: Readonly<Record<Fault['kind'], number>> = {
  frozen: 6,
  'frozen-at': 8,
  'control-frozen-at': 2,
  partition: 5,
  'region-partition': 2,
  notices: 4,
  clock: 4,
  database: 1,
};
/** One round in three has none of its own, one in three two. */
const FAULTS_MAX = 2;

/** The same seed draws the same faults. */
export function drawFaults(source: Prng, gatewayCount: number): readonly Fault[] {
  return Array.from({ length: below(source, FAULTS_MAX + 1) }, () => draw(source, gatewayCount));
}

function draw(source: Prng, gatewayCount: number): Fault {
  const kind = kindOf(source);
  const gateway = below(source, gatewayCount);
  const atMs = below(source, 800) - 400;
  const forMs = 1_000 + below(source, 9_001);
  switch (kind) {
    case 'frozen':
      return { kind, gateway, atMs, forMs };
    case 'frozen-at':
      return { kind, gateway, point: pick(source, GATEWAY_POINTS), skip: below(source, 3), forMs };
    case 'control-frozen-at':
      return { kind, point: pick(source, CONTROL_POINTS), skip: 0, forMs: 1_000 + below(source, 2_000) };
    case 'partition':
      return { kind, gateway, how: pick(source, ['cut', 'silent']), atMs, forMs };
    case 'region-partition':
      return { kind, how: pick(source, ['cut', 'silent']), atMs, forMs };
    case 'notices':
      return { kind, gateway, isDropping: below(source, 2) === 0, delayMs: 500 + below(source, 8_000), forMs };
    case 'clock': {
      const size = pick(source, [60_000, 3_600_000, 2 * 86_400_000, 400 * 86_400_000]);
      const server = below(source, 5) === 0 ? 'control' : gateway;
      return { kind, server, aheadMs: below(source, 2) === 0 ? size : -size, forMs };
    }
    case 'database':
      return { kind, atMs };
  }
}

function pick<const T>(source: Prng, all: readonly T[]): T {
  const one = all[below(source, all.length)];
  if (one === undefined) throw new RangeError('Nothing to pick from');
  return one;
}

function kindOf(source: Prng): Fault['kind'] {
  const entries = Object.entries(WEIGHTS) as [Fault['kind'], number][];
  let rest = below(
    source,
    entries.reduce((sum, [, weight]) => sum + weight, 0),
  );
  for (const [kind, weight] of entries) {
    if (rest < weight) return kind;
    rest -= weight;
  }
  return 'frozen';
}
