// SPDX-License-Identifier: Apache-2.0
import { assert } from '@outrider/domain/kernel/assert';
import type { Json } from '@outrider/domain/kernel/canonical-json';
import { instantText } from '@outrider/domain/kernel/time';
import type {
  ApproverKeys,
  Delegations,
  KeyTable,
  MetadataReference,
  MetadataSignature,
  RoleKeys,
  RootMetadata,
  SnapshotMetadata,
  TargetsMetadata,
  TimestampMetadata,
} from '@outrider/domain/trust/tuf/metadata';
import { tufCanonical } from '@outrider/domain/trust/tuf/tuf-canonical';
import { encodeJson } from '../../kernel/json-text.ts';

/** The version of TUF whose documents these are. */
const SPEC_VERSION = '1.0.31';

/** Any document of a repository. */
export type AnyMetadata = RootMetadata | TimestampMetadata | SnapshotMetadata | TargetsMetadata;

/** The text that signatures of a document cover. */
export function metadataMessage(metadata: AnyMetadata): string {
  const text = tufCanonical(signedPart(metadata));
  assert(text !== undefined, 'whole numbers only in metadata that was made here');
  return text;
}

/** Writes a document with the signatures made over `metadataMessage`. */
export function encodeMetadata(metadata: AnyMetadata, signatures: readonly MetadataSignature[]): string {
  return encodeJson({
    signed: signedPart(metadata),
    signatures: signatures.map(({ keyId, signature }) => ({ keyid: keyId, sig: signature })),
  });
}

function signedPart(metadata: AnyMetadata): Json {
  const head = {
    _type: metadata.type,
    spec_version: SPEC_VERSION,
    version: metadata.version,
    expires: instantText(metadata.expiresAt),
  };
  switch (metadata.type) {
    case 'root':
      return {
        ...head,
        consistent_snapshot: metadata.isConsistent,
        keys: keysOnWire(metadata.keys),
        roles: Object.fromEntries(Object.entries(metadata.roles).map(([name, role]) => [name, roleOnWire(role)])),
        ...(metadata.approvers && { 'x-outrider-approvers': approversOnWire(metadata.approvers) }),
      };
    case 'timestamp':
      return {
        ...head,
        meta: { 'snapshot.json': referenceOnWire(metadata.snapshot) },
        ...(metadata.fleet && { 'x-outrider-fleet': { ...metadata.fleet } }),
      };
    case 'snapshot':
      return { ...head, meta: tableOnWire(metadata.meta, referenceOnWire) };
    case 'targets':
      return {
        ...head,
        targets: tableOnWire(metadata.targets, ({ length, hashes, custom }) => ({
          length,
          hashes: Object.fromEntries(hashes),
          ...(custom === undefined ? {} : { custom }),
        })),
        ...(metadata.delegations && { delegations: delegationsOnWire(metadata.delegations) }),
        ...(metadata.deviceId && { 'x-outrider-device': metadata.deviceId }),
      };
  }
}

function keysOnWire(keys: KeyTable): Json {
  return tableOnWire(keys, ({ keyType, scheme, publicKey }) => ({
    keytype: keyType,
    scheme,
    keyval: { public: publicKey },
  }));
}

function roleOnWire({ keyIds, threshold, groups }: RoleKeys): { readonly [name: string]: Json } {
  return { keyids: keyIds, threshold, ...(groups && { 'x-outrider-groups': Object.fromEntries(groups) }) };
}

function approversOnWire({ people, ...role }: ApproverKeys): Json {
  return { ...roleOnWire(role), ...(people && { people: Object.fromEntries(people) }) };
}

function referenceOnWire({ version, length, hashes }: MetadataReference): Json {
  return {
    version,
    ...(length === undefined ? {} : { length }),
    ...(hashes && { hashes: Object.fromEntries(hashes) }),
  };
}

function delegationsOnWire({ keys, roles }: Delegations): Json {
  return {
    keys: keysOnWire(keys),
    roles: roles.map((role) => ({
      ...roleOnWire(role),
      name: role.name,
      terminating: role.isTerminating,
      ...(role.paths && { paths: role.paths }),
      ...(role.pathHashPrefixes && { path_hash_prefixes: role.pathHashPrefixes }),
    })),
  };
}

function tableOnWire<T>(table: ReadonlyMap<string, T>, write: (value: T) => Json): Json {
  return Object.fromEntries([...table].map(([name, value]) => [name, write(value)]));
}
