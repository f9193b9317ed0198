// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import type { KeyObject } from 'node:crypto';
import { Agent } from 'node:https';
import { test } from 'node:test';
import { makeCertificateRequest } from '@outrider/adapters/shared/x509/certificate-request';
import { present } from '@outrider/domain/kernel/assert';
import type { DeviceId, ReleaseCounter } from '@outrider/domain/kernel/ids';
import type { Server } from '../compose.ts';
import { DEVICE_TYPE } from '../rehearsal.ts';
import { codeOf, newKey, pem, sendOverTls, type TlsAnswer, withAgent } from './rehearsed-tls-device.ts';

/** What everything that ends mutual TLS must do for clients of hawkBit's DDI, with client certificates and with tokens. */
export function ddiThroughTerminator({ server, port, roots }: DdiWorld): void {
  async function added(id: string) {
    // The constructors of an id and a counter in tests.
    const deviceId = id as DeviceId;
    const attributes = {
      ...{ deviceType: DEVICE_TYPE, hardwareId: 'rev-a', model: 'm', region: 'eu', customer: 'c', carrier: 'w' },
      tags: [],
    };
    const device = { deviceId, attributes, version: '1.0.0', releaseCounter: 1 as ReleaseCounter };
    const made = await server.ddi.registrations.add([{ ...device, shows: 'target-token' }], 'ada');
    assert.ok(made.ok);
    return { deviceId, token: present(made.value[0]?.targetToken, 'a token') };
  }

  async function certified(deviceId: DeviceId, key: KeyObject) {
    const order = { deviceId, csr: makeCertificateRequest(deviceId, key), author: 'ada' };
    const given = await server.ddi.registrations.giveCertificate(order);
    assert.ok(given.ok);
    return { cert: given.value.chain, key: pem(key) };
  }

  async function ask(asked: Asked): Promise<TlsAnswer> {
    const { path, method = 'GET', body = '', headers = {}, shown = {} } = asked;
    const agent = new Agent({ ca: roots, maxCachedSessions: 0, ...shown });
    return withAgent(agent, () => sendOverTls({ agent, port: port(), path, method, body, headers }));
  }

  const rootOf = (deviceId: string) => `/DEFAULT/controller/v1/${deviceId}`;
  const configDataOf = (answer: TlsAnswer) => JSON.parse(answer.body)._links?.configData?.href;

  for (const kind of ['p-256', 'rsa'] as const) {
    test(`a DDI client with a certificate for a key of ${kind} polls, is given links of https and tells of itself`, async () => {
      const { deviceId } = await added(`gate-${kind}`);
      const shown = await certified(deviceId, newKey(kind));
      const host = `127.0.0.1:${port()}`;
      const base = await ask({ path: rootOf(deviceId), shown });
      assert.equal(base.status, 200, base.body);
      assert.equal(configDataOf(base), `https://${host}${rootOf(deviceId)}/configData`);
      const headers = { 'content-type': 'application/json' };
      const body = JSON.stringify({ mode: 'merge', data: { fingers: '5' } });
      const told = await ask({ path: `${rootOf(deviceId)}/configData`, method: 'PUT', body, headers, shown });
      assert.equal(told.status, 200, told.body);
      const file = await ask({ path: `${rootOf(deviceId)}/softwaremodules/0/artifacts/main.swu`, shown });
      assert.deepEqual([file.status, codeOf(file)], [404, 'blob-unknown'], 'the gateway says so, and not a proxy');
      const stranger = await ask({ path: rootOf('gate-of-others'), shown });
      assert.ok(stranger.status === 401 || stranger.status === 403, stranger.body);
    });
  }

  test('a DDI client with a target token polls without a certificate, and is given links of https', async () => {
    const { deviceId, token } = await added('gate-token');
    const path = rootOf(deviceId);
    const polled = await ask({ path, headers: { authorization: `TargetToken ${token}` } });
    assert.equal(polled.status, 200, polled.body);
    assert.match(configDataOf(polled), /^https:/);
    const wrong = await ask({ path, headers: { authorization: `TargetToken ${token}x` } });
    assert.deepEqual([wrong.status, codeOf(wrong)], [401, 'ddi-token-invalid']);
    const tenant = await ask({ path: `/acme/controller/v1/${deviceId}` });
    assert.deepEqual([tenant.status, codeOf(tenant)], [404, 'tenant-unknown']);
  });

  test('a DDI client cannot say whose certificate it has shown, with a certificate of its own or without', async () => {
    const victim = await added('gate-victim');
    await certified(victim.deviceId, newKey('p-256'));
    const thief = await added('gate-thief');
    const own = await certified(thief.deviceId, newKey('p-256'));
    const forged = {
      'outrider-certificate-device': victim.deviceId,
      'outrider-certificate-subject': `CN=${victim.deviceId}`,
      'outrider-certificate-serial': '1',
      'outrider-certificate-sha256': 'a'.repeat(64),
      'outrider-certificate-verify': '0',
    };
    for (const spelled of [(name: string) => name, upperCased, underscored]) {
      const headers = Object.fromEntries(Object.entries(forged).map(([name, value]) => [spelled(name), value]));
      for (const shown of [{}, own]) {
        const claimed = await ask({ path: rootOf(victim.deviceId), headers, shown });
        assert.ok(claimed.status === 401 || claimed.status === 403, `${claimed.status} ${claimed.body}`);
      }
    }
  });

  test('a DDI client that was given a certificate for a new key is refused with the one before', async () => {
    const { deviceId } = await added('gate-renewed');
    const former = await certified(deviceId, newKey('p-256'));
    const next = await certified(deviceId, newKey('p-256'));
    const path = rootOf(deviceId);
    assert.equal((await ask({ path, shown: next })).status, 200);
    const refused = await ask({ path, shown: former });
    assert.deepEqual([refused.status, codeOf(refused)], [401, 'certificate-superseded']);
    const change = { author: 'ada', kind: 'device-revoked', deviceId, reason: 'stolen' } as const;
    assert.ok((await server.identities.changeKey(change)).ok);
    const revoked = await ask({ path, shown: next });
    assert.deepEqual([revoked.status, codeOf(revoked)], [403, 'device-revoked']);
  });
}

interface DdiWorld {
  readonly server: Server;
  readonly port: () => number;
  /** PEM, of the server. */
  readonly roots: string;
}

interface Asked {
  readonly path: string;
  readonly method?: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** What the client shows in its handshake. */
  readonly shown?: { readonly cert?: string; readonly key?: string };
}

const upperCased = (name: string) => name.toUpperCase();
/** Some servers take the one for the other. */
const underscored = (name: string) => name.replaceAll('-', '_');
