// SPDX-License-Identifier: Apache-2.0
import type { CommittedPermit } from './permits-in-tables.ts';
import type { PauseResults, Round } from './play-rounds.ts';
import type { Told } from './traffic.ts';

/** What was found over all rounds; every count of what must not be is zero when the promise holds. */
export interface Findings {
  /** Permits that committed between the commit of a pause and that of its end. */
  readonly permitsCommittedInPause: number;
  /** Permits told to devices that asked after the receipt had come. */
  readonly permitsToldInPause: number;
  /** Offers to devices that asked later than three seconds after the pause had committed. */
  readonly offersMadeLate: number;
  /** Offers that came later than five seconds after, whenever they had been asked for. */
  readonly offersHeardLate: number;
  /** Devices with a permit of before the pause that its receipt does not name. */
  readonly holdersMissing: number;
  /** Permits in receipts that are in no table. */
  readonly holdersInvented: number;
  readonly holdersNamed: number;
  /** Permits that committed in the half second before a pause: what was at stake. */
  readonly permitsAtStake: number;
  readonly offersAtStake: number;
  readonly refusedInPause: number;
  readonly roundsWithoutCommit: number;
}

/** How long a read lets a gateway offer, and when the last offer must have come (design/gateway.md). */
const RIGHT_MS = 3_000;
const LAST_OFFER_MS = 5_000;
const AT_STAKE_MS = 500;

export function findingsOf(results: PauseResults): Findings {
  const sums = results.rounds.map((round) => findingsIn(round, results));
  const keys = Object.keys(sums[0] ?? {}) as (keyof Findings)[];
  return Object.fromEntries(
    keys.map((key) => [key, sums.reduce((sum, one) => sum + one[key], 0)]),
  ) as unknown as Findings;
}

function findingsIn(round: Round, results: PauseResults): Findings {
  const { changes } = results.committed;
  const pausedUs = changes.find(({ reason }) => reason === `pause of ${round.name}`)?.committedUs;
  const resumedUs = changes.find(({ reason }) => reason === `end of ${round.name}`)?.committedUs;
  const seen = seenIn(round, results);
  if (pausedUs === undefined || resumedUs === undefined || seen === undefined) {
    return { ...NOTHING, roundsWithoutCommit: 1 };
  }
  const { own, heard, holders, named } = seen;
  const inPause = heard.filter(({ askedAt, heardAt }) => askedAt > round.returnedAt && heardAt < round.resumeAskedAt);
  const offers = heard.filter(({ what, heardAt }) => what === 'offer' && heardAt < round.resumeAskedAt);
  const pausedAt = pausedUs / 1_000;
  return {
    permitsCommittedInPause: own.filter(({ committedUs }) => committedUs > pausedUs && committedUs < resumedUs).length,
    permitsToldInPause: inPause.filter(({ what }) => what === 'permit').length,
    offersMadeLate: offers.filter(({ askedAt }) => askedAt > pausedAt + RIGHT_MS).length,
    offersHeardLate: offers.filter(({ heardAt }) => heardAt > pausedAt + LAST_OFFER_MS).length,
    holdersMissing: missingIn(seen).length,
    holdersInvented: [...named].filter((one) => !holders.has(one)).length,
    holdersNamed: named.size,
    permitsAtStake: own.filter(
      ({ committedUs }) => committedUs <= pausedUs && committedUs > pausedUs - AT_STAKE_MS * 1_000,
    ).length,
    offersAtStake: offers.filter(({ heardAt }) => heardAt > pausedAt - AT_STAKE_MS && heardAt <= pausedAt).length,
    refusedInPause: inPause.filter(({ what }) => what === 'not-yet' || what === 'refusal').length,
    roundsWithoutCommit: 0,
  };
}

/** What concerns the scope of one round. */
interface Seen {
  readonly own: readonly CommittedPermit[];
  readonly heard: readonly Told[];
  readonly receiptUs: number;
  /** Permits at the commit of the receipt's revision: by the tables, and by what devices had been told before they were paused. */
  readonly holders: ReadonlySet<string>;
  readonly named: ReadonlySet<string>;
}

/** Undefined: the receipt names a revision that the policy log does not have. */
function seenIn(round: Round, { told, committed }: PauseResults): Seen | undefined {
  const receiptUs = committed.changes.find(({ revision }) => revision === round.revision)?.committedUs;
  if (receiptUs === undefined) return undefined;
  const own = committed.permits.filter((one) => isIn(round, one));
  const heard = told.filter((one) => isIn(round, one));
  const inHands = heard.filter(({ what, heardAt }) => what === 'permit' && heardAt < round.askedAt);
  const holders = new Set([
    ...own.filter(({ committedUs }) => committedUs <= receiptUs).map(({ permitId }) => permitId),
    ...inHands.flatMap(({ permitId }) => permitId ?? []),
  ]);
  return { own, heard, receiptUs, holders, named: new Set(round.openPermitIds) };
}

function missingIn({ holders, named }: Seen): readonly string[] {
  return [...holders].filter((one) => !named.has(one));
}

/** Permits in the hands of devices that no transaction has committed: each must be durable before it leaves. */
export function toldWithoutRow({ told, committed }: PauseResults): number {
  const rows = new Set(committed.permits.map(({ permitId }) => permitId));
  const ids = new Set(told.flatMap(({ permitId }) => permitId ?? []));
  return [...ids].filter((one) => !rows.has(one)).length;
}

/** A line for each holder that a receipt did not name, with all that is known of it: what a person needs to find out why. */
export function missingHolders(results: PauseResults): readonly string[] {
  return results.rounds.flatMap((round) => {
    const seen = seenIn(round, results);
    if (seen === undefined) return [];
    const { name, scope, tries, askedAt, returnedAt } = round;
    const about = {
      name,
      scope,
      tries,
      askedAt,
      returnedAt,
      receiptAt: seen.receiptUs / 1_000,
      named: seen.named.size,
    };
    return missingIn(seen).map((permitId) => {
      const [committed, told] = [seen.own, seen.heard].map((rows) => rows.filter((one) => one.permitId === permitId));
      return `Not named: ${JSON.stringify({ permitId, ...about, committed, told })}`;
    });
  });
}

function isIn({ scope }: Round, { rolloutId, region }: Pick<CommittedPermit, 'rolloutId' | 'region'>): boolean {
  return scope === 'global' || scope === `region:${region}` || scope === `rollout:${rolloutId}`;
}

const NOTHING: Findings = {
  permitsCommittedInPause: 0,
  permitsToldInPause: 0,
  offersMadeLate: 0,
  offersHeardLate: 0,
  holdersMissing: 0,
  holdersInvented: 0,
  holdersNamed: 0,
  permitsAtStake: 0,
  offersAtStake: 0,
  refusedInPause: 0,
  roundsWithoutCommit: 0,
};
