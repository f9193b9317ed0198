// SPDX-License-Identifier: Apache-2.0
import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { type FleetInstant, fleetInstant, instantText } from '@outrider/domain/kernel/time';

/** What a device knows of its server before it says a word to it. */
export interface ServerExpectation {
  /** Pinned: no other CA of this world can stand in for the server. */
  readonly roots: readonly X509Certificate[];
  /** As in the URL. */
  readonly hostname: string;
  /** The later of the device's own clock and the time that it last knew for sure: a clock at 1970 believes nothing expired. */
  readonly now: FleetInstant;
}

/** Certificates between the server and the root: two CAs of a company. */
const CHAIN_MAX = 4;

const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';

/**
 * Why the certificate of a server is not believed; undefined when it is. "Not valid yet" is no reason: a signature of the pinned
 * root from the future says that the clock of the device is behind.
 */
export function faultOfServer(leaf: X509Certificate | undefined, expected: ServerExpectation): string | undefined {
  if (leaf === undefined) return 'The server has shown no certificate';
  const { hostname, roots, now } = expected;
  const isNamed = isIP(hostname) === 0 ? leaf.checkHost(hostname) : leaf.checkIP(hostname);
  if (isNamed === undefined) return `The certificate of the server is for ${namesOf(leaf)}, asked for was ${hostname}`;
  if (leaf.ca || leaf.keyUsage?.includes(SERVER_AUTH) !== true)
    return 'The certificate of the server is not one for servers';
  const way = wayToRoot(leaf, roots);
  if (way === undefined) return 'The certificate of the server does not lead to a root that this device has pinned';
  const ended = way.find((one) => one.validToDate.getTime() <= now);
  if (ended === undefined) return undefined;
  return `A certificate of the server has run out at ${instantText(fleetInstant(ended.validToDate.getTime()))}`;
}

/** From the server's certificate to the root, each signed by the next; the root itself is pinned, not sent. */
function wayToRoot(leaf: X509Certificate, roots: readonly X509Certificate[]): readonly X509Certificate[] | undefined {
  const way: X509Certificate[] = [];
  for (let one: X509Certificate | undefined = leaf; one !== undefined && way.length < CHAIN_MAX; ) {
    way.push(one);
    const current: X509Certificate = one;
    const root = roots.find((ca) => isIssued(current, ca));
    if (root !== undefined) return [...way, root];
    const above: X509Certificate | undefined = current.issuerCertificate;
    one = above?.ca === true && isIssued(current, above) ? above : undefined;
  }
  return undefined;
}

function isIssued(one: X509Certificate, by: X509Certificate): boolean {
  return one.checkIssued(by) && one.verify(by.publicKey);
}

function namesOf(leaf: X509Certificate): string {
  return leaf.subjectAltName ?? leaf.subject;
}
