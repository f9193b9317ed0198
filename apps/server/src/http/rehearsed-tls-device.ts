// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { Agent, request as httpsRequest } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { wakeSocketLine } from '@outrider/adapters/device/wake-line';
import { delay } from '@outrider/adapters/shared/delay';
import { createSeed, privateKeyOf, signerFromSeed } from '@outrider/adapters/shared/ed25519';
import { makeCertificateRequest } from '@outrider/adapters/shared/x509/certificate-request';
import type { DeviceId } from '@outrider/domain/kernel/ids';
import { encodeCheckIn } from '@outrider/protocol/gateway/check-in';
import { encodeRegistration, parseRegistrationAnswer } from '@outrider/protocol/gateway/registration';
import { DEVICE_HEADER, requestText, SIGNATURE_HEADER } from '@outrider/protocol/gateway/request-signature';
import { DEVICE_TYPE } from '../rehearsal.ts';

/** A device of our own over TLS: it registers, and checks in over new, resumed and kept connections. */
export function tlsDevice(id: string, roots: string) {
  const deviceId = id as DeviceId;
  const seed = createSeed();
  const [signer, key] = [signerFromSeed(seed), privateKeyOf(seed)];
  const { publicKey } = signer;
  let sequence = 0;
  let chain: string | undefined;

  function agentOf(manner: Manner, keepAlive: boolean): Agent {
    const own = manner.chain ?? chain;
    const shown = manner.isCertified === false || own === undefined ? {} : { cert: own, key: pem(manner.key ?? key) };
    const session = manner.session === undefined ? {} : { session: manner.session };
    return new Agent({ ca: roots, keepAlive, maxSockets: 1, maxCachedSessions: 0, ...shown, ...session });
  }

  function headersOf(path: string, body: string, { isSigned = false, headers }: Manner): Record<string, string> {
    const { signature } = signer.sign(requestText({ method: 'POST', path, body }));
    const proof = isSigned ? { [DEVICE_HEADER]: id, [SIGNATURE_HEADER]: signature } : {};
    return { 'content-type': 'application/json', ...proof, ...headers };
  }

  async function checkInOver(agent: Agent, port: number, manner: Manner): Promise<TlsAnswer> {
    const own = { deviceId: (manner.as ?? id) as DeviceId, sequence: ++sequence, running, state: 'idle' } as const;
    const body = encodeCheckIn(own);
    return sendOverTls({ agent, port, path: '/v1/check-in', body, headers: headersOf('/v1/check-in', body, manner) });
  }

  async function checkIn(port: number, manner: Manner = {}): Promise<TlsAnswer> {
    return withAgent(agentOf(manner, false), (agent) => checkInOver(agent, port, manner));
  }

  /** Signed, without a certificate. */
  async function post(port: number, path: string, body: string): Promise<TlsAnswer> {
    const headers = headersOf(path, body, { isSigned: true });
    return withAgent(agentOf({ isCertified: false }, false), (agent) =>
      sendOverTls({ agent, port, path, body, headers }),
    );
  }

  return {
    ...{ deviceId, key, publicKey, keyId: publicKey.keyId, checkIn, post },
    /** Without a signature. */
    async ask(
      port: number,
      path: string,
      manner: Manner & { method?: string; body?: string } = {},
    ): Promise<TlsAnswer> {
      const { method = 'GET', body = '', headers = {} } = manner;
      return withAgent(agentOf(manner, false), (agent) => sendOverTls({ agent, port, path, method, body, headers }));
    },
    /** Until the connection has ended. */
    async listen(port: number) {
      const serverUrl = new URL(`https://127.0.0.1:${port}`);
      return withAgent(agentOf({}, true), (connections) =>
        wakeSocketLine({ serverUrl, deviceId, signer, connections })(() => {}),
      );
    },
    keptConnection(port: number) {
      const agent = agentOf({}, true);
      return { checkIn: () => checkInOver(agent, port, {}), close: () => agent.destroy() };
    },
    async register(port: number, token: string): Promise<void> {
      const csr = makeCertificateRequest(id, key);
      const body = encodeRegistration({ token, deviceId, publicKey, attributes, running, csr });
      const answer = await post(port, '/v1/register', body);
      assert.equal(answer.status, 201, answer.body);
      const parsed = parseRegistrationAnswer(answer.body);
      assert.ok(parsed.ok && parsed.value.credentials !== undefined);
      chain = parsed.value.credentials.chain;
    },
  };
}

/** Work over connections of its own, which end with it. */
export async function withAgent<T>(agent: Agent, work: (agent: Agent) => Promise<T>): Promise<T> {
  try {
    return await work(agent);
  } finally {
    agent.destroy();
  }
}

/** What a device was answered over TLS. */
export interface TlsAnswer {
  readonly status: number;
  readonly body: string;
  readonly isResumed: boolean;
  readonly session?: Buffer;
}

/** How a request differs from that of an honest device over a new connection. */
export interface Manner {
  readonly isCertified?: boolean;
  readonly isSigned?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
  readonly session?: Buffer | undefined;
  readonly chain?: string;
  readonly key?: KeyObject;
  readonly as?: string;
}

const attributes = {
  ...{ deviceType: DEVICE_TYPE, model: 'm', hardwareId: 'rev-a', region: 'eu', customer: 'c', carrier: 'w', tags: [] },
};
// The constructor of what a device says it runs.
const running = { version: '1.0.0', releaseCounter: 1, components: [] } as unknown as Parameters<
  typeof encodeCheckIn
>[0]['running'];

/** A key of a kind that a TPM, or a client of long ago, has. */
export function newKey(kind: 'p-256' | 'rsa'): KeyObject {
  const pair =
    kind === 'p-256'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('rsa', { modulusLength: 2_048 });
  return pair.privateKey;
}

/** PKCS#8 as text. */
export function pem(key: KeyObject): string {
  return key.export({ format: 'pem', type: 'pkcs8' }) as string;
}

/** A ticket comes after the answer begins, or in the same packet: it is waited for a moment. */
const TICKET_MS = 100;

/** One request over TLS. */
export function sendOverTls(request: {
  readonly agent: Agent;
  readonly port: number;
  readonly path: string;
  readonly method?: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}): Promise<TlsAnswer> {
  const { agent, port, path, method = 'POST', body, headers } = request;
  let session: Buffer | undefined;
  return new Promise((resolve, reject) => {
    const posted = httpsRequest({ agent, host: '127.0.0.1', port, path, method, headers: { ...headers } });
    posted.on('error', reject);
    posted.on('socket', (socket) => {
      socket.on('session', (ticket: Buffer) => {
        session = ticket;
      });
    });
    posted.on('response', (response) => {
      // The sockets of node:https are of this kind.
      const isResumed = (response.socket as TLSSocket).isSessionReused();
      response.setEncoding('utf8');
      let text = '';
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', async () => {
        if (session === undefined) await delay(TICKET_MS);
        resolve({
          status: response.statusCode ?? 0,
          body: text,
          isResumed,
          ...(session === undefined ? {} : { session }),
        });
      });
    });
    posted.end(body);
  });
}

/** The code of a problem document; empty: the answer is none. */
export function codeOf({ body }: { readonly body: string }): string {
  const parsed: unknown = JSON.parse(body);
  return typeof parsed === 'object' && parsed !== null && 'code' in parsed ? String(parsed.code) : '';
}
