// SPDX-License-Identifier: Apache-2.0
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import { readTextIfPresent } from '../../shared/files.ts';

/** Files of the folder `ca` in the data folder of a server. */
export const CA_FILES = {
  /** What devices pin for the server, and what the chain of their own certificates leads to. */
  roots: 'roots.pem',
  /** The online CA for devices, then its predecessors, which certificates in the field still lead to. */
  issuing: 'issuing.pem',
  issuingKey: 'issuing-key.pem',
  /** The certificate that the server shows, then what leads from it to the root. */
  server: 'server.pem',
  serverKey: 'server-key.pem',
  /** The CAs of factories whose certificates let a device register. */
  factories: 'factories.pem',
} as const;

export const CA_FOLDER = 'ca';

/** The keys and certificates of an installation, as they were found. */
export interface CaFiles {
  readonly folder: string;
  readonly roots: readonly X509Certificate[];
  readonly issuing: readonly [X509Certificate, ...X509Certificate[]];
  readonly issuingKey: KeyObject;
  readonly server: readonly [X509Certificate, ...X509Certificate[]];
  readonly serverKey: KeyObject;
  readonly factories: readonly X509Certificate[];
}

/** Why a folder of keys cannot be used. */
export interface CaFolderError {
  readonly code: 'ca-malformed';
  readonly detail: string;
}

/** Reads what `outrider ca init` or `ca adopt` has written. Undefined: there is no CA here. Code: ca-malformed. */
export async function loadCaFolder({
  folder,
}: {
  readonly folder: string;
}): Promise<Result<CaFiles | undefined, CaFolderError>> {
  const texts = await readCaTexts(folder);
  const { roots: rootsText, issuing: issuingText, issuingKey, server: serverText, serverKey } = texts;
  if (issuingText === undefined && rootsText === undefined && serverText === undefined) return ok(undefined);
  try {
    const [roots, issuing, server] = [rootsText, issuingText, serverText].map(certificatesIn);
    const [firstRoot] = roots ?? [];
    const [issuer, ...aboveIssuer] = issuing ?? [];
    const [leaf, ...aboveLeaf] = server ?? [];
    if (firstRoot === undefined || issuer === undefined || leaf === undefined) return incomplete(folder, texts);
    if (issuingKey === undefined || serverKey === undefined) return incomplete(folder, texts);
    const files = {
      folder,
      roots: roots ?? [],
      issuing: [issuer, ...aboveIssuer] as const,
      issuingKey: createPrivateKey(issuingKey),
      server: [leaf, ...aboveLeaf] as const,
      serverKey: createPrivateKey(serverKey),
      factories: certificatesIn(texts.factories),
    };
    return faultOf(files) ?? ok(files);
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause;
    return malformed(folder, `a file is no PEM of a certificate or key (${cause.message})`);
  }
}

export type CaTexts = Readonly<Partial<Record<keyof typeof CA_FILES, string>>>;

/** The files as they stand in a folder; those that are not there are left out. */
export async function readCaTexts(folder: string): Promise<CaTexts> {
  const entries = Object.entries(CA_FILES).map(
    async ([name, file]) => [name, await readTextIfPresent(join(folder, file))] as const,
  );
  const found = (await Promise.all(entries)).filter(([, text]) => text !== undefined);
  // Names of the table, and texts that are there.
  return Object.fromEntries(found) as CaTexts;
}

/** The certificates of a PEM file, in its order. Throws what node:crypto throws. */
export function certificatesIn(pem: string | undefined): readonly X509Certificate[] {
  const blocks = pem?.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  return blocks.slice(0, CERTIFICATES_MAX).map((block) => new X509Certificate(block));
}

/** Of one file: a chain has three, roots are exchanged two at a time, a company has a few dozen factories. */
const CERTIFICATES_MAX = 64;

function faultOf(files: CaFiles): Result<never, CaFolderError> | undefined {
  const { folder, issuing, issuingKey, server, serverKey } = files;
  if (!issuing[0].checkPrivateKey(issuingKey))
    return malformed(folder, 'issuing-key.pem is not the key of issuing.pem');
  if (!issuing[0].ca) return malformed(folder, 'issuing.pem is no CA: its basic constraints do not say so');
  if (issuingKey.asymmetricKeyType !== 'ec') return malformed(folder, 'issuing-key.pem is no P-256 key');
  if (!server[0].checkPrivateKey(serverKey)) return malformed(folder, 'server-key.pem is not the key of server.pem');
  return undefined;
}

function incomplete(folder: string, texts: CaTexts): Result<never, CaFolderError> {
  const missing = Object.entries(CA_FILES)
    .filter(([name]) => name !== 'factories' && texts[name as keyof CaTexts] === undefined)
    .map(([, file]) => file);
  return malformed(
    folder,
    missing.length === 0 ? 'a file of certificates holds none' : `missing: ${missing.join(', ')}`,
  );
}

function malformed(folder: string, reason: string): Result<never, CaFolderError> {
  const detail = `The keys in ${folder} cannot be used: ${reason}; restore the folder from a backup, or move it away and run \`outrider ca init\``;
  return err({ code: 'ca-malformed', detail });
}
