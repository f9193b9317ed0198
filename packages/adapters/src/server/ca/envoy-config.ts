// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import type { CaFiles } from './ca-folder.ts';
import { pemOf } from './make-certificate.ts';
import { ENVOY_KEYS, ticketKeys } from './ticket-keys.ts';
import { tlsMaterial } from './tls-material.ts';

export interface EnvoyPlan {
  /** Where the files of the set-up lie. */
  readonly folder: string;
  readonly host: string;
  readonly port: number;
  /** The sockets of gateways on this machine, as `--terminator-socket` has opened them. */
  readonly gateways: readonly string[];
  readonly connectionsMax: number;
}

/** A file of the set-up: its path, what it holds and its mode. */
export interface SetUpFile {
  readonly path: string;
  readonly text: string;
  readonly mode: number;
}

/** All that Envoy is started with, its configuration first. */
export function envoyFiles(ca: CaFiles, plan: EnvoyPlan, nowMs: number): readonly [SetUpFile, ...SetUpFile[]] {
  const { serverChain, serverKey, deviceCa } = namesIn(plan.folder);
  const { key, cert } = tlsMaterial(ca);
  return [
    { path: join(plan.folder, 'envoy.json'), text: envoyConfig(plan), mode: 0o600 },
    { path: serverChain, text: cert, mode: 0o644 },
    { path: serverKey, text: key, mode: 0o600 },
    // The CA for devices alone, not the root: no other CA below that names devices.
    { path: deviceCa, text: ca.issuing.map((one) => pemOf(one.raw)).join(''), mode: 0o644 },
    envoyTicketFile(ca, plan.folder, nowMs),
  ];
}

/** The ticket keys of today; Envoy looks again when another file is moved into the place of this one. */
export function envoyTicketFile({ issuingKey }: CaFiles, folder: string, nowMs: number): SetUpFile {
  const { former, current, next } = ticketKeys(issuingKey, nowMs, ENVOY_KEYS);
  return { path: namesIn(folder).ticketKeys, text: ticketKeyText([current, former, next]), mode: 0o600 };
}

function namesIn(folder: string) {
  return {
    serverChain: join(folder, 'server.pem'),
    serverKey: join(folder, 'server-key.pem'),
    deviceCa: join(folder, 'device-ca.pem'),
    ticketKeys: join(folder, 'ticket-keys.json'),
  };
}

/**
 * Envoy in front of one gateway or several: it ends mutual TLS and tells the gateway whose certificate it has verified, through a
 * socket that nobody else can open (docs/protocol/terminator.md). JSON, which Envoy reads as it reads YAML.
 */
function envoyConfig(plan: EnvoyPlan): string {
  const { host, port, gateways, connectionsMax } = plan;
  const devices = {
    name: 'devices',
    address: { socket_address: { address: host, port_value: port } },
    // Without it Envoy waits for a handshake as long as for a request, 75 s.
    filter_chains: [{ transport_socket: tlsOf(plan), transport_socket_connect_timeout: '15s', filters: [httpOf()] }],
  };
  const cluster = {
    ...{ name: 'gateways', type: 'STATIC', connect_timeout: '5s' },
    load_assignment: {
      cluster_name: 'gateways',
      endpoints: [{ lb_endpoints: gateways.map((path) => ({ endpoint: { address: { pipe: { path } } } })) }],
    },
    // Sooner than a gateway lets go of an idle connection, so that no request meets one that is just being closed.
    typed_extension_protocol_options: {
      [UPSTREAM_HTTP]: {
        '@type': `type.googleapis.com/${UPSTREAM_HTTP}`,
        common_http_protocol_options: { idle_timeout: '60s' },
        explicit_http_config: { http_protocol_options: {} },
      },
    },
    health_checks: [
      {
        ...{ timeout: '2s', interval: '2s', unhealthy_threshold: 2, healthy_threshold: 1 },
        http_health_check: { path: '/health/live', host: 'gateway' },
      },
    ],
  };
  return `${JSON.stringify(
    {
      // Envoy wants names before it reads a file that may change.
      node: { id: 'outrider-terminator', cluster: 'outrider-terminators' },
      // Counting by itself costs as much as a tenth of a handshake, and what devices are answered the gateways count.
      stats_config: { stats_matcher: { reject_all: true } },
      static_resources: { listeners: [devices], clusters: [cluster] },
      overload_manager: {
        resource_monitors: [
          {
            name: 'envoy.resource_monitors.global_downstream_max_connections',
            typed_config: {
              '@type': `${TYPES}.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig`,
              max_active_downstream_connections: connectionsMax,
            },
          },
        ],
      },
    },
    undefined,
    2,
  )}\n`;
}

const TYPES = 'type.googleapis.com/envoy.extensions';
const UPSTREAM_HTTP = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

function tlsOf({ folder }: EnvoyPlan) {
  const { serverChain, serverKey, deviceCa, ticketKeys } = namesIn(folder);
  const file = (filename: string) => ({ filename });
  return {
    name: 'envoy.transport_sockets.tls',
    typed_config: {
      '@type': `${TYPES}.transport_sockets.tls.v3.DownstreamTlsContext`,
      // Without a certificate a device may register and order one; one that leads elsewhere ends the handshake.
      require_client_certificate: false,
      session_ticket_keys_sds_secret_config: {
        name: TICKET_KEYS_NAME,
        sds_config: { path_config_source: { path: ticketKeys }, resource_api_version: 'V3' },
      },
      session_timeout: '86400s',
      common_tls_context: {
        tls_params: {
          ...{ tls_minimum_protocol_version: 'TLSv1_3', tls_maximum_protocol_version: 'TLSv1_3' },
          signature_algorithms: SIGNATURE_ALGORITHMS,
        },
        tls_certificates: [{ certificate_chain: file(serverChain), private_key: file(serverKey) }],
        // One that has run out is told so by the gateway.
        validation_context: { trusted_ca: file(deviceCa), allow_expired_certificate: true },
        alpn_protocols: ['http/1.1'],
      },
    },
  };
}

/** Devices have Ed25519 keys, which BoringSSL takes only where it is told to; what a TPM makes is mostly P-256 or RSA. */
const SIGNATURE_ALGORITHMS = ['ed25519', 'ecdsa_secp256r1_sha256', 'rsa_pss_rsae_sha256'];

function httpOf() {
  const toGateways = { cluster: 'gateways', timeout: '65s' };
  // Whole images, by whatever link: what stalls is cut by the time a stream may be idle.
  const bytesOfGateways = { ...toGateways, timeout: '0s' };
  return {
    name: 'envoy.filters.network.http_connection_manager',
    typed_config: {
      '@type': `${TYPES}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
      ...{ stat_prefix: 'devices', codec_type: 'HTTP1', generate_request_id: false },
      server_header_transformation: 'PASS_THROUGH',
      common_http_protocol_options: { idle_timeout: '75s' },
      request_headers_timeout: '15s',
      // Devices that listen: the gateway probes their connections every four minutes.
      ...{ upgrade_configs: [{ upgrade_type: 'websocket' }], stream_idle_timeout: '600s' },
      route_config: {
        virtual_hosts: [
          {
            ...{ name: 'gateways', domains: ['*'] },
            // Nobody but this proxy names a certificate.
            request_headers_to_remove: CERTIFICATE_HEADERS.map(([name]) => name),
            request_headers_to_add: CERTIFICATE_HEADERS.flatMap(([key, value]) =>
              value === undefined
                ? []
                : [{ header: { key, value }, append_action: 'OVERWRITE_IF_EXISTS_OR_ADD', keep_empty_value: false }],
            ),
            routes: [
              { match: { prefix: '/v1/' }, route: toGateways },
              { match: { prefix: '/blobs/' }, route: bytesOfGateways },
              { match: { prefix: '/repo/' }, route: toGateways },
              { match: { prefix: '/health/' }, route: toGateways },
              // hawkBit's DDI begins with a tenant; which one there is the gateway says.
              { match: { safe_regex: { regex: DDI_FILES } }, route: bytesOfGateways },
              { match: { safe_regex: { regex: DDI } }, route: toGateways },
            ],
          },
        ],
      },
      http_filters: [
        {
          name: 'envoy.filters.http.router',
          typed_config: { '@type': `${TYPES}.filters.http.router.v3.Router`, suppress_envoy_headers: true },
        },
      ],
    },
  };
}

/** Both match the whole path, without its query. */
const DDI = '/[^/]+/controller/v1/.+';
const DDI_FILES = '/[^/]+/controller/v1/[^/]+/softwaremodules/.+';

/** What is set, and what no client may set. */
const CERTIFICATE_HEADERS: readonly (readonly [string, string?])[] = [
  ['outrider-certificate-subject', '%DOWNSTREAM_PEER_SUBJECT%'],
  ['outrider-certificate-serial', '%DOWNSTREAM_PEER_SERIAL%'],
  ['outrider-certificate-sha256', '%DOWNSTREAM_PEER_FINGERPRINT_256%'],
  ['outrider-certificate-not-after', '%DOWNSTREAM_PEER_CERT_V_END(%y%m%d%H%M%SZ)%'],
  ['outrider-certificate-device'],
  ['outrider-certificate-key'],
  ['outrider-certificate-verify'],
];

const TICKET_KEYS_NAME = 'ticket-keys';

/** The file of ticket keys: the first seals, all open. */
function ticketKeyText(keys: readonly Buffer[]): string {
  return JSON.stringify({
    resources: [
      {
        '@type': `${TYPES}.transport_sockets.tls.v3.Secret`,
        name: TICKET_KEYS_NAME,
        session_ticket_keys: { keys: keys.map((one) => ({ inline_bytes: one.toString('base64') })) },
      },
    ],
  });
}
