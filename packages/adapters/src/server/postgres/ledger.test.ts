// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StoreAwayError } from '@outrider/domain/decision/store-away';
import { encodeLedgerRow } from '@outrider/protocol/gateway/ledger';
import { proposal } from '@outrider/testkit/contracts/store-fixtures';
import { postgresLedger } from './ledger.ts';
import type { Database } from './pool.ts';

test('a row of another device is no answer to a proposal, whatever lies between the server and its database', async () => {
  const answering = (number: number): Database => ({
    query: async () => [{ ordinal: 1, refusal: null, document: encodeLedgerRow(proposal(number).row) }],
    transaction: () => assert.fail('permits are one statement'),
    connections: () => ({ inUse: 0, max: 1, waiting: 0 }),
    close: async () => {},
  });
  const [own] = await postgresLedger(answering(1)).commitPermits([proposal(1)]);
  assert.equal(own?.kind, 'committed');
  await assert.rejects(postgresLedger(answering(2)).commitPermits([proposal(1)]), StoreAwayError);
});
