// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DecidedBy, type DecisionLease, LeaseLostError, type Term } from '@outrider/domain/decision/lease-ports';
import { memoryStore } from '@outrider/testkit/memory-store';
import type { Log, Schedule } from '../ports.ts';
import { leadership } from './leadership.ts';

const silent: Log = { info() {}, warn() {}, error() {} };
const never: Schedule = { after: () => () => {} };

/** A lease whose answer is in hand. */
function stage(onTick: (term: Term) => void = () => {}) {
  const said: { term: Term | undefined } = { term: 1 as Term };
  const made: DecidedBy[] = [];
  const lease: DecisionLease = {
    take: async () => said.term,
    release: async () => {},
    under: () => memoryStore(),
  };
  const leader = leadership({
    ...{ lease, holder: 'server-a', schedule: never, log: silent },
    createDecider(acts) {
      made.push(acts);
      const term = said.term as Term;
      return { tick: async () => onTick(term), latest: async () => ({}) };
    },
  });
  return { said, made, leader };
}

test('a server that does not have the lease decides nothing', async () => {
  const ticks: Term[] = [];
  const { said, leader, made } = stage((term) => ticks.push(term));
  said.term = undefined;
  assert.equal(await leader.tick(), false);
  assert.equal(leader.current(), undefined);
  assert.deepEqual([ticks, made], [[], []]);
});

test('each term has a decider of its own: nothing is remembered from before another server decided', async () => {
  const { said, leader, made } = stage();
  assert.equal(await leader.tick(), true);
  assert.equal(await leader.tick(), true);
  assert.equal(made.length, 1, 'within a term it goes on');
  said.term = undefined;
  assert.equal(await leader.tick(), false);
  said.term = 3 as Term;
  assert.equal(await leader.tick(), true);
  assert.equal(made.length, 2);
});

test('a round that finds its term ended is no fault, and the next one asks anew', async () => {
  const { leader } = stage((term) => {
    throw new LeaseLostError(term);
  });
  assert.equal(await leader.tick(), false);
  assert.equal(leader.current(), undefined);
});
