// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CERTIFICATE_SUBJECT_HEADER, namesCertificate, parseClientCertificate } from './client-certificate.ts';

const KEY = 'a'.repeat(64);
const others = { 'outrider-certificate-serial': '0A', 'outrider-certificate-sha256': 'B'.repeat(64) };

function read(subject: string, more: Readonly<Record<string, string>> = {}) {
  return parseClientCertificate({ ...others, [CERTIFICATE_SUBJECT_HEADER]: subject, ...more });
}

test('a terminator that cannot take a subject apart hands it over whole, and the device is named by it', () => {
  for (const subject of [
    `serialNumber=${KEY},CN=camera-1`,
    `CN=camera-1+serialNumber=${KEY}`,
    `O=Acme\\, Inc,CN=camera-1, SERIALNUMBER=${KEY}`,
  ]) {
    const certificate = read(subject);
    assert.ok(certificate.ok, subject);
    assert.deepEqual([certificate.value?.deviceId, certificate.value?.keyId], ['camera-1', KEY], subject);
  }
  const escaped = read('CN=a\\+b');
  assert.ok(escaped.ok);
  assert.deepEqual([escaped.value?.deviceId, escaped.value?.keyId], ['a+b', undefined]);
});

test('what stands within a value names no device, and a subject that names two names none', () => {
  const within = read('O=x\\,CN=camera-2,CN=camera-1');
  assert.ok(within.ok);
  assert.equal(within.value?.deviceId, 'camera-1');
  for (const subject of [
    'CN=camera-1,CN=camera-2',
    'O=Acme',
    `CN=camera-1,serialNumber=${KEY},serialNumber=${KEY}`,
    'CN=camera-1,serialNumber=12',
  ]) {
    const refused = read(subject);
    assert.ok(!refused.ok, subject);
    assert.equal(refused.error.path, CERTIFICATE_SUBJECT_HEADER);
  }
});

test('a device that is named by itself is not looked for in the subject', () => {
  const named = read('CN=camera-2', { 'outrider-certificate-device': 'camera-1' });
  assert.ok(named.ok);
  assert.equal(named.value?.deviceId, 'camera-1');
});

test('a subject alone names a certificate: on the open port it is refused as any other', () => {
  assert.ok(namesCertificate({ [CERTIFICATE_SUBJECT_HEADER]: 'CN=camera-1' }));
  assert.ok(!namesCertificate({ [CERTIFICATE_SUBJECT_HEADER]: '' }));
});
