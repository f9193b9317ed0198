// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import type { Held, RawExposure, RawFacts } from '@outrider/simulator/compose';

/** What is wrong in a store, counted. */
export type Findings = Readonly<Record<Finding, number>>;

export type Finding =
  | 'permitsLost'
  | 'reportsLost'
  | 'revisionsLost'
  | 'auditEntriesDiffering'
  | 'auditEntriesLost'
  | 'auditChainsBroken'
  | 'gapsInLog'
  | 'devicesLost'
  | 'releasesLost'
  | 'overruns'
  | 'miscounts'
  | 'capsFallen';

/** What is kept from one look for the next. */
export interface Looked {
  readonly findings: Findings;
  readonly caps: ReadonlyMap<string, number>;
}

/** Compares what lies in the tables with what others hold in their hands, and with the caps of the look before. */
export function inspect(facts: RawFacts, held: Held, capsBefore: Looked['caps']): Looked {
  const entries = new Map(facts.entries.map((one) => [one.revision, one]));
  const caps = new Map(facts.exposures.map((one) => [capKey(one), one.cap]));
  const findings: Findings = {
    permitsLost: countMissing(held.permitIds, facts.permitIds),
    reportsLost: countMissing(held.reportKeys, facts.reportKeys),
    revisionsLost: countMissing(held.entries.keys(), entries),
    auditEntriesDiffering: [...held.entries].filter(([revision, told]) => {
      const stored = entries.get(revision);
      if (stored === undefined) return false;
      return stored.at !== told.at || stored.author !== told.author || stored.reason !== told.reason;
    }).length,
    ...auditFindings(facts, held),
    gapsInLog: facts.entries.filter(({ revision }, index) => revision !== index + 1).length,
    devicesLost: [...held.keyIds].filter(([deviceId, keyId]) => facts.keyIds.get(deviceId) !== keyId).length,
    releasesLost: [...held.releases].filter(([releaseId, state]) => {
      const stored = facts.releases.get(releaseId);
      // Withdrawn without an answer: what was published is still there.
      return stored === undefined || (state === 'withdrawn' && stored !== 'withdrawn');
    }).length,
    overruns: facts.exposures.filter((one) => treatedOf(facts, one) > one.cap).length,
    miscounts: facts.exposures.filter((one) => treatedOf(facts, one) !== one.granted).length,
    capsFallen: [...capsBefore].filter(([key, cap]) => (caps.get(key) ?? 0) < cap).length,
  };
  return { findings, caps };
}

/** Nothing found yet. */
export function noFindings(): Findings {
  return {
    permitsLost: 0,
    reportsLost: 0,
    revisionsLost: 0,
    auditEntriesDiffering: 0,
    auditEntriesLost: 0,
    auditChainsBroken: 0,
    gapsInLog: 0,
    devicesLost: 0,
    releasesLost: 0,
    overruns: 0,
    miscounts: 0,
    capsFallen: 0,
  };
}

export function sum(a: Findings, b: Findings): Findings {
  const keys = Object.keys(a) as Finding[];
  return Object.fromEntries(keys.map((key) => [key, a[key] + b[key]])) as Findings;
}

/**
 * That each acknowledged change has its entry, and that the entries are one chain up to the end that is stored. Computed here
 * from the description of the chain, not by the functions that write or verify it.
 */
function auditFindings(
  { audit, auditHead }: RawFacts,
  held: Held,
): Pick<Findings, 'auditEntriesLost' | 'auditChainsBroken'> {
  const said = new Set<string>();
  let [previous, sequence, isBroken] = ['0'.repeat(64), 0, false];
  for (const row of audit) {
    const entry: SaidEntry = JSON.parse(row.text);
    const digest = createHash('sha256').update(row.text).digest('hex');
    const isNext = entry.sequence === ++sequence && row.sequence === sequence && entry.previous === previous;
    if (!isNext || digest !== row.digest) isBroken = true;
    previous = digest;
    said.add(entry.revision === undefined ? `${entry.action} ${entry.subject}` : `${entry.revision} by ${entry.actor}`);
  }
  if (auditHead.sequence !== sequence || auditHead.digest !== previous) isBroken = true;
  const owed = [
    ...[...held.entries].map(([revision, { author }]) => `${revision} by ${author}`),
    ...[...held.releases].flatMap(([releaseId, state]) => [
      `release-published ${releaseId}`,
      ...(state === 'withdrawn' ? [`release-withdrawn ${releaseId}`] : []),
    ]),
  ];
  return { auditEntriesLost: countMissing(owed, said), auditChainsBroken: isBroken ? 1 : 0 };
}

interface SaidEntry {
  readonly sequence: number;
  readonly previous: string;
  readonly action: string;
  readonly subject: string;
  readonly actor: string;
  readonly revision?: number;
}

/** Rows counted here, not the store's own counter: that one is what is looked at. */
function treatedOf({ treated }: RawFacts, { rolloutId, segment }: RawExposure): number {
  return treated
    .filter((one) => one.rolloutId === rolloutId && (segment === undefined || one.segment === segment))
    .reduce((total, one) => total + one.count, 0);
}

function countMissing<T>(held: Iterable<T>, stored: { has(key: T): boolean }): number {
  let missing = 0;
  for (const one of held) if (!stored.has(one)) missing++;
  return missing;
}

function capKey({ rolloutId, segment }: RawExposure): string {
  return `${rolloutId} ${segment ?? ''}`;
}
