// SPDX-License-Identifier: Apache-2.0
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { openFactoryCas } from '@outrider/adapters/server/ca/factory-cas';
import { CA_LIVES, makeRoot } from '@outrider/adapters/server/ca/init-ca';
import { makeCertificate } from '@outrider/adapters/server/ca/make-certificate';
import { publicKeyInfo } from '@outrider/adapters/shared/ed25519';
import { approverRoleOf, metadataSigner } from '@outrider/adapters/shared/metadata-keys';
import { signMetadata } from '@outrider/adapters/shared/metadata-repository';
import { makeCertificateRequest, readCertificateRequest } from '@outrider/adapters/shared/x509/certificate-request';
import { readWhole } from '@outrider/adapters/shared/x509/der-read';
import { subjectIn } from '@outrider/adapters/shared/x509/distinguished-name';
import { applyDelta } from '@outrider/delta/apply';
import { listBlocks } from '@outrider/delta/block-list';
import { checkBlocks } from '@outrider/delta/check-blocks';
import { encodeDelta } from '@outrider/delta/encode';
import { DeltaError } from '@outrider/delta/errors';
import { bytesOfHex, parseAttest } from '@outrider/domain/gateway/tpm-quote';
import { assert } from '@outrider/domain/kernel/assert';
import { type Bytes, type DeviceId, type KeyId, parseId } from '@outrider/domain/kernel/ids';
import { fleetInstant } from '@outrider/domain/kernel/time';
import { personDigest } from '@outrider/domain/trust/person';
import { nextApprovers } from '@outrider/domain/trust/tuf/approvers';
import { parseCheckIn, parseCheckInAnswer } from '@outrider/protocol/gateway/check-in';
import { parseClientCertificate, parseVerifyResult } from '@outrider/protocol/gateway/client-certificate';
import { parseConfigData, parseDdiFeedback } from '@outrider/protocol/gateway/ddi/feedback';
import { parsePermitAnswer, parsePermitDocument, parsePermitRequest } from '@outrider/protocol/gateway/permit';
import { parseRegistration, parseRegistrationAnswer } from '@outrider/protocol/gateway/registration';
import { parseReport, parseReportAnswer } from '@outrider/protocol/gateway/report';
import { parseRequestIdentity } from '@outrider/protocol/gateway/request-signature';
import { parseVersionManifest } from '@outrider/protocol/gateway/version-manifest';
import { parseProblem } from '@outrider/protocol/kernel/problem';
import { parseApproval } from '@outrider/protocol/policy/approval';
import { parseCharter, parseSignedCharter, parseWaveOpening } from '@outrider/protocol/policy/charter';
import { parsePolicyChange, parsePolicyEntry } from '@outrider/protocol/policy/policy-change';
import { parseRolloutPlan } from '@outrider/protocol/policy/rollout-plan';
import { parseManifest } from '@outrider/protocol/release/manifest';
import { parseTrustAnchors } from '@outrider/protocol/trust/anchors';
import { parseEnvelope } from '@outrider/protocol/trust/envelope';
import { parseHandOver } from '@outrider/protocol/trust/hand-over';
import { metadataReader } from '@outrider/protocol/trust/tuf/read-metadata';
import { type DeviceLab, deviceLab } from '@outrider/testkit/device-lab';
import { type LabRepositories, labRepositories } from '@outrider/testkit/lab-repositories';

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
  return [...messages(), ...written(), ...headers(), ...(await metadata()), ...(await binary())];
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
  'policy-change': parsePolicyChange,
  'policy-entry': parsePolicyEntry,
  'version-manifest': parseVersionManifest,
};

function messages(): readonly FuzzedParser[] {
  return Object.entries(MESSAGES).map(([name, parse]) => ({ kind: 'text', name, golden: vectorsOf(name), parse }));
}

/** Bodies that have no vectors: what clients of hawkBit send, and what an offline ceremony left beside the repositories. */
function written(): readonly FuzzedParser[] {
  const feedback = {
    id: '1',
    time: '20261128T190000',
    status: { result: { finished: 'success', progress: { of: 1, cnt: 1 } }, execution: 'closed', details: ['done'] },
  };
  const roots = { image: '{"signed":{}}', director: '{"signed":{}}' };
  const texts: Readonly<Record<string, readonly [(text: string) => Verdict, object]>> = {
    'DDI feedback': [parseDdiFeedback, feedback],
    'DDI configData': [parseConfigData, { mode: 'merge', data: { hw: 'rev-a', site: 'north' } }],
    'hand-over': [parseHandOver, { expiresAt: 1_800_000_000_000, roots, schema: 1 }],
  };
  return Object.entries(texts).map(([name, [parse, body]]) => {
    return { kind: 'text', name, golden: [JSON.stringify(body)], parse };
  });
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
  const withApprovers = await rootWithApprovers(lab, repositories);
  return roles.map((role) => {
    const golden = texts.filter(([name]) => name.includes(role)).map(([, text]) => text);
    assert(golden.length > 0, `metadata of ${role} in the lab`);
    if (role !== 'root') {
      return { kind: 'text', name: `metadata ${role}`, golden, parse: (text) => metadataReader[role](text) };
    }
    return {
      ...{ kind: 'text', name: 'metadata root', golden: [...golden, withApprovers] },
      parse(text: string) {
        const read = metadataReader.root(text);
        // Who approves is taken out of whatever was read.
        if (read.ok) approverRoleOf(read.value.signed);
        return read;
      },
    };
  });
}

/** The director's next root, which says who approves and whose keys they are. */
async function rootWithApprovers(lab: DeviceLab, { files, keys }: LabRepositories): Promise<string> {
  const root = metadataReader.root(files.get('director/1.root.json') ?? '');
  assert(root.ok, 'a root of the lab');
  const add = lab.approverSigners.map((signer, index) => {
    const { keyId, key } = metadataSigner(signer);
    return { keyId, key, group: `group-${index}` };
  });
  const people = new Map([['group-0', personDigest('grace')]]);
  const change = { remove: [], add, people };
  const next = nextApprovers(root.value.signed, { change, now: fleetInstant(1_800_000_000_000) });
  assert(next.ok, 'approvers that can be named');
  return signMetadata(next.value, [keys.root]);
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
    factoryCertificate(),
    tpmAttest(),
  ];
}

/** Certificates as a device of a factory registers with them: read, and looked at as its own and as the CA above another one. */
function factoryCertificate(): FuzzedParser {
  const nowMs = 1_800_000_000_000;
  const order = { name: 'Factory', serverNames: [], nowMs, lives: CA_LIVES };
  const [root, between] = [makeRoot(order), makeRoot({ ...order, name: 'Line 4' })];
  const { privateKey } = generateKeyPairSync('ed25519');
  const template = { subjectKey: publicKeyInfo(privateKey), notBeforeMs: nowMs - 1_000, notAfterMs: nowMs + 1_000_000 };
  const leaf = makeCertificate(
    { ...template, subject: { commonName: 'camera-1' }, use: { kind: 'device' } },
    { name: subjectIn(between.certificate), key: between.key },
  );
  const cas = openFactoryCas([new X509Certificate(root.certificate)], { now: () => fleetInstant(nowMs) });
  const named = parseId<DeviceId>('device id', 'camera-1');
  assert(named.ok, 'an id');
  const device = { deviceId: named.value, keyId: 'a'.repeat(64) as KeyId };
  const verdictOn = (certificates: readonly Uint8Array[]) =>
    cas.verify(
      { certificates: certificates.map((one) => Buffer.from(one).toString('base64')), signature: 'AAAA' },
      device,
    );
  return {
    ...{ kind: 'bytes', name: 'factory certificate (X.509)', golden: [leaf.der, between.certificate] },
    shareOfThousand: 30,
    passesOuter: (bytes: Uint8Array) => readWhole(bytes) !== undefined,
    async parse(bytes: Uint8Array) {
      const alone = verdictOn([bytes]);
      return alone.ok ? alone : verdictOn([leaf.der, bytes]);
    },
  };
}

/** What a TPM signs: the bytes of the golden report. */
function tpmAttest(): FuzzedParser {
  const texts = vectorsOf('report').map((text) => JSON.parse(text).quote?.attest);
  const golden = texts.filter((attest) => attest !== undefined).map(bytesOfHex);
  return {
    ...{ kind: 'bytes', name: 'TPM quote (TPMS_ATTEST)', golden, shareOfThousand: 30 },
    passesOuter: (bytes: Uint8Array) =>
      bytes[0] === 0xff && bytes[1] === 0x54 && bytes[2] === 0x43 && bytes[3] === 0x47,
    parse: async (bytes: Uint8Array) => parseAttest(bytes),
  };
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
