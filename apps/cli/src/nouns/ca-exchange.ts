// SPDX-License-Identifier: Apache-2.0
import type { X509Certificate } from 'node:crypto';
import { type CaFiles, type CaTexts, certificatesIn, readCaTexts } from '@outrider/adapters/server/ca/ca-folder';
import { pemOf } from '@outrider/adapters/server/ca/make-certificate';
import { CommandFailure, usageFailure } from '../failure.ts';

/** The files with another root for devices to pin beside what there is. The one that the server shows stays first. */
export async function withRootBeside(files: CaFiles, pem: string, path: string): Promise<CaTexts> {
  const added = certificatesIn(pem);
  if (added.length === 0 || !added.every((one) => one.ca)) {
    throw usageFailure(`The file ${path} holds no certificate of a CA in PEM; name the roots.pem of the other CA`);
  }
  const texts = await readCaTexts(files.folder);
  return { ...texts, roots: textOf([...files.roots, ...added]) };
}

/** Another CA, with the roots of the former one and the CAs that certificates in the field lead to behind its own. */
export async function withFormerBehind(next: CaFiles, former: CaFiles): Promise<CaTexts> {
  const texts = await readCaTexts(next.folder);
  const factories = textOf([...next.factories, ...former.factories]);
  return {
    ...texts,
    roots: textOf([...next.roots, ...former.roots]),
    issuing: textOf([...next.issuing, ...former.issuing]),
    ...(factories === '' ? {} : { factories }),
  };
}

/**
 * The files without a certificate, by the beginning of its SHA-256: a root with every CA below it, or a former CA for devices. What
 * the server works with stays.
 */
export async function withoutCertificate(files: CaFiles, text: string): Promise<CaTexts> {
  const digest = text.toLowerCase().replaceAll(':', '');
  const found = [...files.roots, ...files.issuing].filter((one) => digestOf(one).startsWith(digest));
  const [gone] = found;
  if (gone === undefined || found.length > 1 || digest.length < DIGITS_MIN) {
    const known = [...files.roots, ...files.issuing].map((one) => digestOf(one).slice(0, 2 * DIGITS_MIN)).join(', ');
    throw new CommandFailure('not-found', `${text} is the beginning of no one certificate; there are ${known}`, {
      code: 'certificate-unknown',
    });
  }
  const isBelow = (one: X509Certificate) => one === gone || isSignedBy(one, gone);
  const [issuing, server] = [files.issuing[0], files.server[0]];
  const inUse = isBelow(issuing)
    ? 'new certificates of devices lead'
    : isSignedBy(server, gone)
      ? "the server's certificate leads"
      : undefined;
  if (inUse !== undefined) {
    const detail = `To this certificate ${inUse}; make another first with \`outrider ca renew\`, or with \`outrider ca adopt --beside\``;
    throw new CommandFailure('refused', detail, { code: 'certificate-in-use' });
  }
  const texts = await readCaTexts(files.folder);
  return {
    ...texts,
    roots: textOf(files.roots.filter((one) => one !== gone)),
    issuing: textOf(files.issuing.filter((one) => !isBelow(one))),
  };
}

/** Of a digest: as many as nobody mistakes for another's. */
const DIGITS_MIN = 8;

function isSignedBy(one: X509Certificate, issuer: X509Certificate): boolean {
  return one.checkIssued(issuer) && one.verify(issuer.publicKey);
}

/** SHA-256 of a certificate, as the commands show it. */
export function digestOf(certificate: X509Certificate): string {
  return certificate.fingerprint256.replaceAll(':', '').toLowerCase();
}

/** In this order, each once. */
function textOf(certificates: readonly X509Certificate[]): string {
  const once = certificates.filter((one, index) => certificates.findIndex(({ raw }) => raw.equals(one.raw)) === index);
  return once.map((one) => pemOf(one.raw)).join('');
}
