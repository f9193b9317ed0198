// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { propertyOptions } from '@outrider/testkit/seed';
import fc from 'fast-check';
import { hostOf, PROXY_HEADER_BYTES_MAX, readProxyHeader } from './proxy-protocol.ts';

const SIGNATURE = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a];

function v2(command: number, family: number, rest: readonly number[]): Uint8Array {
  return Uint8Array.from([...SIGNATURE, command, family, rest.length >> 8, rest.length & 0xff, ...rest]);
}

const IPV4 = [203, 0, 113, 7, 10, 0, 0, 1, 0x1f, 0x90, 0x20, 0xfb];

test('the address of the device comes out of both versions, whatever follows the header', () => {
  const request = [...'POST / HTTP/1.1'].map((letter) => letter.charCodeAt(0));
  const binary = Uint8Array.from([...v2(0x21, 0x11, IPV4), ...request]);
  assert.deepEqual(readProxyHeader(binary), { kind: 'header', bytes: 28, address: '203.0.113.7' });
  const withMore = v2(0x21, 0x11, [...IPV4, 0x04, 0x00, 0x01, 0xff]);
  assert.deepEqual(readProxyHeader(withMore), { kind: 'header', bytes: 32, address: '203.0.113.7' });
  const line = 'PROXY TCP4 203.0.113.7 10.0.0.1 8080 8443\r\n';
  assert.deepEqual(readProxyHeader(letters(`${line}GET /`)), {
    kind: 'header',
    bytes: line.length,
    address: '203.0.113.7',
  });
  const ipv6 = v2(0x21, 0x21, [0x20, 0x01, 0x0d, 0xb8, ...new Array(28).fill(1), 0, 1, 0, 2].slice(0, 36));
  const read = readProxyHeader(ipv6);
  assert.equal(read.kind === 'header' && hostOf(read.address ?? ''), '2001:db8:101:101::/64');
});

test('a proxy that speaks for itself names nobody', () => {
  assert.deepEqual(readProxyHeader(v2(0x20, 0x00, [])), { kind: 'header', bytes: 16 });
  assert.deepEqual(readProxyHeader(letters('PROXY UNKNOWN\r\n')), { kind: 'header', bytes: 15 });
});

test('a header that has not come whole is waited for, and never longer than a header may be', () => {
  const whole = v2(0x21, 0x11, IPV4);
  for (let length = 1; length < whole.length; length++) {
    assert.equal(readProxyHeader(whole.subarray(0, length)).kind, 'more', String(length));
  }
  assert.equal(readProxyHeader(v2(0x21, 0x11, new Array(PROXY_HEADER_BYTES_MAX).fill(0))).kind, 'malformed');
  assert.equal(readProxyHeader(letters(`PROXY TCP4 ${'1'.repeat(200)}`)).kind, 'malformed');
});

test('what is no header is found out, and no bytes make the reader fail', () => {
  for (const text of [
    'GET / HTTP/1.1\r\n',
    '\u0016\u0003\u0001',
    'PROXY TCP4\r\n',
    'PROXY TCP5 a b 1 2\r\n',
    'PROXX',
  ]) {
    assert.equal(readProxyHeader(letters(text)).kind, 'malformed', text);
  }
  const beginnings = fc.constantFrom<readonly number[]>([], SIGNATURE, [...letters('PROXY ')]);
  fc.assert(
    fc.property(beginnings, fc.uint8Array({ maxLength: 700 }), (beginning, rest) => {
      const read = readProxyHeader(Uint8Array.from([...beginning, ...rest]));
      if (read.kind === 'header') assert.ok(read.bytes <= beginning.length + rest.length);
      if (read.kind === 'more') assert.ok(beginning.length + rest.length < PROXY_HEADER_BYTES_MAX);
    }),
    propertyOptions(),
  );
});

test('one host is one host, however its address is written', () => {
  assert.equal(hostOf('::ffff:192.0.2.1'), '192.0.2.1');
  assert.equal(hostOf('192.0.2.1'), '192.0.2.1');
  assert.equal(hostOf('2001:db8::1'), hostOf('2001:0db8:0000:0000:ffff:1:2:3'));
  assert.notEqual(hostOf('2001:db8:0:1::1'), hostOf('2001:db8::1'));
  assert.equal(hostOf('fe80::1%eth0'), 'fe80:0:0:0::/64');
  assert.equal(hostOf('::1'), '0:0:0:0::/64');
});

function letters(text: string): Uint8Array {
  return Uint8Array.from([...text].map((letter) => letter.charCodeAt(0)));
}
