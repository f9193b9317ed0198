// SPDX-License-Identifier: Apache-2.0
import { CLAIM_FAULTS } from '@outrider/domain/gateway/claim-faults';
import { instantText } from '@outrider/domain/kernel/time';
import { parseVersionManifest } from '@outrider/protocol/gateway/version-manifest';
import { cellAt, listAt, timeAt } from '../answer.ts';

/** What a device last proved of what it runs, and what it said that is not believed: lines for a person. */
export function manifestLines(value: unknown): readonly (readonly [string, string | number | undefined])[] {
  return [...provedLines(value), ...tpmLines(value), ...disbelievedLines(value)];
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

function tpmLines(value: unknown): ReturnType<typeof manifestLines> {
  if (cellAt(value, 'manifests.manifest.tpm.publicKey') === undefined) return [];
  const registers = listAt(value, 'manifests.manifest.tpm.pcrs').map((one) => cellAt(one, 'index'));
  const since = timeAt(value, 'manifests.manifest.tpm.enrolledAt');
  return [['TPM', `enrolled ${since}, registers ${registers.join(', ')}`]];
}

function disbelievedLines(value: unknown): ReturnType<typeof manifestLines> {
  const code = cellAt(value, 'manifests.disbelieved.code');
  if (typeof code !== 'string') return [];
  const sentence = Object.entries(CLAIM_FAULTS).find(([known]) => known === code)?.[1];
  return [
    ['not believed', sentence === undefined ? code : `${code}: ${sentence}`],
    ['seen', cellAt(value, 'manifests.disbelieved.detail')],
    ['not believed at', timeAt(value, 'manifests.disbelieved.receivedAt')],
  ];
}
