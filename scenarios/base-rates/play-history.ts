// SPDX-License-Identifier: Apache-2.0
import type { HistoryCell, ReleaseHistory } from '@outrider/domain/decision/base-rates/history';
import { proposeBaseRates } from '@outrider/domain/decision/base-rates/propose';
import { lnEBase } from '@outrider/domain/decision/e-process';
import { revertsToHalt } from '@outrider/domain/decision/forecast/defect-forecast';
import { thresholdOverall, thresholdSegment } from '@outrider/domain/decision/thresholds';
import { assertNever } from '@outrider/domain/kernel/assert';
import { binomial } from '@outrider/domain/kernel/binomial';
import type { ReleaseId, SegmentId } from '@outrider/domain/kernel/ids';
import type { Prng } from '@outrider/domain/kernel/prng';
import type { Gates } from '@outrider/domain/policy/rollout';

/** A fleet whose good releases fail at these rates on average. */
export interface BaseRateWorld {
  readonly name: string;
  readonly devices: number;
  readonly revert: number;
  readonly install: number;
}

/** Where the base rates of the next plan come from. */
export type RatesOf = 'proposed' | 'default' | 'stated';

/** What the next good release met. */
export interface Crossings {
  /** A threshold of `revert` or `install` was reached, overall or in a segment. */
  readonly hasCrossed: boolean;
  readonly revertsToHalt: number;
}

/**
 * One good release makes the history, base rates are taken from it, and the next good release is judged by them every hour.
 * Only the two metrics that are tested against a rate are played: the others do not know a base rate.
 */
export function playHistory(
  world: BaseRateWorld,
  options: { readonly rates: RatesOf; readonly source: Prng; readonly gates: Gates },
): Crossings {
  const gates = gatesOf(world, options);
  const { hasCrossed } = rollOut(world, options.source.fork('next'), (counts) => isCrossed(gates, counts));
  return { hasCrossed, revertsToHalt: revertsToHalt(gates, PERMITS_ASKED) ?? PERMITS_ASKED };
}

function gatesOf(
  world: BaseRateWorld,
  { rates, source, gates }: { readonly rates: RatesOf; readonly source: Prng; readonly gates: Gates },
): Gates {
  switch (rates) {
    case 'default':
      return gates;
    case 'stated':
      // A fleet without any history.
      return withProposal(gates, []);
    case 'proposed':
      return proposedGates(world, { source, gates });
    default:
      return assertNever(rates);
  }
}

/** These gates with the base rates that the history of one good release proposes. */
export function proposedGates(
  world: BaseRateWorld,
  { source, gates }: { readonly source: Prng; readonly gates: Gates },
): Gates {
  return withProposal(gates, [rollOut(world, source.fork('before'), () => false).history]);
}

const PERMITS_ASKED = 10_000;
const SEGMENTS = [0.02, 0.04, 0.06, 0.1, 0.13, 0.15, 0.2, 0.3];
/** One segment is worse than the rest by this. */
const BAD_SEGMENT = 3;
const BAD_FACTOR = 1.5;
const SWING = 0.5;
const METRICS = ['revert', 'install'] as const;
/** Permits of the first hour, and their growth by the hour until a share of the fleet is permitted in each. */
const FIRST_HOUR = 10;
const GROWTH = 1.5;
const HOUR_SHARE_MAX = 1 / 120;

interface Counts {
  readonly open: number;
  readonly events: number;
}

/** Of each metric: by segment. */
type Evidence = Readonly<Record<(typeof METRICS)[number], readonly Counts[]>>;

interface RolledOut {
  readonly history: ReleaseHistory;
  readonly hasCrossed: boolean;
}

/** Permits hour by hour, failures an hour later, and what they look like when each hour is judged. */
function rollOut(world: BaseRateWorld, source: Prng, isStopped: (evidence: Evidence) => boolean): RolledOut {
  const cells = new Map<string, HistoryCell>();
  const evidence = { revert: SEGMENTS.map(zero), install: SEGMENTS.map(zero) };
  const startHour = Math.floor(24 * source.next());
  let permitted = 0;
  let hasCrossed = false;
  for (let hour = 0; permitted < world.devices && !hasCrossed; hour++) {
    const wanted = Math.min(FIRST_HOUR * GROWTH ** hour, HOUR_SHARE_MAX * world.devices);
    const now = Math.min(world.devices - permitted, Math.ceil(wanted));
    const hourOfDay = (startHour + hour) % 24;
    permitted += now;
    for (const [index, share] of SEGMENTS.entries()) {
      const installs = binomial(source, now, share);
      for (const metric of METRICS) {
        const events = binomial(source, installs, rateAt(world, { metric, hourOfDay, index }));
        const counts = evidence[metric][index] ?? zero();
        evidence[metric][index] = { open: counts.open + installs, events: counts.events + events };
        addCell(cells, { metric, segment: segmentAt(index), hourOfDay, installs, events });
      }
    }
    hasCrossed = isStopped(evidence);
  }
  return { history: { releaseId: 'before' as ReleaseId, cells: [...cells.values()] }, hasCrossed };
}

function rateAt(
  world: BaseRateWorld,
  at: { readonly metric: (typeof METRICS)[number]; readonly hourOfDay: number; readonly index: number },
): number {
  const bySegment = at.index === BAD_SEGMENT ? BAD_FACTOR : 1;
  return world[at.metric] * bySegment * (1 + SWING * Math.sin((2 * Math.PI * at.hourOfDay) / 24));
}

function isCrossed(gates: Gates, evidence: Evidence): boolean {
  return gates.metrics.some((gate) => {
    if (gate.kind !== 'base') return false;
    const { baseRate, weight } = gate;
    const bySegment = evidence[gate.metric];
    const all = bySegment.reduce(
      (sum, one) => ({ open: sum.open + one.open, events: sum.events + one.events }),
      zero(),
    );
    const segmentThreshold = thresholdSegment(gates.alpha, weight, SEGMENTS.length);
    return (
      lnEBase({ baseRate, ...all }) >= thresholdOverall(gates.alpha, weight) ||
      bySegment.some((one) => lnEBase({ baseRate, ...one }) >= segmentThreshold)
    );
  });
}

function withProposal(gates: Gates, history: readonly ReleaseHistory[]): Gates {
  const proposals = new Map(proposeBaseRates(history).map((one) => [one.metric, one.baseRate]));
  const metrics = gates.metrics.map((gate) =>
    gate.kind === 'base' ? { ...gate, baseRate: proposals.get(gate.metric) ?? gate.baseRate } : gate,
  );
  return { ...gates, metrics };
}

function addCell(cells: Map<string, HistoryCell>, cell: HistoryCell): void {
  const key = `${cell.metric} ${cell.segment} ${cell.hourOfDay}`;
  const former = cells.get(key);
  const { installs = 0, events = 0 } = former ?? {};
  cells.set(key, { ...cell, installs: installs + cell.installs, events: events + cell.events });
}

function segmentAt(index: number): SegmentId {
  return `segment-${index + 1}` as SegmentId;
}

function zero(): Counts {
  return { open: 0, events: 0 };
}
