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

export function findingsOf({ rounds, told, committed }: PauseResults): Findings {
  const sums = rounds.map((round) => findingsIn(round, told, committed));
  const keys = Object.keys(sums[0] ?? {}) as (keyof Findings)[];
  return Object.fromEntries(
    keys.map((key) => [key, sums.reduce((sum, one) => sum + one[key], 0)]),
  ) as unknown as Findings;
}

function findingsIn(round: Round, told: readonly Told[], { permits, changes }: PauseResults['committed']): Findings {
  const pausedUs = changes.find(({ reason }) => reason === `pause of ${round.name}`)?.committedUs;
  const resumedUs = changes.find(({ reason }) => reason === `end of ${round.name}`)?.committedUs;
  const receiptUs = changes.find(({ revision }) => revision === round.revision)?.committedUs;
  if (pausedUs === undefined || resumedUs === undefined || receiptUs === undefined) {
    return { ...NOTHING, roundsWithoutCommit: 1 };
  }
  const own = permits.filter((one) => isIn(round, one));
  const heard = told.filter((one) => isIn(round, one));
  const inPause = heard.filter(({ askedAt, heardAt }) => askedAt > round.returnedAt && heardAt < round.resumeAskedAt);
  const offers = heard.filter(({ what, heardAt }) => what === 'offer' && heardAt < round.resumeAskedAt);
  const pausedAt = pausedUs / 1_000;
  const holders = holdersAt(receiptUs, { round, own, heard });
  const named = new Set(round.openPermitIds);
  return {
    permitsCommittedInPause: own.filter(({ committedUs }) => committedUs > pausedUs && committedUs < resumedUs).length,
    permitsToldInPause: inPause.filter(({ what }) => what === 'permit').length,
    offersMadeLate: offers.filter(({ askedAt }) => askedAt > pausedAt + RIGHT_MS).length,
    offersHeardLate: offers.filter(({ heardAt }) => heardAt > pausedAt + LAST_OFFER_MS).length,
    holdersMissing: [...holders].filter((one) => !named.has(one)).length,
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

interface Seen {
  readonly round: Round;
  /** In the scope of the round. */
  readonly own: readonly CommittedPermit[];
  readonly heard: readonly Told[];
}

/** Who held a permit when the receipt was made: by the tables, and by what devices had been told before they were paused. */
function holdersAt(receiptUs: number, { round, own, heard }: Seen): ReadonlySet<string> {
  const inHands = heard.filter(({ what, heardAt }) => what === 'permit' && heardAt < round.askedAt);
  return new Set([
    ...own.filter(({ committedUs }) => committedUs <= receiptUs).map(({ permitId }) => permitId),
    ...inHands.flatMap(({ permitId }) => permitId ?? []),
  ]);
}

/** Permits in the hands of devices that no transaction has committed: each must be durable before it leaves. */
export function toldWithoutRow({ told, committed }: PauseResults): number {
  const rows = new Set(committed.permits.map(({ permitId }) => permitId));
  const ids = new Set(told.flatMap(({ permitId }) => permitId ?? []));
  return [...ids].filter((one) => !rows.has(one)).length;
}

/** A line for each holder that a receipt did not name, with all that is known of it: what a person needs to find out why. */
export function missingHolders({ rounds, told, committed }: PauseResults): readonly string[] {
  return rounds.flatMap((round) => {
    const receiptUs = committed.changes.find(({ revision }) => revision === round.revision)?.committedUs;
    if (receiptUs === undefined) return [];
    const own = committed.permits.filter((one) => isIn(round, one));
    const heard = told.filter((one) => isIn(round, one));
    const named = new Set(round.openPermitIds);
    const { name, scope, tries, askedAt, returnedAt } = round;
    return [...holdersAt(receiptUs, { round, own, heard })]
      .filter((one) => !named.has(one))
      .map((permitId) => {
        const seen = {
          ...{ permitId, name, scope, tries, askedAt, returnedAt, receiptAt: receiptUs / 1_000, named: named.size },
          committed: own.filter((one) => one.permitId === permitId),
          told: heard.filter((one) => one.permitId === permitId),
        };
        return `Not named: ${JSON.stringify(seen)}`;
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
