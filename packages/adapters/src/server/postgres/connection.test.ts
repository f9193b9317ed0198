// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectionFromUrl } from './connection.ts';

test('an address of a database is read with its port, its encoded password and its encryption', () => {
  assert.deepEqual(connectionFromUrl('postgres://fleet:p%40ss%2Fword@db.example:6432/outrider?sslmode=verify-full'), {
    host: 'db.example',
    port: 6432,
    user: 'fleet',
    password: 'p@ss/word',
    database: 'outrider',
    tls: 'verified',
  });
  const local = connectionFromUrl('postgresql://fleet:secret@[::1]/outrider');
  assert.deepEqual([local.host, local.port, local.tls], ['::1', 5432, 'off']);
});

test('an address that is none is refused by name, without a word of its password', () => {
  const addresses = [
    'fleet:secret@db.example/outrider',
    'mysql://fleet:secret@db.example/outrider',
    'postgres://fleet:secret@db.example',
    'postgres://db.example/outrider',
    'postgres://fleet:secret@db.example/outrider?sslmode=maybe',
  ];
  for (const address of addresses) {
    assert.throws(
      () => connectionFromUrl(address),
      (fault: Error & { code?: string }) =>
        fault.code === 'database-url-malformed' && !fault.message.includes('secret'),
      address,
    );
  }
});
