// SPDX-License-Identifier: Apache-2.0
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DAY_MS } from '@outrider/domain/kernel/time';
import { publicKeyInfo } from '../../shared/ed25519.ts';
import { createFolder, syncFolder, writeFileDurably } from '../../shared/files.ts';
import { nameOf, subjectIn } from '../../shared/x509/distinguished-name.ts';
import { CA_FILES, CA_FOLDER, type CaTexts } from './ca-folder.ts';
import { type CertificateSigner, makeCertificate, pemOf } from './make-certificate.ts';

/** How long what a ceremony makes is good for. */
export interface CaLives {
  readonly rootDays: number;
  readonly issuingDays: number;
  readonly serverDays: number;
}

/** The root outlives a vehicle's first owner; the online CA two generations of devices' certificates; the server one. */
export const CA_LIVES: CaLives = { rootDays: 20 * 365, issuingDays: 5 * 365, serverDays: 398 };

/** A root with its key, which leaves the machine after the ceremony. */
export interface Root {
  readonly certificate: Buffer;
  readonly key: KeyObject;
}

/** What the online part of a CA is made of. */
interface CaOrder {
  /** Of the company: names of the CAs begin with it. */
  readonly name: string;
  /** Names and addresses by which devices reach the server. */
  readonly serverNames: readonly string[];
  readonly nowMs: number;
  readonly lives: CaLives;
}

/** Makes a root. */
export function makeRoot({ name, nowMs, lives }: CaOrder): Root {
  const { privateKey: key } = newKey();
  const subject = { commonName: `${name} root` };
  const template = { subject, subjectKey: publicKeyInfo(key), ...validity(nowMs, lives.rootDays) };
  const made = makeCertificate({ ...template, use: { kind: 'root' } }, { name: nameOf(subject), key });
  return { certificate: made.der, key };
}

/**
 * Makes the online CA for devices and the certificate of the server, signed by the root, and writes all into the folder `ca` of
 * the data folder. What was there is kept beside it: certificates it has issued go on leading to the same root.
 */
export async function writeOnlineCa(
  dataFolder: string,
  root: Root,
  order: CaOrder & { readonly factories?: string | undefined; readonly formerIssuing?: string | undefined },
): Promise<string> {
  const signer: CertificateSigner = { name: subjectIn(root.certificate), key: root.key };
  const [issuing, server] = [newKey(), newKey()];
  const issuingCertificate = makeCertificate(
    {
      subject: { commonName: `${order.name} devices` },
      subjectKey: publicKeyInfo(issuing.privateKey),
      ...validity(order.nowMs, order.lives.issuingDays),
      use: { kind: 'issuing' },
    },
    signer,
  );
  const serverCertificate = makeCertificate(
    {
      subject: { commonName: order.serverNames[0] ?? order.name },
      subjectKey: publicKeyInfo(server.privateKey),
      ...validity(order.nowMs, order.lives.serverDays),
      use: { kind: 'server', names: order.serverNames },
    },
    signer,
  );
  return writeCaFiles(dataFolder, {
    roots: pemOf(root.certificate),
    issuing: pemOf(issuingCertificate.der) + (order.formerIssuing ?? ''),
    issuingKey: keyPem(issuing.privateKey),
    server: pemOf(serverCertificate.der),
    serverKey: keyPem(server.privateKey),
    ...(order.factories === undefined ? {} : { factories: order.factories }),
  });
}

/** Whole or not at all: into a folder beside, which then takes the place of the former one. Answers with its path. */
export async function writeCaFiles(dataFolder: string, files: CaTexts): Promise<string> {
  const folder = join(dataFolder, CA_FOLDER);
  const half = `${folder}.new`;
  await createFolder(half, 0o700);
  for (const [name, content] of Object.entries(files)) {
    // The keys of the very table.
    const file = CA_FILES[name as keyof typeof CA_FILES];
    await writeFileDurably(join(half, file), content, file.endsWith('-key.pem') ? 0o600 : 0o644);
  }
  await moveAway(folder);
  await rename(half, folder);
  await syncFolder(dataFolder);
  return folder;
}

/** The one before goes: a folder takes the place of an empty one alone, and what is two changes old nobody goes back to. */
async function moveAway(folder: string): Promise<void> {
  await rm(`${folder}.former`, { recursive: true, force: true });
  await rename(folder, `${folder}.former`).catch((cause: unknown) => {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return;
    throw cause;
  });
}

function newKey() {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' });
}

/** Clocks differ by minutes at the first start of a machine. */
const BEFORE_MS = 3_600_000;

function validity(nowMs: number, days: number) {
  return { notBeforeMs: nowMs - BEFORE_MS, notAfterMs: nowMs + days * DAY_MS };
}

function keyPem(key: KeyObject): string {
  // Node writes PKCS#8 as text in this format.
  return key.export({ format: 'pem', type: 'pkcs8' }) as string;
}
