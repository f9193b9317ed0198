// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { ok, type Result } from '@outrider/domain/kernel/result';
import { propertyOptions } from '@outrider/testkit/seed';
import fc from 'fast-check';
import * as checkIn from '../gateway/check-in.ts';
import * as device from '../gateway/device-record.ts';
import * as ledger from '../gateway/ledger.ts';
import * as permit from '../gateway/permit.ts';
import * as registration from '../gateway/registration.ts';
import * as report from '../gateway/report.ts';
import * as version from '../gateway/version-manifest.ts';
import { encodeJson } from '../kernel/json-text.ts';
import { describeParseError, type ParseError } from '../kernel/parse-error.ts';
import { parseProblem } from '../kernel/problem.ts';
import * as approval from '../policy/approval.ts';
import * as charter from '../policy/charter.ts';
import * as exposure from '../policy/exposure.ts';
import * as change from '../policy/policy-change.ts';
import * as plan from '../policy/rollout-plan.ts';
import * as release from '../release/manifest.ts';
import * as anchors from '../trust/anchors.ts';
import * as envelope from '../trust/envelope.ts';
import * as keyFile from '../trust/key-file.ts';
import { encodeChooser, parseChooser } from './chooser.ts';
import { encodeJournal, parseJournal } from './journal.ts';

/** What a reader makes of a text, written again. */
type Reread = (text: string) => Result<string, ParseError>;

/** Every message, by the name of its golden file in vectors/v1. */
const MESSAGES: Readonly<Record<string, Reread>> = {
  approval: reread(approval.parseApproval, approval.encodeApproval),
  charter: reread(charter.parseCharter, charter.encodeCharter),
  'boot-chooser': reread(parseChooser, encodeChooser),
  'check-in': reread(checkIn.parseCheckIn, checkIn.encodeCheckIn),
  'check-in-answer': reread(checkIn.parseCheckInAnswer, checkIn.encodeCheckInAnswer),
  'device-record': reread(device.parseDeviceRecord, device.encodeDeviceRecord),
  envelope: reread(envelope.parseEnvelope, envelope.encodeEnvelope),
  exposure: reread(exposure.parseExposure, exposure.encodeExposure),
  journal: reread(parseJournal, encodeJournal),
  'key-file': reread(keyFile.parseKeyFile, keyFile.encodeKeyFile),
  'known-device': reread(device.parseKnownDevice, device.encodeKnownDevice),
  'ledger-outcome': reread(ledger.parseLedgerOutcome, ledger.encodeLedgerOutcome),
  'ledger-row': reread(ledger.parseLedgerRow, ledger.encodeLedgerRow),
  permit: reread(permit.parsePermitDocument, permit.encodePermitDocument),
  'permit-answer': reread(permit.parsePermitAnswer, permit.encodePermitAnswer),
  'permit-request': reread(permit.parsePermitRequest, permit.encodePermitRequest),
  'policy-change': reread(change.parsePolicyChange, change.encodePolicyChange),
  'policy-entry': reread(change.parsePolicyEntry, change.encodePolicyEntry),
  problem: reread(parseProblem, encodeJson),
  'published-release': reread(release.parsePublishedRelease, release.encodePublishedRelease),
  registration: reread(registration.parseRegistration, registration.encodeRegistration),
  'registration-answer': reread(registration.parseRegistrationAnswer, registration.encodeRegistrationAnswer),
  'release-manifest': reread(release.parseManifest, release.encodeManifest),
  report: reread(report.parseReport, report.encodeReport),
  'report-answer': reread(report.parseReportAnswer, report.encodeReportAnswer),
  'rollout-plan': reread(plan.parseRolloutPlan, plan.encodeRolloutPlan),
  'signed-charter': reread(charter.parseSignedCharter, charter.encodeSignedCharter),
  'signing-role': reread(anchors.parseSigningRole, anchors.encodeSigningRole),
  'trust-anchors': reread(anchors.parseTrustAnchors, anchors.encodeTrustAnchors),
  'version-manifest': reread(version.parseVersionManifest, version.encodeVersionManifest),
  'wave-opening': reread(charter.parseWaveOpening, charter.encodeWaveOpening),
};

/** Golden files of another shape, each with a test of its own. */
const OTHER_FILES = ['charter-check.json', 'decisions.json', 'overview.json', 'places.json', 'signatures.json'];

/** Messages whose reader leaves out members on purpose: the extension members of RFC 9457. */
const LOSSY = ['problem'];

interface Vectors {
  readonly accepted: readonly { readonly name: string; readonly text: string }[];
  readonly refused: readonly { readonly name: string; readonly text: string; readonly path: string }[];
}

describe('golden messages of version 1', () => {
  test('are there for every message, and no file is left unread', () => {
    const expected = [...Object.keys(MESSAGES).map((name) => `${name}.json`), ...OTHER_FILES];
    assert.deepEqual(readdirSync(folder()).sort(), expected.sort());
  });

  for (const [message, again] of Object.entries(MESSAGES)) {
    const { accepted, refused } = vectorsOf(message);
    for (const { name, text } of accepted) {
      test(`${message} is read and written again byte by byte: ${name}`, () => {
        const written = again(text);
        assert.ok(written.ok, written.ok ? '' : describeParseError(written.error));
        if (!LOSSY.includes(message)) assert.equal(written.value, text);
      });
    }
    for (const { name, text, path } of refused) {
      test(`${message} is refused at the place that is wrong: ${name}`, () => {
        const result = again(text);
        assert.equal(!result.ok && result.error.path, path);
      });
    }
  }
});

describe('a message from a hostile or newer sender', () => {
  for (const [message, again] of Object.entries(MESSAGES)) {
    const texts = vectorsOf(message).accepted.map((one) => one.text);

    test(`${message} with a value replaced is read or refused by name, never thrown at`, () => {
      fc.assert(
        fc.property(fc.constantFrom(...texts), fc.nat(), fc.jsonValue({ maxDepth: 2 }), (text, place, value) => {
          judge(message, again(JSON.stringify(replaced(JSON.parse(text), place, value))));
        }),
        propertyOptions({ runs: 60 }),
      );
    });

    test(`${message} cut and spliced is read or refused by name, never thrown at`, () => {
      fc.assert(
        fc.property(
          fc.constantFrom(...texts),
          fc.nat(),
          fc.nat(9),
          fc.string({ unit: 'binary' }),
          (text, at, cut, splice) => {
            const start = at % (text.length + 1);
            judge(message, again(text.slice(0, start) + splice + text.slice(start + cut)));
          },
        ),
        propertyOptions({ runs: 60 }),
      );
    });
  }

  test('is understood although it has members that are not known yet', () => {
    const [first] = vectorsOf('check-in').accepted;
    assert.ok(first !== undefined);
    const newer = JSON.stringify({
      ...JSON.parse(first.text),
      battery: 0.8,
      running: { ...JSON.parse(first.text).running, mood: 1 },
    });
    assert.deepEqual(checkIn.parseCheckIn(newer), checkIn.parseCheckIn(first.text));
  });

  test('cannot smuggle a prototype in', () => {
    const [first] = vectorsOf('report-answer').accepted;
    assert.ok(first !== undefined);
    const parsed = report.parseReportAnswer(first.text.replace('{', '{"__proto__":{"result":"counted"},'));
    assert.ok(parsed.ok && Object.getPrototypeOf(parsed.value) === Object.prototype);
    assert.equal(report.parseReportAnswer('{"__proto__":{"result":"counted"}}').ok, false);
  });

  test('is refused when it is larger than its limit, counted in bytes of UTF-8', () => {
    const padded = (filler: string) => checkIn.parseCheckIn(`{"x":"${filler.repeat(30_000)}"}`);
    const seen = (filler: string) => {
      const result = padded(filler);
      return result.ok ? '' : result.error.path;
    };
    assert.equal(seen('a'), 'check-in.deviceId', 'small enough, and read');
    assert.equal(seen('ä'), 'check-in.deviceId', '60,000 bytes');
    assert.equal(seen('€'), 'check-in', '90,000 bytes');
  });
});

describe('what is generated', () => {
  const label = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._:@+-]{0,20}$/);
  const digest = fc.stringMatching(/^[0-9a-f]{64}$/);
  const count = fc.nat(2 ** 31 - 1);
  const running = fc.record({
    version: fc.constantFrom('0.0.0', '1.2.3', '2.0.0-rc.1+build.7'),
    releaseCounter: count,
    components: fc.array(
      fc.record({ name: label, digest, version: fc.constant('1.0.0') }, { requiredKeys: ['name', 'digest'] }),
      { maxLength: 3 },
    ),
  });
  const detail = fc.string({ unit: 'grapheme', maxLength: 200 }).filter((text) => !text.includes('\0'));
  const values: Readonly<Record<string, fc.Arbitrary<object>>> = {
    'check-in': fc.record(
      {
        deviceId: label,
        sequence: fc.integer({ min: 1 }),
        running,
        state: fc.constantFrom('idle', 'verified'),
        rolloutId: label,
      },
      { requiredKeys: ['deviceId', 'sequence', 'running', 'state'] },
    ),
    report: fc.record(
      {
        deviceId: label,
        sequence: fc.integer({ min: 1 }),
        rolloutId: label,
        releaseId: label,
        permitId: label,
        event: fc.constantFrom('verified', 'reverted', 'install-failed', 'crash', 'sensor-fault'),
        running,
        detail,
      },
      { requiredKeys: ['deviceId', 'sequence', 'rolloutId', 'releaseId', 'event', 'running', 'detail'] },
    ),
    exposure: fc.record({
      rolloutId: label,
      waveIndex: fc.nat(31),
      waveStartedAt: fc.nat(8_640_000_000_000_000),
      pi: fc.double({ min: 0, max: 1, noNaN: true }).map((share) => share + 0),
      cap: count,
      granted: count,
      segments: fc.array(fc.record({ segment: label, population: count, cap: count, granted: count }), {
        maxLength: 4,
      }),
      downloadsAllowed: count,
      isComplete: fc.boolean(),
    }),
  };

  for (const [message, arbitrary] of Object.entries(values)) {
    test(`${message} comes back as it was written`, () => {
      fc.assert(
        fc.property(arbitrary, (value) => {
          const text = encodeJson(value);
          assert.deepEqual(MESSAGES[message]?.(text), ok(text));
        }),
        propertyOptions({ runs: 200 }),
      );
    });
  }
});

function reread<T>(parse: (text: string) => Result<T, ParseError>, encode: (value: T & object) => string): Reread {
  return (text) => {
    const parsed = parse(text);
    if (!parsed.ok) return parsed;
    assert.ok(typeof parsed.value === 'object' && parsed.value !== null);
    return ok(encode(parsed.value));
  };
}

/** Whatever came: either a named error with its place, or a value that is written and read as itself. */
function judge(message: string, result: Result<string, ParseError>): void {
  if (!result.ok) {
    assert.equal(result.error.code, 'body-malformed');
    assert.ok(result.error.path.startsWith(message) && result.error.seen !== '' && result.error.allowed !== '');
    return;
  }
  assert.deepEqual(MESSAGES[message]?.(result.value), result);
}

/** The value with one of its members, counted over all levels, replaced. */
function replaced(value: unknown, place: number, by: unknown): unknown {
  const total = memberCount(value);
  let left = place % total;
  const visit = (one: unknown): unknown => {
    if (left-- === 0) return by;
    if (typeof one !== 'object' || one === null) return one;
    if (Array.isArray(one)) return one.map(visit);
    return Object.fromEntries(Object.entries(one).map(([key, member]) => [key, visit(member)]));
  };
  return visit(value);
}

function memberCount(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 1;
  return Object.values(value).reduce((sum: number, member) => sum + memberCount(member), 1);
}

function folder(): URL {
  return new URL('../../vectors/v1/', import.meta.url);
}

function vectorsOf(message: string): Vectors {
  return JSON.parse(readFileSync(new URL(`${message}.json`, folder()), 'utf8'));
}
