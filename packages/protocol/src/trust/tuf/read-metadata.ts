// SPDX-License-Identifier: Apache-2.0
import type { Json } from '@outrider/domain/kernel/canonical-json';
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import type { FleetInstant } from '@outrider/domain/kernel/time';
import type {
  ApproverKeys,
  DelegatedRole,
  Delegations,
  FleetStatement,
  MetadataKey,
  MetadataReference,
  MetadataSignature,
  RoleKeys,
  RootMetadata,
  SignedMetadata,
  SnapshotMetadata,
  TargetFile,
  TargetsMetadata,
  TimestampMetadata,
} from '@outrider/domain/trust/tuf/metadata';
import { TOP_ROLES } from '@outrider/domain/trust/tuf/metadata';
import type { MetadataReader } from '@outrider/domain/trust/tuf/ports';
import { tufCanonical } from '@outrider/domain/trust/tuf/tuf-canonical';
import { parseText } from '../../kernel/json-text.ts';
import { describeParseError, type ParseError } from '../../kernel/parse-error.ts';
import { bool, listOf, literal, malformed, optional, type Reader, record, text, whole } from '../../kernel/reader.ts';
import { deviceId, instant, sha256 } from '../../kernel/values.ts';
import { expiry } from './expiry.ts';
import { tableOf } from './table-of.ts';

/** Largest document of a role, in bytes: python-tuf's limits are 512,000 for a root and 5,000,000 for targets. */
export const METADATA_BYTES_MAX = 5_000_000;
/** Keys, signatures, roles and groups of one document. */
const KEYS_MAX = 256;
/** Files that one document names: a model's releases over a decade, or a supplier's catalogue. */
const TARGETS_MAX = 50_000;
const NAME = text({ charactersMin: 1, charactersMax: 512 });
const HEX = text({ charactersMin: 1, charactersMax: 2_048 });

/** Reads the documents of a repository. Each answers what it read, or a sentence saying where it is wrong. */
export const metadataReader: MetadataReader = {
  root: (body) => read(body, root),
  timestamp: (body) => read(body, timestamp),
  snapshot: (body) => read(body, snapshot),
  targets: (body) => read(body, targets),
};

interface Signable {
  readonly signed: Json;
  readonly signatures: readonly MetadataSignature[];
}

function read<T>(body: string, reader: Reader<T>): Result<SignedMetadata<T>, string> {
  const document = parseText(body, { noun: 'metadata', bytesMax: METADATA_BYTES_MAX, reader: signable });
  if (!document.ok) return err(describeParseError(document.error));
  const { signed, signatures } = document.value;
  const message = tufCanonical(signed);
  if (message === undefined) return err('The part that is signed holds a number that is not whole');
  const value = reader(signed);
  if (!value.ok) return err(describeParseError({ ...value.error, path: `metadata.signed${value.error.path}` }));
  return ok({ signed: value.value, message, signatures });
}

function anyJson(value: unknown): Result<Json, ParseError> {
  // What JSON.parse made is JSON.
  return ok(value as Json);
}

const signable = record<Signable>({
  signed: anyJson,
  signatures: withDistinct(
    listOf(
      mapped(record<{ keyid: string; sig: string }>({ keyid: NAME, sig: text({ charactersMax: 2_048 }) }), (one) => ({
        keyId: one.keyid,
        signature: one.sig,
      })),
      { countMax: KEYS_MAX },
    ),
    (one) => one.keyId,
    'at most one signature of each key',
  ),
});

const version = whole({ min: 1 });

/** `1.x` or `1.x.y`: a client of TUF 1 reads all of them. Source: TUF 1.0 §4.3. */
const specVersion: Reader<string> = (value) => {
  const is = typeof value === 'string' && /^1\.\d+(\.\d+)?$/.test(value);
  return is ? ok(value) : malformed(value, 'a version of TUF 1, for example 1.0.31');
};

interface HeadOnWire<Type extends string> {
  readonly _type: Type;
  readonly spec_version: string;
  readonly version: number;
  readonly expires: FleetInstant;
}

const headOf = <const Type extends string>(type: Type) =>
  ({ _type: literal(type), spec_version: specVersion, version, expires: expiry }) as const;

const key = mapped(
  record<{ keytype: string; scheme: string; keyval: { public: string } }>({
    keytype: NAME,
    scheme: NAME,
    keyval: record<{ public: string }>({ public: text({ charactersMin: 1, charactersMax: 16_384 }) }),
  }),
  ({ keytype, scheme, keyval }): MetadataKey => ({ keyType: keytype, scheme, publicKey: keyval.public }),
);

const keys = tableOf(key, { countMax: KEYS_MAX });

interface RoleOnWire {
  readonly keyids: readonly string[];
  readonly threshold: number;
  readonly 'x-outrider-groups'?: ReadonlyMap<string, readonly string[]>;
}

const ROLE_FIELDS = {
  keyids: withDistinct(listOf(NAME, { countMax: KEYS_MAX }), (one) => one, 'each key once'),
  threshold: whole({ min: 1 }),
  'x-outrider-groups': optional(tableOf(listOf(NAME, { countMax: KEYS_MAX }), { countMax: KEYS_MAX })),
};

function roleKeys({ keyids, threshold, 'x-outrider-groups': groups }: RoleOnWire): RoleKeys {
  return { keyIds: keyids, threshold, ...(groups && { groups }) };
}

const roles: Reader<RootMetadata['roles']> = (value) => {
  const table = tableOf(mapped(record<RoleOnWire>(ROLE_FIELDS), roleKeys), { countMax: TOP_ROLES.length })(value);
  if (!table.ok) return table;
  const [rootRole, timestampRole, snapshotRole, targetsRole] = TOP_ROLES.map((name) => table.value.get(name));
  if (!rootRole || !timestampRole || !snapshotRole || !targetsRole) return malformed(value, TOP_ROLES.join(', '));
  return ok({ root: rootRole, timestamp: timestampRole, snapshot: snapshotRole, targets: targetsRole });
};

interface ApproversOnWire extends RoleOnWire {
  readonly people?: ReadonlyMap<string, string>;
}

const approvers = mapped(
  record<ApproversOnWire>({ ...ROLE_FIELDS, people: optional(tableOf(sha256, { countMax: KEYS_MAX })) }),
  (one): ApproverKeys => ({ ...roleKeys(one), ...(one.people && { people: one.people }) }),
);

const root = mapped(
  record<
    HeadOnWire<'root'> & {
      readonly keys: RootMetadata['keys'];
      readonly roles: RootMetadata['roles'];
      readonly consistent_snapshot?: boolean;
      readonly 'x-outrider-approvers'?: ApproverKeys;
    }
  >({
    ...headOf('root'),
    keys,
    roles,
    consistent_snapshot: optional(bool),
    'x-outrider-approvers': optional(approvers),
  }),
  (one): RootMetadata => ({
    type: 'root',
    version: one.version,
    expiresAt: one.expires,
    keys: one.keys,
    roles: one.roles,
    isConsistent: one.consistent_snapshot ?? false,
    ...(one['x-outrider-approvers'] && { approvers: one['x-outrider-approvers'] }),
  }),
);

const hashes = tableOf(HEX, { countMin: 1, countMax: 8 });

const reference = record<MetadataReference>({
  version,
  length: optional(whole({ min: 0 })),
  hashes: optional(hashes),
});

const fleet = record<FleetStatement>({ policyEpoch: whole({ min: 0 }), signedAt: instant });

const timestamp = mapped(
  record<
    HeadOnWire<'timestamp'> & {
      readonly meta: { readonly 'snapshot.json': MetadataReference };
      readonly 'x-outrider-fleet'?: FleetStatement;
    }
  >({
    ...headOf('timestamp'),
    meta: record<{ 'snapshot.json': MetadataReference }>({ 'snapshot.json': reference }),
    'x-outrider-fleet': optional(fleet),
  }),
  ({ version: number, expires, meta, 'x-outrider-fleet': statement }): TimestampMetadata => ({
    type: 'timestamp',
    version: number,
    expiresAt: expires,
    snapshot: meta['snapshot.json'],
    ...(statement && { fleet: statement }),
  }),
);

const snapshot = mapped(
  record<HeadOnWire<'snapshot'> & { readonly meta: SnapshotMetadata['meta'] }>({
    ...headOf('snapshot'),
    meta: tableOf(reference, { countMax: TARGETS_MAX }),
  }),
  (one): SnapshotMetadata => ({
    type: 'snapshot',
    version: one.version,
    expiresAt: one.expires,
    meta: one.meta,
  }),
);

interface DelegatedOnWire extends RoleOnWire {
  readonly name: string;
  readonly terminating: boolean;
  readonly paths?: readonly string[];
  readonly path_hash_prefixes?: readonly string[];
}

const delegatedRole: Reader<DelegatedRole> = (value) => {
  const wire = record<DelegatedOnWire>({
    ...ROLE_FIELDS,
    name: NAME,
    terminating: bool,
    paths: optional(listOf(NAME, { countMax: TARGETS_MAX })),
    path_hash_prefixes: optional(listOf(HEX, { countMax: TARGETS_MAX })),
  })(value);
  if (!wire.ok) return wire;
  const { name, terminating, paths, path_hash_prefixes: prefixes } = wire.value;
  const isTop = TOP_ROLES.some((top) => top === name);
  if (isTop || (paths === undefined) === (prefixes === undefined)) {
    return malformed(value, 'a role with a name of its own and either paths or path_hash_prefixes');
  }
  return ok({
    ...roleKeys(wire.value),
    name,
    isTerminating: terminating,
    ...(paths && { paths }),
    ...(prefixes && { pathHashPrefixes: prefixes }),
  });
};

const delegations = record<Delegations>({
  keys,
  roles: withDistinct(listOf(delegatedRole, { countMax: KEYS_MAX }), ({ name }) => name, 'each role once'),
});

const target = record<TargetFile>({ length: whole({ min: 0 }), hashes, custom: optional(anyJson) });

const targets = mapped(
  record<
    HeadOnWire<'targets'> & {
      readonly targets: TargetsMetadata['targets'];
      readonly delegations?: Delegations;
      readonly 'x-outrider-device'?: string;
    }
  >({
    ...headOf('targets'),
    targets: tableOf(target, { countMax: TARGETS_MAX }),
    delegations: optional(delegations),
    'x-outrider-device': optional(deviceId),
  }),
  (one): TargetsMetadata => ({
    type: 'targets',
    version: one.version,
    expiresAt: one.expires,
    targets: one.targets,
    ...(one.delegations && { delegations: one.delegations }),
    ...(one['x-outrider-device'] && { deviceId: one['x-outrider-device'] }),
  }),
);

function mapped<A, B>(reader: Reader<A>, change: (value: A) => B): Reader<B> {
  return (value) => {
    const found = reader(value);
    return found.ok ? ok(change(found.value)) : found;
  };
}

function withDistinct<T>(
  reader: Reader<readonly T[]>,
  nameOf: (item: T) => string,
  allowed: string,
): Reader<readonly T[]> {
  return (value) => {
    const found = reader(value);
    if (!found.ok) return found;
    return new Set(found.value.map(nameOf)).size === found.value.length ? found : malformed(value, allowed);
  };
}
