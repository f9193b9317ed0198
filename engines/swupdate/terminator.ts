// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { request as requestOf } from 'node:http';
import { createServer } from 'node:https';
import { TLSSocket } from 'node:tls';
import type { SwuKey } from './swu.ts';

/** A proxy that ends mutual TLS and hands requests over by docs/protocol/terminator.md. */
export async function startTerminator(options: {
  readonly own: SwuKey;
  /** Whose certificates it accepts. */
  readonly device: SwuKey;
  readonly socketPath: string;
}): Promise<{ readonly url: string; close(): void }> {
  const { own, device, socketPath } = options;
  const [key, cert, ca] = [own.keyFile, own.certificateFile, device.certificateFile].map((file) => readFileSync(file));
  const proxy = createServer({ key, cert, ca, requestCert: true, rejectUnauthorized: true }, (request, response) => {
    assert.ok(request.socket instanceof TLSSocket);
    const { subject, serialNumber, fingerprint256 } = request.socket.getPeerCertificate();
    const shown = Object.entries(request.headers).filter(([name]) => !name.startsWith('outrider-certificate-'));
    const headers = {
      ...Object.fromEntries(shown),
      'outrider-certificate-device': String(subject.CN),
      'outrider-certificate-serial': serialNumber,
      'outrider-certificate-sha256': fingerprint256.replaceAll(':', ''),
    };
    const { method, url } = request;
    const onward = requestOf({ socketPath, method, path: url, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    request.pipe(onward);
  });
  await new Promise<void>((resolve) => {
    proxy.listen(0, '127.0.0.1', resolve);
  });
  const address = proxy.address();
  assert.ok(typeof address === 'object' && address !== null);
  return {
    url: `https://127.0.0.1:${address.port}`,
    close() {
      proxy.close();
      proxy.closeAllConnections();
    },
  };
}
