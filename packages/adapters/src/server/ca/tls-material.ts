// SPDX-License-Identifier: Apache-2.0
import type { CaFiles } from './ca-folder.ts';
import { pemOf } from './make-certificate.ts';

/** What a server of node:tls takes: its own key and chain, and the CAs that certificates of devices lead to. */
export function tlsMaterial({ server, serverKey, roots, issuing }: CaFiles): {
  readonly key: string;
  readonly cert: string;
  readonly ca: readonly string[] & string[];
} {
  return {
    // Node writes PKCS#8 as text in this format.
    key: serverKey.export({ format: 'pem', type: 'pkcs8' }) as string,
    cert: server.map((one) => pemOf(one.raw)).join(''),
    ca: [...roots, ...issuing].map((one) => pemOf(one.raw)),
  };
}
