// SPDX-License-Identifier: Apache-2.0
import type { DurationMs } from '@outrider/domain/kernel/time';
import type { Component } from '@outrider/domain/release/release';
import { encodeJson } from '../../kernel/json-text.ts';

/** What a poll is answered: how long to sleep, and what to look at. Links are absolute, as clients take them as they are. */
export interface DdiBase {
  /** `<address>/<tenant>/controller/v1/<device>`. */
  readonly root: string;
  readonly pollAfterMs: DurationMs;
  /** The device has not told its attributes yet. */
  readonly isAskedForAttributes: boolean;
  /** At most one of the two: a cancellation comes before anything new. */
  readonly show?: { readonly kind: 'deployment' | 'cancellation'; readonly actionId: number };
}

/** Writes the answer to `GET .../{controllerId}`. */
export function encodeDdiBase({ root, pollAfterMs, isAskedForAttributes, show }: DdiBase): string {
  const path = show === undefined ? undefined : show.kind === 'deployment' ? 'deploymentBase' : 'cancelAction';
  return encodeJson({
    config: { polling: { sleep: sleepText(pollAfterMs) } },
    _links: {
      ...(isAskedForAttributes ? { configData: { href: `${root}/configData` } } : {}),
      ...(path === undefined || show === undefined ? {} : { [path]: { href: `${root}/${path}/${show.actionId}` } }),
    },
  });
}

/** What a client is to install. */
export interface DdiDeployment {
  readonly root: string;
  readonly actionId: number;
  readonly version: string;
  readonly components: readonly Component[];
}

/**
 * Writes the answer to `GET .../deploymentBase/{actionId}`. `forced`: at once, since the permit has been given; with
 * `skip` SWUpdate reports success without installing. A component that is no file for such a client is left out.
 */
export function encodeDdiDeployment({ root, actionId, version, components }: DdiDeployment): string {
  const chunks = components.flatMap(({ name, image, file }, index) => {
    if (file === undefined) return [];
    const href = `${root}/softwaremodules/${index}/artifacts/${file.name}`;
    // A client looks for the link of the scheme that it knows; both lead to the same bytes.
    const scheme = root.startsWith('https:') ? ['download', 'md5sum'] : ['download-http', 'md5sum-http'];
    const [download = '', md5sum = ''] = scheme;
    return [
      {
        part: name,
        version,
        name: `${name}-${version}`,
        artifacts: [
          {
            filename: file.name,
            hashes: { sha1: file.sha1, md5: file.md5, sha256: image.digest },
            size: Number(image.bytes),
            _links: { [download]: { href }, [md5sum]: { href: `${href}.MD5SUM` } },
          },
        ],
      },
    ];
  });
  return encodeJson({ id: String(actionId), deployment: { download: 'forced', update: 'forced', chunks } });
}

/** Writes the answer to `GET .../cancelAction/{actionId}`. */
export function encodeDdiCancellation(actionId: number): string {
  return encodeJson({ id: String(actionId), cancelAction: { stopId: String(actionId) } });
}

/** `HH:MM:SS`, without which SWUpdate never does anything; at least a second, and less than a day. */
export function sleepText(pollAfterMs: DurationMs): string {
  const seconds = Math.min(SLEEP_S_MAX, Math.max(1, Math.round(pollAfterMs / 1_000)));
  const parts = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60];
  return parts.map((part) => String(part).padStart(2, '0')).join(':');
}

/** 23:59:59. */
const SLEEP_S_MAX = 86_399;
