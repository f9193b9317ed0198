// SPDX-License-Identifier: Apache-2.0
import type { KeyObject, X509Certificate } from 'node:crypto';
import type { Agent } from 'node:http';
import type { Network, NetworkError } from '@outrider/domain/device/ports';
import type { FleetClock } from '@outrider/domain/kernel/clock';
import type { DeviceId } from '@outrider/domain/kernel/ids';
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import { type FleetInstant, fleetInstant } from '@outrider/domain/kernel/time';
import type { Signer } from '@outrider/domain/trust/ports';
import { encodeCertificateOrder, parseGivenCredentials } from '@outrider/protocol/gateway/registration';
import { describeParseError } from '@outrider/protocol/kernel/parse-error';
import { randomSecret } from '../shared/random.ts';
import { makeCertificateRequest } from '../shared/x509/certificate-request.ts';
import { type Credentials, credentialsOf, storeCredentials } from './credentials.ts';
import { type HttpClient, keptConnections, SILENCE_MAX_MS, SOCKETS_MAX, sendMessage } from './http-client.ts';
import { tlsConnections } from './tls-connections.ts';

/** A device's way to its server: by mutual TLS where it has a certificate, and to a new certificate by itself. */
export interface SecureClient {
  /** Its connections are exchanged with the certificate. */
  readonly client: HttpClient;
  /** The request for a certificate that goes with a registration. */
  certificateRequest(): string;
  /** Takes and keeps what the server has given. */
  take(given: Parameters<typeof storeCredentials>[1]): Promise<void>;
  /** Orders the next certificate when it is due, at half time; a server without a CA is asked again at the next start. */
  renewIfDue(): Promise<void>;
  /** The same messages; one that was refused for its certificate is sent again, once, with a new one. */
  overMutualTls(network: Network): Network;
}

export interface SecureClientOptions {
  readonly folder: string;
  readonly serverUrl: URL;
  readonly deviceId: DeviceId;
  readonly signer: Signer;
  readonly key: KeyObject;
  /** Pinned before the first contact, and instead of what the server gave; absent: those of the credentials. */
  readonly roots?: readonly X509Certificate[];
  readonly credentials: Credentials | undefined;
  readonly clock: FleetClock;
  /** A line for whoever looks after the device. */
  readonly log: (sentence: string) => void;
}

/** 128 bits: no two starts of a fleet share one. */
const BOOT_BYTES = 16;

export function secureClient(options: SecureClientOptions): SecureClient {
  const { folder, serverUrl, deviceId, signer, key, clock, log } = options;
  const isTls = serverUrl.protocol === 'https:';
  let credentials = options.credentials;
  let isWithoutCa = false;
  let connections = connect(true);

  /** A clock that was never set stands at 1970: then the time that the CA has signed holds. */
  function now(): FleetInstant {
    return fleetInstant(Math.max(clock.now(), credentials?.timeFloor ?? 0));
  }

  function connect(isOwnShown: boolean): Agent {
    const roots = options.roots ?? credentials?.roots;
    // Without a pinned root this is a server under a public name: Node's own roots and rules hold.
    if (!isTls || roots === undefined) return keptConnections(serverUrl);
    const own = isOwnShown && credentials !== undefined ? { own: { chain: credentials.chain, key } } : {};
    return tlsConnections({ roots, ...own, now, socketsMax: SOCKETS_MAX, silenceMaxMs: SILENCE_MAX_MS });
  }

  function exchange(isOwnShown: boolean): void {
    connections.destroy();
    connections = connect(isOwnShown);
  }

  const client: HttpClient = {
    ...{ serverUrl, deviceId, signer, boot: randomSecret(BOOT_BYTES) },
    get connections() {
      return connections;
    },
  };

  async function take(given: Parameters<typeof storeCredentials>[1]): Promise<void> {
    const read = credentialsOf(given);
    if (read === undefined) return log('The server gave certificates that cannot be read; the former ones stay in use');
    await storeCredentials(folder, given);
    credentials = read;
    exchange(true);
  }

  async function order(): Promise<Result<'taken', NetworkError>> {
    const body = encodeCertificateOrder({ deviceId, csr: makeCertificateRequest(deviceId, key) });
    const answer = await sendMessage(client, '/v1/certificate', body);
    if (!answer.ok) return answer;
    const given = parseGivenCredentials(answer.value);
    if (!given.ok) return err({ code: 'answer-malformed', detail: describeParseError(given.error) });
    await take(given.value);
    return ok('taken');
  }

  async function renewIfDue(): Promise<void> {
    // Over HTTP without TLS a certificate would be of no use; the requests are signed.
    if (!isTls || isWithoutCa || (credentials !== undefined && now() < credentials.renewAfter)) return;
    const ordered = await order();
    if (ordered.ok) return log('The device has a new certificate');
    isWithoutCa = ordered.error.detail.includes(CA_MISSING);
    if (!isWithoutCa) log(`No new certificate yet, ${ordered.error.code}: ${ordered.error.detail}`);
  }

  /** By its key, on a connection that shows no certificate: so a device that slept for a year gets on by itself. */
  async function recover(): Promise<boolean> {
    exchange(false);
    const ordered = await order();
    if (ordered.ok) log('The certificate of the device was refused; it has ordered a new one by its key');
    else exchange(true);
    return ordered.ok;
  }

  async function again<T>(send: () => Promise<Result<T, NetworkError>>): Promise<Result<T, NetworkError>> {
    await renewIfDue();
    const answer = await send();
    if (answer.ok || credentials === undefined || !isAboutCertificate(answer.error)) return answer;
    return (await recover()) ? send() : answer;
  }

  return {
    client,
    certificateRequest: () => makeCertificateRequest(deviceId, key),
    take,
    renewIfDue,
    overMutualTls: (network) => ({
      ...network,
      checkIn: (checkIn) => again(() => network.checkIn(checkIn)),
      askPermit: (request) => again(() => network.askPermit(request)),
      sendReport: (report) => again(() => network.sendReport(report)),
    }),
  };
}

/** In the text of a problem document: its code. */
const CA_MISSING = '"code":"ca-missing"';

/** The codes of a server, and what OpenSSL says of an alert by a terminator that ended the handshake (RFC 8446 §6.2). */
const ABOUT_CERTIFICATE =
  /"code":"certificate-(expired|superseded|unknown-ca)"|alert (unknown ca|certificate expired|bad certificate|certificate unknown)/;

function isAboutCertificate({ detail }: NetworkError): boolean {
  return ABOUT_CERTIFICATE.test(detail);
}
