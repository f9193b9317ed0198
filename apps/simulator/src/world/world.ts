// SPDX-License-Identifier: Apache-2.0
import type { Result } from '@outrider/domain/kernel/result';
import { encodeJson, parseText } from '@outrider/protocol/kernel/json-text';
import type { ParseError } from '@outrider/protocol/kernel/parse-error';
import { finite, listOf, literal, record, text } from '@outrider/protocol/kernel/reader';
import { label, version } from '@outrider/protocol/kernel/values';

/**
 * What is true of a world and what no server is told: the seed of all chance, and the faults that releases carry. Its
 * file lies outside of every folder that a server is given.
 */
export interface World {
  readonly schema: 1;
  readonly seed: string;
  readonly defects: readonly Defect[];
}

/** A release that falls back on one hardware revision: each first boot fails its health check with this probability. */
export interface Defect {
  readonly version: string;
  readonly hardwareId: string;
  readonly revertProbability: number;
}

/** Writes a world file. */
export function encodeWorld(world: World): string {
  return encodeJson(world);
}

/** Reads a world file. Code: body-malformed. */
export function parseWorld(body: string): Result<World, ParseError> {
  return parseText(body, { noun: 'world', bytesMax: WORLD_BYTES_MAX, reader: WORLD });
}

/** A world is a handful of lines. */
const WORLD_BYTES_MAX = 65_536;
const DEFECTS_MAX = 100;

const WORLD = record<World>({
  schema: literal(1),
  seed: text({ charactersMin: 1, charactersMax: 128 }),
  defects: listOf(record<Defect>({ version, hardwareId: label, revertProbability: finite({ min: 0, max: 1 }) }), {
    countMax: DEFECTS_MAX,
  }),
});
