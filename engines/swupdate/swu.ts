// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DebianProgram } from '../debian-program.ts';

/** A key with its self-signed certificate. */
export interface SwuKey {
  readonly keyFile: string;
  readonly certificateFile: string;
}

/** Debian 12's; it makes certificates, and signs as SWUpdate expects. */
export const OPENSSL = {
  name: 'openssl',
  version: '3.0.20-1~deb12u2',
  series: '3.0',
  path: 'usr/bin/openssl',
} as const;

/** What a certificate is for: SWUpdate takes signatures of files by the first unless it is told otherwise. */
export type Purpose = 'emailProtection' | 'clientAuth' | 'serverAuth';

/** Made anew for each run of the tests, and readable by the ordinary user that SWUpdate runs as. */
export async function makeSwuKey(
  openssl: DebianProgram,
  folder: string,
  name: string,
  purpose: Purpose = 'emailProtection',
): Promise<SwuKey> {
  const [keyFile, certificateFile] = [join(folder, `${name}.key`), join(folder, `${name}.pem`)];
  // It asks for a configuration, which is not where it was built for.
  const configuration = join(folder, 'openssl.cnf');
  writeFileSync(configuration, '[req]\ndistinguished_name = dn\n[dn]\n');
  const what = ['-config', configuration, '-newkey', 'rsa:2048', '-nodes', '-subj', `/CN=${name}`, '-days', '2'];
  const extensions = [
    `extendedKeyUsage=${purpose}`,
    'keyUsage=digitalSignature,keyCertSign',
    'basicConstraints=CA:TRUE',
  ];
  if (purpose === 'serverAuth') extensions.push('subjectAltName=IP:127.0.0.1');
  const added = extensions.flatMap((one) => ['-addext', one]);
  await openssl.run('req', '-x509', ...what, ...added, '-keyout', keyFile, '-out', certificateFile);
  chmodSync(keyFile, 0o644);
  return { keyFile, certificateFile };
}

/** Writes a `.swu`: a cpio archive of its description, the signature over it, and what it installs. */
export async function makeSwu(
  openssl: DebianProgram,
  path: string,
  key: SwuKey,
  content: { readonly version: string; readonly target: string; readonly script: string; readonly payload: Uint8Array },
): Promise<void> {
  const script = Buffer.from(`#!/bin/sh\n${content.script}\n`);
  const description = Buffer.from(`software = {
  version = "${content.version}";
  hardware-compatibility: [ "1.0" ];
  files: ( { filename = "payload"; path = "${content.target}"; sha256 = "${sha256(content.payload)}"; } );
  scripts: ( { filename = "update.sh"; type = "shellscript"; sha256 = "${sha256(script)}"; } );
}
`);
  const described = `${path}.description`;
  writeFileSync(described, description);
  const form = ['-outform', 'DER', '-nosmimecap', '-binary'];
  await openssl.run(
    ...['cms', '-sign', '-in', described, '-out', `${described}.sig`],
    ...['-signer', key.certificateFile, '-inkey', key.keyFile, ...form],
  );
  writeFileSync(
    path,
    cpio([
      ['sw-description', description],
      ['sw-description.sig', readFileSync(`${described}.sig`)],
      ['payload', content.payload],
      ['update.sh', script],
    ]),
  );
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** The "new ASCII" form with checksums (magic 070702), which SWUpdate reads. */
function cpio(files: readonly (readonly [name: string, content: Uint8Array])[]): Buffer {
  const entries = [...files, ['TRAILER!!!', Buffer.alloc(0)] as const].flatMap(([name, content], index) => {
    const isTrailer = name === 'TRAILER!!!';
    const checksum = content.reduce((sum, byte) => (sum + byte) >>> 0, 0);
    const mode = isTrailer ? 0 : 0o100_644;
    const fields = [index + 1, mode, 0, 0, 1, 0, content.byteLength, 0, 0, 0, 0, name.length + 1, checksum];
    const head = Buffer.from(`070702${fields.map((one) => one.toString(16).padStart(8, '0')).join('')}${name}\0`);
    return [padded(head), padded(content)];
  });
  return Buffer.concat(entries);
}

function padded(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([bytes, Buffer.alloc((4 - (bytes.byteLength % 4)) % 4)]);
}
