// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DeviceId } from '@outrider/domain/kernel/ids';
import { propertyOptions } from '@outrider/testkit/seed';
import fc from 'fast-check';
import { deviceRows } from './device-rows.ts';
import { type HashKey, PACKED_CHARACTERS_MAX, packedId, packId } from './id-hash.ts';
import { idTable, NO_ROW } from './id-table.ts';

const KEY: HashKey = [0x03020100, 0x07060504];

/** Hashes of which many are equal, and stand at the end of a table, so that what finds no place goes on at its beginning. */
const packWeakly: typeof packId = (id, key, packed) => {
  const isPacked = packId(id, key, packed);
  packed.hash = 13 + (packed.hash % 3);
  return isPacked;
};

/** Few at each length, so that the same are met again; one that begins like another, and long ones that differ at their end. */
const ids: fc.Arbitrary<DeviceId> = fc
  .tuple(fc.integer({ min: 0, max: PACKED_CHARACTERS_MAX + 5 }), fc.constantFrom('a', 'é', 'Ā'))
  .map(([length, last]) => `${'d'.repeat(length)}${last}` as DeviceId);

const steps = fc.array(fc.tuple(ids, fc.constantFrom('set', 'set', 'delete')), { maxLength: 150, size: 'max' });

for (const [name, pack] of Object.entries({ HalfSipHash: packId, 'a hash that hardly tells ids apart': packWeakly })) {
  test(`the table of ids holds what a Map holds, with ${name}`, () => {
    fc.assert(
      fc.property(steps, (drawn) => {
        const rows = deviceRows();
        const table = idTable(rows, KEY, pack);
        const model = new Map<DeviceId, number>();
        for (const [id, step] of drawn) {
          const known = model.get(id);
          assert.equal(table.get(id), known ?? NO_ROW);
          if (step === 'delete') {
            table.delete(id);
            if (known !== undefined) rows.giveBack(known);
            model.delete(id);
          } else if (known === undefined) {
            const row = rows.take();
            table.set(id, row);
            model.set(id, row);
          }
          assert.equal(table.size(), model.size);
        }
        for (const [id, row] of model) {
          assert.equal(table.get(id), row);
          assert.equal(table.idAt(row), id);
        }
        for (let row = 0; row < rows.end(); row++) {
          const id = table.idAt(row);
          assert.equal(table.isFree(row), id === undefined);
          if (id !== undefined) assert.equal(model.get(id), row);
        }
      }),
      propertyOptions(),
    );
  });
}

test('a table that grows by thousands of devices, and shrinks again, loses none', () => {
  const rows = deviceRows();
  const table = idTable(rows, KEY);
  const idOf = (number: number) => `device-${number}` as DeviceId;
  for (let number = 0; number < 20_000; number++) table.set(idOf(number), rows.take());
  for (let number = 0; number < 20_000; number += 2) table.delete(idOf(number));
  for (let number = 0; number < 20_000; number++) {
    assert.equal(table.get(idOf(number)), number % 2 === 0 ? NO_ROW : number);
  }
  assert.equal(table.size(), 10_000);
});

/** As its authors write it, with so many rounds a word and at the end, in arithmetic of another kind. */
function halfSipHash(text: string, [k0, k1]: HashKey, [rounds, finalRounds]: readonly [number, number]): number {
  const bytes = Buffer.from(text, 'latin1');
  const padded = Buffer.alloc((Math.floor(bytes.length / 4) + 1) * 4);
  bytes.copy(padded);
  padded[padded.length - 1] = bytes.length;
  const v = [BigInt(k0), BigInt(k1), 0x6c796765n ^ BigInt(k0), 0x74656462n ^ BigInt(k1)];
  const at = (index: number) => v[index] ?? 0n;
  const add = (to: number, from: number) => {
    v[to] = BigInt.asUintN(32, at(to) + at(from));
  };
  const turn = (index: number, bits: bigint) => {
    v[index] = BigInt.asUintN(32, at(index) << bits) | (at(index) >> (32n - bits));
  };
  const mix = (to: number, from: number) => {
    v[to] = at(to) ^ at(from);
  };
  const round = () => {
    for (const [one, other, bits] of [[0, 1, 5n] as const, [2, 3, 8n] as const]) {
      add(one, other);
      turn(other, bits);
      mix(other, one);
    }
    turn(0, 16n);
    for (const [one, other, bits] of [[0, 3, 7n] as const, [2, 1, 13n] as const]) {
      add(one, other);
      turn(other, bits);
      mix(other, one);
    }
    turn(2, 16n);
  };
  for (let from = 0; from < padded.length; from += 4) {
    const word = BigInt(padded.readUInt32LE(from));
    v[3] = at(3) ^ word;
    for (let index = 0; index < rounds; index++) round();
    v[0] = at(0) ^ word;
  }
  v[2] = at(2) ^ 0xffn;
  for (let index = 0; index < finalRounds; index++) round();
  return Number(at(1) ^ at(3));
}

test('ids are hashed by HalfSipHash-1-3, whose key decides which of them meet', () => {
  // The first of the vectors that its authors give for HalfSipHash-2-4 vouches for the plain way of writing it.
  assert.equal(halfSipHash('', KEY, [2, 4]), 0x5b9f35a9);
  const packed = packedId();
  fc.assert(
    fc.property(fc.stringMatching(/^[ -~]{0,40}$/), fc.maxSafeNat(), (id, drawn) => {
      const key: HashKey = [drawn >>> 0, Math.floor(drawn / 2 ** 21) >>> 0];
      assert.equal(packId(id, key, packed), true);
      assert.equal(packed.hash, halfSipHash(id, key, [1, 3]));
    }),
    propertyOptions(),
  );
});
