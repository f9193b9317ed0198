// SPDX-License-Identifier: Apache-2.0
import { MANIFEST_FAULTS } from '@outrider/domain/gateway/manifest-faults';
import { instantText } from '@outrider/domain/kernel/time';
import { parseVersionManifest } from '@outrider/protocol/gateway/version-manifest';
import { cellAt, timeAt } from '../answer.ts';

/** What a device last proved of what it runs, and what it said that is not believed: lines for a person. */
export function manifestLines(value: unknown): readonly (readonly [string, string | number | undefined])[] {
  return [...provedLines(value), ...disbelievedLines(value)];
}

function provedLines(value: unknown): ReturnType<typeof manifestLines> {
  const payload = cellAt(value, 'manifests.manifest.envelope.payload');
  if (typeof payload !== 'string') return [];
  const read = parseVersionManifest(payload);
  if (!read.ok) return [['proved', 'by a newer kind of version manifest than this program reads']];
  const { version, releaseCounter, slot, bootCount, confirmedAt, epoch } = read.value;
  return [
    ['proved', `version ${version}, counter ${releaseCounter}, slot ${slot}`],
    ['proved at', timeAt(value, 'manifests.manifest.receivedAt')],
    ['confirmed', `${instantText(confirmedAt)} by its own clock, start ${bootCount}, policy epoch ${epoch}`],
  ];
}

function disbelievedLines(value: unknown): ReturnType<typeof manifestLines> {
  const code = cellAt(value, 'manifests.disbelieved.code');
  if (typeof code !== 'string') return [];
  const sentence = Object.entries(MANIFEST_FAULTS).find(([known]) => known === code)?.[1];
  return [
    ['not believed', sentence === undefined ? code : `${code}: ${sentence}`],
    ['not believed at', timeAt(value, 'manifests.disbelieved.receivedAt')],
  ];
}
