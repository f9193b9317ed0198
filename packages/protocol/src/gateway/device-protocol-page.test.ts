// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { createPublicKey, hash, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { constants, zstdDecompressSync } from 'node:zlib';
import { NOT_YETS, REFUSALS } from '@outrider/domain/gateway/errors';
import { canonicalJson } from '@outrider/domain/kernel/canonical-json';
import type { Result } from '@outrider/domain/kernel/result';
import {
  ANSWER_BYTES_MAX,
  COMPONENTS_MAX,
  DETAIL_CHARACTERS_MAX,
  MANIFEST_BYTES_MAX,
  NESTING_DEPTH_MAX,
  REQUEST_BYTES_MAX,
} from '../kernel/limits.ts';
import { isProblemCode, PROBLEMS, parseProblem } from '../kernel/problem.ts';
import { parseCheckIn, parseCheckInAnswer } from './check-in.ts';
import { parsePermitAnswer, parsePermitRequest } from './permit.ts';
import { parseRegistration, parseRegistrationAnswer } from './registration.ts';
import { parseReport, parseReportAnswer } from './report.ts';
import { parseRequestIdentity, requestText } from './request-signature.ts';

/** The page that others write their devices from: what it shows is what the server reads. */
const PAGE = readFileSync(new URL('../../../../docs/protocol/device-protocol.md', import.meta.url), 'utf8');

const PARSERS: Readonly<Record<string, (text: string) => Result<unknown, unknown>>> = {
  registration: parseRegistration,
  'registration-answer': parseRegistrationAnswer,
  'check-in': parseCheckIn,
  'check-in-answer': parseCheckInAnswer,
  'permit-request': parsePermitRequest,
  'permit-answer': parsePermitAnswer,
  report: parseReport,
  'report-answer': parseReportAnswer,
  problem: parseProblem,
};

describe('the examples of the device protocol page', () => {
  const examples = [...PAGE.matchAll(/^```json ([a-z-]+): (.+)\n([\s\S]*?)\n```$/gm)];

  test('show every message of a device at least once', () => {
    assert.deepEqual(new Set(examples.map(([, message]) => message)), new Set(Object.keys(PARSERS)));
  });

  for (const [, message = '', name = '', text = ''] of examples) {
    test(`are read by the server, and are golden: ${message}, ${name}`, () => {
      const read = PARSERS[message]?.(text);
      assert.equal(read?.ok, true);
      const golden = goldenTexts(message).find((one) => one.name === name);
      assert.equal(canonicalJson(JSON.parse(text)), golden?.text);
    });
  }

  for (const info of ['http signed request', 'http signed read']) {
    test(`show a ${info.slice('http '.length)} whose signature verifies with any Ed25519`, () => {
      const [head = '', body = ''] = block(info).split('\n\n');
      const [line = '', ...fields] = head.split('\n');
      const [method, path = ''] = line.split(' ');
      const headers = Object.fromEntries(fields.map((field) => splitOnce(field.toLowerCase(), field)));
      const identity = parseRequestIdentity(headers);
      assert.ok(identity.ok && (method === 'POST' || method === 'GET'));
      const { publicKey } = JSON.parse(block('json registration: first')).publicKey;
      const x = Buffer.from(publicKey, 'base64').toString('base64url');
      const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
      const signed = Buffer.from(requestText({ method, path, body }), 'utf8');
      assert.equal(verify(null, signed, key, Buffer.from(identity.value.signature, 'base64')), true);
    });
  }

  test('show a delta that any zstd decodes to the image of the block list', () => {
    const base = Buffer.concat(Array.from({ length: 128 }, (_, index) => hash('sha256', `base ${index}`, 'buffer')));
    const delta = Buffer.from(cell('delta, 28 bytes'), 'hex');
    const params = { [constants.ZSTD_d_windowLogMax]: 29 };
    const image = zstdDecompressSync(delta, { dictionary: base, params });
    const blocks = Buffer.from(cell('block list, 64 bytes'), 'hex');
    assert.equal(image.toString('latin1'), `${base.toString('latin1')}outrider`);
    assert.equal(hash('sha256', base), cell('base'));
    assert.equal(hash('sha256', image), cell('image'));
    const hashes = [image.subarray(0, 4096), image.subarray(4096)].map((one) => hash('sha256', one));
    assert.equal(hashes.join(''), blocks.toString('hex'));
    assert.equal(hash('sha256', blocks), cell('digest of the block list'));
  });
});

describe('the tables of the device protocol page', () => {
  test('name every refusal and every "not yet" with its sentence, and no other', () => {
    assert.deepEqual(Object.fromEntries(rowsOf('refusal').map(codeAndText)), REFUSALS);
    assert.deepEqual(Object.fromEntries(rowsOf('not yet').map(codeAndText)), NOT_YETS);
  });

  test('name every event of a report', () => {
    const [example] = goldenTexts('report');
    for (const [event] of rowsOf('event').map(codeAndText)) {
      assert.ok(parseReport(JSON.stringify({ ...JSON.parse(example?.text ?? ''), event })).ok, event);
    }
    assert.equal(rowsOf('event').length, 7);
  });

  test('give each error the status that it has', () => {
    const rows = rowsOf('code');
    assert.ok(rows.length > 10);
    for (const [code = '', status] of rows) {
      const name = code.replaceAll('`', '');
      assert.ok(isProblemCode(name), name);
      assert.equal(Number(status), PROBLEMS[name].status, name);
    }
  });

  test('give the limits that the readers enforce', () => {
    const limits = rowsOf('what').map(([, most = '']) => Number(most.replaceAll(',', '').split(' ')[0]));
    const enforced = [REQUEST_BYTES_MAX, ANSWER_BYTES_MAX, MANIFEST_BYTES_MAX, NESTING_DEPTH_MAX, COMPONENTS_MAX];
    for (const limit of [...enforced, DETAIL_CHARACTERS_MAX]) assert.ok(limits.includes(limit), `${limit}`);
  });
});

function goldenTexts(message: string): readonly { readonly name: string; readonly text: string }[] {
  return JSON.parse(readFileSync(new URL(`../../vectors/v1/${message}.json`, import.meta.url), 'utf8')).accepted;
}

/** The fenced block with this info string. */
function block(info: string): string {
  const found = PAGE.split(`\n\`\`\`${info}\n`)[1]?.split('\n```')[0];
  assert.ok(found !== undefined, info);
  return found;
}

/** Rows of all tables whose first column has this head. */
function rowsOf(head: string): readonly (readonly string[])[] {
  const tables = PAGE.split('\n\n').filter((one) => one.startsWith(`| ${head} |`));
  return tables.flatMap((table) =>
    table
      .split('\n')
      .slice(2)
      .map((row) =>
        row
          .split('|')
          .slice(1, -1)
          .map((one) => one.trim()),
      ),
  );
}

function codeAndText([code = '', text = '']: readonly string[]): readonly [string, string] {
  return [code.replaceAll('`', ''), text];
}

function cell(what: string): string {
  const row = rowsOf('what').find(([name]) => name === what);
  assert.ok(row?.[1] !== undefined, what);
  return row[1].replaceAll('`', '');
}

/** A header field: its name in lower case, its value as it stands. */
function splitOnce(lower: string, field: string): readonly [string, string] {
  const colon = field.indexOf(':');
  return [lower.slice(0, colon), field.slice(colon + 1).trim()];
}
