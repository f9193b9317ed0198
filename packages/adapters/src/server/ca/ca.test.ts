// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject, sign, X509Certificate } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { type FactoryProof, factoryProofText } from '@outrider/domain/gateway/identity-ports';
import { type DeviceId, parseId } from '@outrider/domain/kernel/ids';
import { DAY_MS, fleetInstant } from '@outrider/domain/kernel/time';
import { propertyOptions } from '@outrider/testkit/seed';
import fc from 'fast-check';
import { digestBytes } from '../../shared/digest.ts';
import { createSeed, infoOfKey, privateKeyOf, publicKeyInfo, signerFromSeed } from '../../shared/ed25519.ts';
import { openSealedKey, sealKey } from '../../shared/sealed-key.ts';
import { makeCertificateRequest, readCertificateRequest } from '../../shared/x509/certificate-request.ts';
import { subjectIn } from '../../shared/x509/distinguished-name.ts';
import { CA_FOLDER, certificatesIn, loadCaFolder } from './ca-folder.ts';
import { openDeviceCa } from './device-ca.ts';
import { openFactoryCas } from './factory-cas.ts';
import { CA_LIVES, makeRoot, writeOnlineCa } from './init-ca.ts';
import { makeCertificate } from './make-certificate.ts';

const NOW_MS = Date.UTC(2026, 10, 28);
const folder = await mkdtemp(join(tmpdir(), 'outrider-ca-'));
after(() => rm(folder, { recursive: true }));
const order = { name: 'Acme', serverNames: ['gateway.example', '127.0.0.1', '::1'], nowMs: NOW_MS, lives: CA_LIVES };
const root = makeRoot(order);
await writeOnlineCa(folder, root, order);
const loaded = await loadCaFolder({ folder: join(folder, CA_FOLDER) });
assert.ok(loaded.ok && loaded.value !== undefined);
const files = loaded.value;

let nowMs = NOW_MS;
const clock = { now: () => fleetInstant(nowMs) };
const ca = openDeviceCa({ files, clock, lifeDays: 365 });
const [deviceId, other] = ['camera-1', 'camera-2'].map(idOf) as [DeviceId, DeviceId];
const seed = createSeed();
const key = privateKeyOf(seed);
const { publicKey } = signerFromSeed(seed);

describe('the CA of an installation', () => {
  test('gives a device a certificate for its id and key, for a year, to be renewed at about half time', () => {
    const issued = ca.issue({ csr: makeCertificateRequest(deviceId, key), deviceId, publicKey });
    assert.ok(issued.ok);
    const { certificate, chain, renewAfter } = issued.value;
    const [leaf] = certificatesIn(chain);
    const [issuer] = files.issuing;
    assert.ok(leaf !== undefined);
    assert.equal(leaf.subject, `CN=camera-1\nserialNumber=${publicKey.keyId}`);
    assert.equal(leaf.serialNumber.toLowerCase(), certificate.serial);
    assert.ok(leaf.publicKey.export({ format: 'der', type: 'spki' }).equals(publicKeyInfo(key)));
    assert.ok(leaf.checkIssued(issuer) && leaf.verify(issuer.publicKey) && !leaf.ca);
    const [above] = files.roots;
    assert.ok(above !== undefined && issuer.checkIssued(above) && issuer.verify(above.publicKey));
    assert.deepEqual(leaf.keyUsage, ['1.3.6.1.5.5.7.3.2'], 'for clients alone');
    assert.equal(leaf.validToDate.getTime(), NOW_MS + 365 * DAY_MS);
    const share = (renewAfter - NOW_MS) / (365 * DAY_MS);
    assert.ok(share > 0.44 && share <= 0.5, `renewed after ${share} of its life`);
  });

  test('gives none for another id, for another key, or beyond its own end', () => {
    const csr = makeCertificateRequest(other, key);
    assert.deepEqual(codeOf(ca.issue({ csr, deviceId, publicKey })), 'csr-for-another');
    const stolen = makeCertificateRequest(deviceId, privateKeyOf(createSeed()));
    assert.deepEqual(codeOf(ca.issue({ csr: stolen, deviceId, publicKey })), 'csr-for-another');
    const own = makeCertificateRequest(deviceId, key);
    try {
      nowMs = NOW_MS + (CA_LIVES.issuingDays - 10) * DAY_MS;
      const late = ca.issue({ csr: own, deviceId, publicKey });
      assert.ok(late.ok);
      assert.equal(late.value.certificate.notAfter, NOW_MS + CA_LIVES.issuingDays * DAY_MS);
      nowMs = NOW_MS + CA_LIVES.issuingDays * DAY_MS;
      assert.deepEqual(codeOf(ca.issue({ csr: own, deviceId, publicKey })), 'ca-expired');
    } finally {
      nowMs = NOW_MS;
    }
  });

  test('shows a certificate for each name of the server, and none that could sign or stand for a device', () => {
    const [server] = files.server;
    assert.equal(server.subjectAltName, 'DNS:gateway.example, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1');
    assert.deepEqual([server.ca, server.keyUsage], [false, ['1.3.6.1.5.5.7.3.1']]);
    assert.equal(server.checkIP('127.0.0.1'), '127.0.0.1');
  });

  test('is refused with what is wrong when a file is damaged, exchanged or missing', async () => {
    const broken = await mkdtemp(join(tmpdir(), 'outrider-ca-broken-'));
    try {
      await writeOnlineCa(broken, root, order);
      const at = { folder: join(broken, CA_FOLDER) };
      await writeFile(join(at.folder, 'issuing-key.pem'), files.serverKey.export({ format: 'pem', type: 'pkcs8' }));
      assert.match(detailOf(await loadCaFolder(at)), /issuing-key\.pem is not the key of issuing\.pem/);
      await writeFile(join(at.folder, 'issuing-key.pem'), 'not a key');
      assert.match(detailOf(await loadCaFolder(at)), /no PEM of a certificate or key/);
      await rm(join(at.folder, 'issuing-key.pem'));
      assert.match(detailOf(await loadCaFolder(at)), /missing: issuing-key\.pem/);
      assert.deepEqual(await loadCaFolder({ folder: join(broken, 'nowhere') }), { ok: true, value: undefined });
    } finally {
      await rm(broken, { recursive: true });
    }
  });
});

test('the key of the root is opened by its passphrase alone, and a changed file by none', () => {
  const sealed = sealKey(root.key, 'correct horse battery');
  const opened = openSealedKey(sealed, 'correct horse battery');
  assert.ok(opened.ok && opened.value.equals(root.key));
  assert.deepEqual(codeOf(openSealedKey(sealed, 'correct horse batterz')), 'passphrase-wrong');
  assert.deepEqual(codeOf(openSealedKey('{}', 'correct horse battery')), 'sealed-key-malformed');
});

describe('a certificate request', () => {
  test('is read as it was made, and refused when a byte of what was signed is another', () => {
    const der = Buffer.from(makeCertificateRequest(deviceId, key), 'base64');
    const read = readCertificateRequest(der.toString('base64'));
    assert.ok(read.ok && read.value.commonName === deviceId);
    for (let at = 0; at < der.byteLength; at++) {
      const altered = Buffer.from(der);
      altered[at] = (altered[at] ?? 0) ^ 0x01;
      assert.equal(readCertificateRequest(altered.toString('base64')).ok, false, `byte ${at}`);
    }
  });

  test('may be for a key of P-256 or RSA, and for no weaker one', () => {
    const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve }).privateKey;
    const rsa = (modulusLength: number) => generateKeyPairSync('rsa', { modulusLength }).privateKey;
    for (const own of [ec('P-256'), rsa(2_048)]) {
      const der = Buffer.from(makeCertificateRequest(deviceId, own), 'base64');
      const read = readCertificateRequest(der.toString('base64'));
      assert.ok(read.ok && publicKeyInfo(own).equals(read.value.publicKeyInfo));
      for (const at of [30, der.byteLength - 1]) {
        const altered = Buffer.from(der);
        altered[at] = (altered[at] ?? 0) ^ 0x01;
        assert.equal(readCertificateRequest(altered.toString('base64')).ok, false, `byte ${at}`);
      }
      assert.equal(codeOf(ca.issue({ csr: der.toString('base64'), deviceId, publicKey })), 'key-kind-unsupported');
      const issued = ca.issueToDdi({ csr: der.toString('base64'), deviceId });
      assert.ok(issued.ok);
      const [leaf] = certificatesIn(issued.value.chain);
      assert.equal(leaf?.subject, `CN=camera-1\nserialNumber=${digestBytes(publicKeyInfo(own))}`);
      assert.equal(codeOf(ca.issueToDdi({ csr: der.toString('base64'), deviceId: other })), 'csr-for-another');
    }
    for (const weak of [ec('P-384'), rsa(1_024)]) assert.throws(() => makeCertificateRequest(deviceId, weak));
  });

  test('that is any other bytes is refused, without an exception', () => {
    const der = Buffer.from(makeCertificateRequest(deviceId, key), 'base64');
    const mutated = fc
      .tuple(fc.nat(der.byteLength), fc.nat(der.byteLength), fc.uint8Array({ maxLength: 40 }))
      .map(([from, length, bytes]) => Buffer.concat([der.subarray(0, from), bytes, der.subarray(from + length)]));
    fc.assert(
      fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 200 })), (bytes) => {
        const read = readCertificateRequest(Buffer.from(bytes).toString('base64'));
        return read.ok ? Buffer.from(bytes).equals(der) : read.error.code === 'csr-malformed';
      }),
      propertyOptions(),
    );
  });
});

describe('a factory certificate', () => {
  const factory = makeRoot({ ...order, name: 'Factory' });
  const pinned = new X509Certificate(factory.certificate);
  const cas = openFactoryCas([pinned], clock);
  const deviceKey = privateKeyOf(createSeed());
  const proof = proofOf(leafOf({ commonName: deviceId }), deviceKey);

  test('of a pinned factory lets its device register, with the key that it signs for', () => {
    assert.deepEqual(cas.verify(proof, { deviceId, keyId: publicKey.keyId }), { ok: true, value: 'proved' });
  });

  test('is refused by name: unknown factory, run out, for another device, copied, or signed by a device', () => {
    const device = { deviceId, keyId: publicKey.keyId };
    assert.equal(codeOf(openFactoryCas([], clock).verify(proof, device)), 'factory-unknown-ca');
    assert.equal(codeOf(cas.verify({ ...proof, certificates: ['AAAA'] }, device)), 'factory-unknown-ca');
    assert.equal(codeOf(cas.verify(proof, { ...device, deviceId: other })), 'factory-certificate-for-another');
    const otherKey = signerFromSeed(createSeed()).publicKey.keyId;
    assert.equal(codeOf(cas.verify(proof, { deviceId, keyId: otherKey })), 'factory-proof-invalid');
    const old = proofOf(leafOf({ commonName: deviceId, days: 1 }), deviceKey);
    const later = { now: () => fleetInstant(NOW_MS + 2 * DAY_MS) };
    assert.equal(codeOf(openFactoryCas([pinned], later).verify(old, device)), 'factory-certificate-expired');
    const child = makeCertificate(
      { ...templateOf({ commonName: deviceId }), use: { kind: 'device' } },
      { name: subjectIn(factory.certificate), key: root.key },
    );
    assert.equal(codeOf(cas.verify(proofOf(child.der, deviceKey), device)), 'factory-unknown-ca', 'of another key');
  });

  function templateOf({ commonName, days = 365 }: { readonly commonName: string; readonly days?: number }) {
    const subjectKey = infoOfKey(publicKeyInfo(deviceKey).subarray(-32));
    return { subject: { commonName }, subjectKey, notBeforeMs: NOW_MS - 1_000, notAfterMs: NOW_MS + days * DAY_MS };
  }

  function leafOf(of: { readonly commonName: string; readonly days?: number }): Buffer {
    const signer = { name: subjectIn(factory.certificate), key: factory.key };
    return makeCertificate({ ...templateOf(of), use: { kind: 'device' } }, signer).der;
  }
});

function proofOf(leaf: Buffer, factoryKey: KeyObject): FactoryProof {
  const text = Buffer.from(factoryProofText({ deviceId, keyId: publicKey.keyId }));
  return { certificates: [leaf.toString('base64')], signature: sign(null, text, factoryKey).toString('base64') };
}

function idOf(text: string): DeviceId {
  const parsed = parseId<DeviceId>('device id', text);
  assert.ok(parsed.ok);
  return parsed.value;
}

function codeOf(result: { readonly ok: boolean; readonly error?: { readonly code: string } }): string {
  return result.error?.code ?? 'ok';
}

function detailOf(result: { readonly ok: boolean; readonly error?: { readonly detail: string } }): string {
  return result.error?.detail ?? '';
}
