// SPDX-License-Identifier: Apache-2.0
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { makeCertificateRequest, readCertificateRequest } from '@outrider/adapters/shared/x509/certificate-request';
import { readWhole } from '@outrider/adapters/shared/x509/der-read';
import { applyDelta } from '@outrider/delta/apply';
import { listBlocks } from '@outrider/delta/block-list';
import { checkBlocks } from '@outrider/delta/check-blocks';
import { encodeDelta } from '@outrider/delta/encode';
import { DeltaError } from '@outrider/delta/errors';
import { assert } from '@outrider/domain/kernel/assert';
import type { Bytes } from '@outrider/domain/kernel/ids';
import { fleetInstant } from '@outrider/domain/kernel/time';
import { parseCheckIn, parseCheckInAnswer } from '@outrider/protocol/gateway/check-in';
import { parseClientCertificate, parseVerifyResult } from '@outrider/protocol/gateway/client-certificate';
import { parsePermitAnswer, parsePermitDocument, parsePermitRequest } from '@outrider/protocol/gateway/permit';
import { parseRegistration, parseRegistrationAnswer } from '@outrider/protocol/gateway/registration';
import { parseReport, parseReportAnswer } from '@outrider/protocol/gateway/report';
import { parseRequestIdentity } from '@outrider/protocol/gateway/request-signature';
import { parseProblem } from '@outrider/protocol/kernel/problem';
import { parseApproval } from '@outrider/protocol/policy/approval';
import { parseCharter, parseSignedCharter, parseWaveOpening } from '@outrider/protocol/policy/charter';
import { parseRolloutPlan } from '@outrider/protocol/policy/rollout-plan';
import { parseManifest } from '@outrider/protocol/release/manifest';
import { parseTrustAnchors } from '@outrider/protocol/trust/anchors';
import { parseEnvelope } from '@outrider/protocol/trust/envelope';
import { metadataReader } from '@outrider/protocol/trust/tuf/read-metadata';
import { deviceLab } from '@outrider/testkit/device-lab';
import { labRepositories } from '@outrider/testkit/lab-repositories';

/** What a parser said: it took the input, or refused it by a name. */
export type Verdict = { readonly ok: true } | { readonly ok: false; readonly error: unknown };

/** A parser of bytes that come from the network. */
export type FuzzedParser = FuzzedText | FuzzedBytes;

export interface FuzzedText {
  readonly kind: 'text';
  readonly name: string;
  readonly golden: readonly string[];
  readonly parse: (text: string) => Verdict;
}

export interface FuzzedBytes {
  readonly kind: 'bytes';
  readonly name: string;
  readonly golden: readonly Uint8Array[];
  readonly parse: (bytes: Uint8Array) => Promise<Verdict>;
  /** Whether the outermost shell is whole: a frame, a header, an element of DER. */
  readonly passesOuter: (bytes: Uint8Array) => boolean;
  /** Its share of the inputs of a run, in thousandths: each costs a stream or a dictionary. */
  readonly shareOfThousand: number;
}

/** Every one there is, with its golden inputs. */
export async function fuzzedParsers(): Promise<readonly FuzzedParser[]> {
  return [...messages(), ...headers(), ...(await metadata()), ...(await binary())];
}

const MESSAGES: Readonly<Record<string, (text: string) => Verdict>> = {
  'check-in': parseCheckIn,
  'check-in-answer': parseCheckInAnswer,
  'permit-request': parsePermitRequest,
  'permit-answer': parsePermitAnswer,
  permit: parsePermitDocument,
  report: parseReport,
  'report-answer': parseReportAnswer,
  registration: parseRegistration,
  'registration-answer': parseRegistrationAnswer,
  envelope: parseEnvelope,
  'release-manifest': parseManifest,
  charter: parseCharter,
  'signed-charter': parseSignedCharter,
  'wave-opening': parseWaveOpening,
  approval: parseApproval,
  'rollout-plan': parseRolloutPlan,
  'trust-anchors': parseTrustAnchors,
  problem: parseProblem,
};

function messages(): readonly FuzzedParser[] {
  return Object.entries(MESSAGES).map(([name, parse]) => ({ kind: 'text', name, golden: vectorsOf(name), parse }));
}

/** Header fields, written as an object of texts: what node:http hands over. */
function headers(): readonly FuzzedParser[] {
  const signature = 'A'.repeat(86);
  const identity = { 'outrider-device': 'camera-0001', 'outrider-signature': `${signature}==` };
  const certificate = {
    'outrider-certificate-device': 'camera-0001',
    'outrider-certificate-serial': '0A1B2C',
    'outrider-certificate-sha256': 'a'.repeat(64),
    'outrider-certificate-verify': '0',
  };
  const asHeaders = (parse: (headers: Readonly<Record<string, string>>) => Verdict) => (text: string) => {
    const value: unknown = parsedOr(text);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    const texts = isObject ? Object.entries(value).filter(([, one]) => typeof one === 'string') : [['x', text]];
    return parse(Object.fromEntries(texts));
  };
  return [
    {
      ...{ kind: 'text', name: 'signature headers', golden: [JSON.stringify(identity)] },
      parse: asHeaders(parseRequestIdentity),
    },
    {
      ...{ kind: 'text', name: 'certificate headers', golden: [JSON.stringify(certificate)] },
      parse: asHeaders((fields) => {
        const read = parseClientCertificate(fields);
        return read.ok ? parseVerifyResult(fields) : read;
      }),
    },
  ];
}

async function metadata(): Promise<readonly FuzzedParser[]> {
  const lab = await deviceLab([{ main: new Uint8Array(3_000) }]);
  const repositories = await labRepositories(lab, fleetInstant(1_800_000_000_000));
  const texts = [...repositories.files].filter(([name]) => name.endsWith('.json'));
  const roles = ['root', 'timestamp', 'snapshot', 'targets'] as const;
  return roles.map((role) => {
    const golden = texts.filter(([name]) => name.includes(role)).map(([, text]) => text);
    assert(golden.length > 0, `metadata of ${role} in the lab`);
    return { kind: 'text', name: `metadata ${role}`, golden, parse: (text) => metadataReader[role](text) };
  });
}

async function binary(): Promise<readonly FuzzedParser[]> {
  const base = Uint8Array.from({ length: 20_000 }, (_, index) => (index * 7_919) % 251);
  const next = Uint8Array.from(base, (byte, index) => (index % 997 === 0 ? byte ^ 1 : byte));
  const encoded = await encodeDelta(base, next);
  assert(encoded.ok, 'a delta between two small images');
  const { image, blocks } = await listBlocks([next], 1_024 as Bytes);
  const { privateKey } = generateKeyPairSync('ed25519');
  const request = Buffer.from(makeCertificateRequest('camera-0001', privateKey), 'base64');
  return [
    {
      ...{ kind: 'bytes', name: 'delta (zstd-patch-1)', golden: [encoded.value.content], shareOfThousand: 4 },
      passesOuter: (bytes: Uint8Array) =>
        bytes[0] === 0x28 && bytes[1] === 0xb5 && bytes[2] === 0x2f && bytes[3] === 0xfd,
      parse: (bytes: Uint8Array) => drained(applyDelta([bytes], base, next.byteLength as Bytes)),
    },
    {
      ...{ kind: 'bytes', name: 'block list', golden: [blocks], shareOfThousand: 10 },
      passesOuter: (bytes: Uint8Array) => bytes.byteLength === blocks.byteLength,
      parse: (bytes: Uint8Array) => drained(checkBlocks([next], image, bytes)),
    },
    {
      ...{ kind: 'bytes', name: 'certificate request (PKCS#10)', golden: [request], shareOfThousand: 30 },
      passesOuter: (bytes: Uint8Array) => readWhole(bytes) !== undefined,
      parse: async (bytes: Uint8Array) => readCertificateRequest(Buffer.from(bytes).toString('base64')),
    },
  ];
}

async function drained(stream: AsyncIterable<Uint8Array>): Promise<Verdict> {
  try {
    for await (const _ of stream);
    return { ok: true };
  } catch (cause) {
    if (cause instanceof DeltaError) return { ok: false, error: { code: cause.code } };
    throw cause;
  }
}

function parsedOr(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    if (cause instanceof SyntaxError) return text;
    throw cause;
  }
}

function vectorsOf(message: string): readonly string[] {
  const url = new URL(`../../packages/protocol/vectors/v1/${message}.json`, import.meta.url);
  const { accepted } = JSON.parse(readFileSync(url, 'utf8'));
  return accepted.map((one: { readonly text: string }) => one.text);
}
