// SPDX-License-Identifier: Apache-2.0
import type { AgentPorts } from '@outrider/agent/compose';
import { parseCharter, parseWaveOpening } from '@outrider/protocol/policy/charter';
import { parseManifest } from '@outrider/protocol/release/manifest';

/** Of each kind: releases and charters of a run, with their ways back. */
const REMEMBERED_MAX = 64;

/**
 * Reads each signed text once for a whole process of devices: what a reader answers depends on the text alone, and never
 * changes. Each device of a real fleet reads the same release on its own processor.
 */
export function rememberedReaders(): NonNullable<AgentPorts['readers']> {
  return {
    parseManifest: remembered(parseManifest),
    parseCharter: remembered(parseCharter),
    parseOpening: remembered(parseWaveOpening),
  };
}

function remembered<T>(read: (text: string) => T): (text: string) => T {
  const known = new Map<string, T>();
  return (text) => {
    const before = known.get(text);
    if (before !== undefined) return before;
    const answer = read(text);
    if (known.size < REMEMBERED_MAX) known.set(text, answer);
    return answer;
  };
}
