// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import type { Server, Socket } from 'node:net';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { machineInstant } from '@outrider/domain/kernel/time';
import { paceHandshakes } from './handshake-pace.ts';

function stage() {
  const begun: number[] = [];
  let refused = 0;
  // Only the events of a server are paced.
  const http = new EventEmitter() as unknown as Server;
  http.on('connection', (socket: Socket & { readonly number: number }) => void begun.push(socket.number));
  let nowMs = 0;
  paceHandshakes(http, { machineClock: { now: () => machineInstant(nowMs) }, onRefused: () => void refused++ });
  const connect = (number: number) => {
    const socket = Object.assign(new EventEmitter(), { number, destroyed: false, destroy: () => undefined });
    http.emit('connection', socket);
    return socket;
  };
  function pass(ms: number): void {
    nowMs += ms;
  }
  return { begun, connect, refused: () => refused, pass };
}

test('a handshake that comes alone begins at once, of a crowd four in each turn of the loop, in the order they came', async () => {
  const { begun, connect } = stage();
  for (let number = 0; number < 30; number++) connect(number);
  assert.deepEqual(begun, [0, 1, 2, 3]);
  await nextTurn();
  await nextTurn();
  assert.ok(begun.length <= 12, `${begun.length} have begun after two turns`);
  for (let turns = 0; turns < 10; turns++) await nextTurn();
  assert.deepEqual(
    begun,
    Array.from({ length: 30 }, (_, number) => number),
  );
});

test('those who hung up while they waited cost nothing, and nobody waits for them', async () => {
  const { begun, connect } = stage();
  const sockets = Array.from({ length: 40 }, (_, number) => connect(number));
  for (const socket of sockets.slice(4, 39)) socket.destroyed = true;
  for (let turns = 0; turns < 10; turns++) await nextTurn();
  assert.deepEqual(begun, [0, 1, 2, 3, 39]);
});

test('more than can be waited for are cut off, and counted', () => {
  const { connect, refused } = stage();
  for (let number = 0; number < 232; number++) connect(number);
  assert.equal(refused(), 100);
});

test('after a turn that took long only one begins: what was begun before is not through yet', async () => {
  const { begun, connect, pass } = stage();
  for (let number = 0; number < 20; number++) connect(number);
  pass(200);
  await nextTurn();
  assert.equal(begun.length, 5);
  pass(200);
  await nextTurn();
  assert.equal(begun.length, 6);
  await nextTurn();
  assert.equal(begun.length, 10, 'and after a short one four again');
});
