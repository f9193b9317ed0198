// SPDX-License-Identifier: Apache-2.0

/** What `outrider terminator config` writes beside the configuration. */
export interface TerminatorFiles {
  /** Certificate and key of the server in one file. */
  readonly server: string;
  readonly roots: string;
  readonly ticketKeys: string;
}

export interface TerminatorPlan {
  readonly files: TerminatorFiles;
  /** As HAProxy writes it after `bind`: an address and a port. */
  readonly bind: string;
  /** The sockets of gateways on this machine, as `--terminator-socket` has opened them. */
  readonly gateways: readonly string[];
  /** The common name of the CA for devices: no other CA below the same root names devices. */
  readonly issuer: string;
  /** Whoever may change ticket keys at run time; a path, mode 0600. */
  readonly adminSocket: string;
  readonly connectionsMax: number;
  readonly threads: number;
}

/**
 * HAProxy in front of one gateway or several: it ends mutual TLS and tells the gateway whose certificate it has verified, through a
 * socket that nobody else can open (docs/protocol/terminator.md).
 */
export function haproxyConfig(plan: TerminatorPlan): string {
  const { files, gateways } = plan;
  return `# Written by \`outrider terminator config\`: change its flags and write it again.
global
    maxconn ${plan.connectionsMax}
    nbthread ${plan.threads}
    ssl-default-bind-options ssl-min-ver TLSv1.3
    # A session is taken up by its ticket, which every gateway and terminator can open: nothing is kept here.
    tune.ssl.cachesize 0
    tune.ssl.lifetime 86400
    stats socket ${plan.adminSocket} mode 600 level admin

defaults
    mode http
    log global
    option httpslog
    option dontlog-normal
    # Of a handshake that stalls, of a body and of an answer that nobody takes; a connection at rest has longer.
    timeout client 30s
    timeout http-keep-alive 75s
    timeout http-request 15s
    timeout connect 5s
    timeout server 65s
    timeout queue 5s
    # Devices that listen: the gateway probes their connections every four minutes.
    timeout tunnel 10m

frontend devices
    # Without a certificate a device may register and order one. One that has run out (10) is told so by the gateway;
    # one that leads to another root ends the handshake.
    bind ${plan.bind} ssl crt ${files.server} ca-file ${files.roots} verify optional crt-ignore-err 10 tls-ticket-keys ${files.ticketKeys} alpn http/1.1
    # Nobody but this proxy names a certificate.
    http-request del-header outrider-certificate- -m beg
    # hawkBit's DDI begins with a tenant; which one there is the gateway says.
    http-request deny deny_status 404 unless { path_beg /v1/ /blobs/ /repo/ /health/ } or { path_reg ^/[^/]+/controller/v1/ }
    http-request deny deny_status 401 if { ssl_c_used } !{ ssl_c_i_dn(CN) -m str "${plan.issuer}" }
    http-request set-header Outrider-Certificate-Device %[ssl_c_s_dn(CN)] if { ssl_c_used }
    http-request set-header Outrider-Certificate-Key %[ssl_c_s_dn(serialNumber)] if { ssl_c_used }
    http-request set-header Outrider-Certificate-Serial %[ssl_c_serial,hex] if { ssl_c_used }
    http-request set-header Outrider-Certificate-Sha256 %[ssl_c_der,sha2(256),hex] if { ssl_c_used }
    http-request set-header Outrider-Certificate-Not-After %[ssl_c_notafter] if { ssl_c_used }
    http-request set-header Outrider-Certificate-Verify %[ssl_c_verify] if { ssl_c_used }
    default_backend gateways

backend gateways
    balance roundrobin
    # Each request carries its own identity, so connections to a gateway are shared.
    http-reuse always
    option httpchk GET /health/live
${gateways.map((path, index) => `    server gateway-${index + 1} unix@${path} check inter 2s pool-purge-delay 60s`).join('\n')}
`;
}

/** The file of ticket keys: the last but one seals, all open (HAProxy, \`tls-ticket-keys\`). */
export function ticketKeyLines(keys: {
  readonly former: Buffer;
  readonly current: Buffer;
  readonly next: Buffer;
}): string {
  return `${[keys.former, keys.current, keys.next].map((one) => one.toString('base64')).join('\n')}\n`;
}
