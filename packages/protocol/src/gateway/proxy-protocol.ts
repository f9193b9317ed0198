// SPDX-License-Identifier: Apache-2.0

/** What the first bytes of a connection say by the PROXY protocol (haproxy.org, "The PROXY protocol versions 1 & 2"). */
export type ProxyHeader =
  /** They are the beginning of a header: more has to come. */
  | { readonly kind: 'more' }
  /** A whole header of so many bytes; the address is absent where the proxy speaks for itself (LOCAL, UNKNOWN). */
  | { readonly kind: 'header'; readonly bytes: number; readonly address?: string }
  /** Something else. */
  | { readonly kind: 'malformed'; readonly detail: string };

/** The longest header that is read: 536 bytes are what one packet holds at least, and every proxy keeps below it. */
export const PROXY_HEADER_BYTES_MAX = 536;

/** Version 2 begins with it (§2.2). */
const SIGNATURE_V2 = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a];
const FIXED_BYTES_V2 = 16;
/** "PROXY ". */
const SIGNATURE_V1 = [0x50, 0x52, 0x4f, 0x58, 0x59, 0x20];
/** The longest line of version 1 with its end (§2.1). */
const LINE_BYTES_MAX = 107;

/** Reads the header at the beginning of the bytes. Version 1 and 2; whatever follows it is left alone. */
export function readProxyHeader(bytes: Uint8Array): ProxyHeader {
  if (begins(bytes, SIGNATURE_V2)) return bytes.length < FIXED_BYTES_V2 ? MORE : readV2(bytes);
  if (begins(bytes, SIGNATURE_V1)) return readV1(bytes);
  return malformed('The connection does not begin with a header of the PROXY protocol');
}

function readV2(bytes: Uint8Array): ProxyHeader {
  const [command = 0, family = 0] = [bytes[12], bytes[13]];
  const whole = FIXED_BYTES_V2 + sixteen(bytes, 14);
  if (command >> 4 !== 2) return malformed(`The version of the PROXY protocol is ${command >> 4}, allowed is 2`);
  if (whole > PROXY_HEADER_BYTES_MAX) {
    return malformed(`The header has ${whole} bytes, allowed are ${PROXY_HEADER_BYTES_MAX}`);
  }
  if (bytes.length < whole) return MORE;
  // LOCAL: the proxy itself, a look whether the server is well for instance.
  if ((command & 0xf) === 0) return { kind: 'header', bytes: whole };
  if ((command & 0xf) !== 1) return malformed(`The command is ${command & 0xf}, allowed are 0 and 1`);
  switch (family >> 4) {
    case 1:
      if (whole < FIXED_BYTES_V2 + 12) return malformed('The header is too short for two IPv4 addresses');
      return { kind: 'header', bytes: whole, address: [...bytes.subarray(16, 20)].join('.') };
    case 2:
      if (whole < FIXED_BYTES_V2 + 36) return malformed('The header is too short for two IPv6 addresses');
      return { kind: 'header', bytes: whole, address: ipv6Of(bytes.subarray(16, 32)) };
    default:
      return { kind: 'header', bytes: whole };
  }
}

function readV1(bytes: Uint8Array): ProxyHeader {
  const end = bytes.indexOf(0x0a);
  if (end === -1 || end >= LINE_BYTES_MAX) {
    return bytes.length < LINE_BYTES_MAX && end === -1 ? MORE : malformed('The line of the PROXY protocol has no end');
  }
  const line = String.fromCharCode(...bytes.subarray(0, end + 1));
  const read =
    /^PROXY (UNKNOWN|TCP[46])(?: ([0-9a-fA-F.:]{2,39}) [0-9a-fA-F.:]{2,39} \d{1,5} \d{1,5})?[^\r\n]*\r\n$/.exec(line);
  if (read === null) return malformed('The line of the PROXY protocol cannot be read');
  const [, family, address] = read;
  if (family === 'UNKNOWN') return { kind: 'header', bytes: end + 1 };
  if (address === undefined) return malformed('The line of the PROXY protocol names no addresses');
  return { kind: 'header', bytes: end + 1, address };
}

/** As far as there are bytes, they are these. */
function begins(bytes: Uint8Array, wanted: readonly number[]): boolean {
  return bytes.length > 0 && wanted.every((byte, index) => index >= bytes.length || bytes[index] === byte);
}

function sixteen(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0);
}

/** Eight groups written out: it is compared with others of its kind alone. */
function ipv6Of(bytes: Uint8Array): string {
  return Array.from({ length: 8 }, (_, index) => sixteen(bytes, 2 * index).toString(16)).join(':');
}

/**
 * Whom an address stands for: an IPv4 address by itself, of IPv6 the network of 64 bits, since one host can have all of it.
 * An IPv4 address that is written as IPv6 is the IPv4 address (RFC 4291 §2.5.5.2).
 */
export function hostOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!address.includes(':')) return address;
  const [head = '', tail] = (address.split('%')[0] ?? '').toLowerCase().split('::');
  const [before, after] = [groupsOf(head), groupsOf(tail ?? '')];
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - before.length - after.length);
  const groups = [...before, ...new Array<string>(zeros).fill('0'), ...after];
  return `${groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':')}::/64`;
}

function groupsOf(text: string): readonly string[] {
  return text === '' ? [] : text.split(':');
}

const MORE: ProxyHeader = { kind: 'more' };

function malformed(detail: string): ProxyHeader {
  return { kind: 'malformed', detail };
}
