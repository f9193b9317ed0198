// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { PostgresConnection } from '@outrider/adapters/server/postgres/connection';
import type { DatabaseFacts } from '@outrider/adapters/server/postgres/database-probe';
import { type DatabasePlace, databaseChecks } from './database-checks.ts';
import { CHECKS, type Finding, worstOf } from './finding.ts';
import { type FolderFacts, folderChecks } from './folder-checks.ts';
import { backupCheck, portCheck, serverChecks } from './network-checks.ts';
import { type RuntimeFacts, runtimeChecks } from './runtime-checks.ts';
import { type SecretFacts, secretChecks } from './secret-checks.ts';

/** The states of a group of checks as one line, for example `node:ok clock:wrong`. */
function statesOf(findings: readonly Finding[]): string {
  for (const { check, state, mend } of findings) {
    assert.ok(CHECKS.includes(check), check);
    assert.equal(mend !== undefined, state !== 'ok', `${check} says what to do exactly when it is not ok`);
  }
  return findings.map(({ check, state }) => `${check}:${state}`).join(' ');
}

const RUNTIME: RuntimeFacts = {
  nodeVersion: 'v26.10.0',
  platform: 'linux-x64',
  binaries: { version: '18.4.0' },
  hasOwnDatabase: false,
  nowMs: Date.UTC(2026, 10, 21),
};

test('an old runtime, missing binaries and a clock that was never set are each seen', () => {
  const states = (change: Partial<RuntimeFacts>) => statesOf(runtimeChecks({ ...RUNTIME, ...change }));
  assert.equal(states({}), 'node:ok binaries:ok clock:ok');
  assert.equal(states({ nodeVersion: 'v20.1.0' }), 'node:wrong binaries:ok clock:ok');
  assert.equal(states({ binaries: { fault: 'none' } }), 'node:ok binaries:wrong clock:ok');
  assert.equal(states({ binaries: { fault: 'none' }, hasOwnDatabase: true }), 'node:ok binaries:ok clock:ok');
  assert.equal(states({ nowMs: 0 }), 'node:ok binaries:ok clock:wrong');
  assert.equal(states({ nowMs: Date.UTC(2150, 0, 1) }), 'node:ok binaries:ok clock:warn');
});

const FOLDER: FolderFacts = {
  path: '/data',
  kind: 'folder',
  mode: 0o40700,
  ownerUid: 1_000,
  ownUid: 1_000,
  mayWrite: true,
  disk: { fileSystem: 0xef53, freeBytes: 10_000_000_000, inodesFree: 1_000_000, inodesTotal: 2_000_000 },
  trial: {},
  isRestoreUnfinished: false,
};

test('a folder of another user, a full disk, no inodes and a network disk are each seen', () => {
  const disk = { fileSystem: 0xef53, freeBytes: 10_000_000_000, inodesFree: 1_000_000, inodesTotal: 2_000_000 };
  const bad = (change: Partial<FolderFacts>) =>
    statesOf(folderChecks({ ...FOLDER, ...change }).filter(({ state }) => state !== 'ok'));
  assert.equal(bad({}), '');
  assert.equal(bad({ ownUid: 1_001 }), 'data-rights:wrong');
  assert.equal(bad({ ownUid: 0 }), '');
  assert.equal(bad({ mode: 0o40750 }), 'data-rights:warn');
  assert.equal(bad({ mode: 0o40777 }), 'data-rights:wrong');
  assert.equal(bad({ mayWrite: false, trial: undefined }), 'data-folder:wrong');
  assert.equal(bad({ kind: 'missing', trial: undefined, mayWrite: false }), 'data-folder:wrong');
  assert.equal(bad({ kind: 'unreadable', trial: undefined }), 'data-folder:wrong');
  assert.equal(bad({ disk: { ...disk, freeBytes: 1_000_000_000 } }), 'disk-space:warn');
  assert.equal(bad({ disk: { ...disk, freeBytes: 200_000_000 } }), 'disk-space:wrong');
  assert.equal(bad({ disk: { ...disk, inodesFree: 5_000 } }), 'disk-inodes:warn');
  assert.equal(bad({ disk: { ...disk, inodesFree: 5 } }), 'disk-inodes:wrong');
  assert.equal(bad({ disk: { ...disk, inodesFree: 0, inodesTotal: 0 } }), '', 'btrfs has no such limit');
  assert.equal(bad({ disk: { ...disk, fileSystem: 0x6969 } }), 'file-system:warn');
  assert.equal(bad({ trial: { fault: 'A trial file could not be linked (EPERM)' } }), 'file-system:wrong');
});

const SECRETS: SecretFacts = {
  hasRun: true,
  tokens: [{ check: 'admin-token', path: '/data/admin-token', file: { kind: 'file', mode: 0o600 }, characters: 43 }],
  permitKey: { path: '/data/permit-key.json', file: { kind: 'file', mode: 0o600 }, keyId: 'abc' },
  releaseRole: { path: '/data/release-role.json', isNamed: false, file: { kind: 'missing' } },
};

test('a permit key that is gone is wrong once devices may have pinned it', () => {
  const permitKey = { path: '/data/permit-key.json', file: { kind: 'missing' } } as const;
  const states = (hasRun: boolean) => statesOf(secretChecks({ ...SECRETS, hasRun, permitKey }));
  assert.equal(states(false), 'admin-token:ok permit-key:ok release-role:warn');
  assert.equal(states(true), 'admin-token:ok permit-key:wrong release-role:warn');
});

test('a gateway that was not given its secrets is wrong: it would make none', () => {
  const tokens = (['admin-token', 'registration-token'] as const).map((check) => {
    return { check, path: `/secrets/${check}`, file: { kind: 'missing' }, characters: 0 } as const;
  });
  const permitKey = { path: '/secrets/permit-key.json', file: { kind: 'missing' } } as const;
  const findings = secretChecks({ ...SECRETS, isGateway: true, hasRun: false, tokens, permitKey });
  assert.equal(statesOf(findings), 'registration-token:wrong permit-key:wrong release-role:warn');
});

test('a role that nobody can fulfil, or that one key fulfils, is seen', () => {
  const group = (name: string) => ({ name, keys: [] });
  const state = (threshold: number, names: readonly string[]) =>
    secretChecks({
      ...SECRETS,
      releaseRole: {
        path: '/r',
        isNamed: true,
        file: { kind: 'file', mode: 0o644 },
        role: { threshold, groups: names.map(group) },
      },
    }).at(-1)?.state;
  assert.equal(state(2, ['build', 'people']), 'ok');
  assert.equal(state(3, ['build', 'people']), 'wrong');
  assert.equal(state(1, ['build']), 'warn');
});

const CONNECTION: PostgresConnection = {
  host: '127.0.0.1',
  port: 5_432,
  user: 'u',
  password: 'p',
  database: 'd',
  tls: 'off',
};
const DATABASE: DatabaseFacts = {
  versionNumber: 150_014,
  versionText: '15.14',
  isStandby: false,
  isReadOnly: false,
  mayCreateTables: true,
  isEncrypted: false,
  schema: { version: 7, compatibleFrom: 5 },
  clockAheadMs: 3,
  connectionsMax: 100,
  connectionsReserved: 3,
  connectionsUsed: 10,
};

test('an old PostgreSQL, a standby, a foreign clock, a newer schema and missing connections are each seen', () => {
  const bad = (change: Partial<DatabaseFacts>, connection: Partial<PostgresConnection> = {}) => {
    const own = { ...CONNECTION, ...connection };
    const place: DatabasePlace = { kind: 'own', connection: own };
    const lookedAt = { connection: own, seen: { ok: true, value: { ...DATABASE, ...change } } } as const;
    const findings = databaseChecks(place, lookedAt, { schemaKnown: 7, connectionsWanted: 8 });
    return statesOf(findings.filter(({ state }) => state !== 'ok'));
  };
  assert.equal(bad({}), '');
  assert.equal(bad({ versionNumber: 140_000 }), 'database:wrong');
  assert.equal(bad({ isStandby: true }), 'database:wrong');
  assert.equal(bad({ mayCreateTables: false }), 'database:wrong');
  assert.equal(bad({ clockAheadMs: -2_000 }), 'database-clock:warn');
  assert.equal(bad({ clockAheadMs: 60_000 }), 'database-clock:wrong');
  assert.equal(bad({ schema: { version: 6, compatibleFrom: 5 } }), '', 'an older one is migrated');
  assert.equal(bad({ schema: { version: 9, compatibleFrom: 7 } }), 'database-schema:warn');
  assert.equal(bad({ schema: { version: 9, compatibleFrom: 8 } }), 'database-schema:wrong');
  assert.equal(bad({ connectionsUsed: 92 }), 'database-connections:warn');
  assert.equal(bad({ connectionsUsed: 97 }), 'database-connections:wrong');
  assert.equal(bad({}, { host: 'db.example' }), 'database-encryption:warn');
  assert.equal(bad({}, { host: 'db.example', tls: 'verified' }), '');
});

test('a database of another owner, one that is gone and one of another data folder are told apart', () => {
  const found = {
    kind: 'found',
    home: '/h',
    owner: '/data',
    dataFolder: '/data',
    ownerUid: 5,
    wantedUid: 5,
    lock: undefined,
  } as const;
  const states = (change: object) => {
    const place: DatabasePlace = { kind: 'embedded', facts: { ...found, ...change } };
    return statesOf(databaseChecks(place, undefined, { schemaKnown: 7, connectionsWanted: 8 }));
  };
  assert.equal(states({}), 'database:ok');
  assert.equal(states({ kind: 'damaged', detail: 'x' }), 'database:wrong');
  const forbidden: DatabasePlace = { kind: 'embedded', facts: { kind: 'forbidden', code: 'EACCES' } };
  const [finding] = databaseChecks(forbidden, undefined, { schemaKnown: 7, connectionsWanted: 8 });
  assert.match(finding?.mend ?? '', /as the owner/, 'nobody is told to begin anew who only lacks a right');
  assert.equal(states({ ownerUid: 0 }), 'database:wrong');
  assert.equal(states({ owner: undefined }), 'database:wrong');
  assert.equal(states({ owner: '/other' }), 'database:warn');
  const lock = { pid: 9, isAlive: false, isPostgres: false, connection: CONNECTION };
  assert.equal(states({ lock }), 'database:ok', 'a killed one is recovered by the next start');
});

test('a port is told by who has it', () => {
  const stopped = { isAnswering: false } as const;
  const running = { isAnswering: true, url: 'http://127.0.0.1:8440', pid: 7 } as const;
  const taken = { host: '127.0.0.1', port: 8_440, fault: 'EADDRINUSE' } as const;
  assert.equal(portCheck({ host: '127.0.0.1', port: 8_440 }, stopped).state, 'ok');
  assert.equal(portCheck({ ...taken, answeredBy: 'outrider' }, running).state, 'ok');
  assert.match(portCheck({ ...taken, answeredBy: 'outrider' }, stopped).seen, /another Outrider server/);
  assert.match(portCheck({ ...taken, answeredBy: 'another-program' }, stopped).seen, /another program/);
  const elsewhere = { ...running, url: 'http://127.0.0.1:9000' };
  const other = portCheck({ ...taken, answeredBy: 'outrider' }, elsewhere);
  assert.equal(other.state, 'ok', 'a server whose port came by a flag is well');
  assert.match(other.seen, /runs at http:\/\/127\.0\.0\.1:9000/);
  const hanging = { ...running, isAnswering: false, isAlive: true };
  assert.equal(portCheck({ ...taken, answeredBy: 'another-program' }, hanging).state, 'ok', 'nobody else is accused');
  assert.match(serverChecks(hanging)[0]?.seen ?? '', /^Process 7 runs, and does not answer/);
  assert.equal(statesOf(serverChecks({ ...hanging, isAlive: false })), 'server:warn');
  assert.match(String(portCheck({ ...taken, port: 80, fault: 'EACCES' }, stopped).mend), /1024 or above/);
});

test('a server that is not ready says which check fails, and a clock that is off is seen', () => {
  const checks = [
    { name: 'database', isOk: false, detail: 'The database cannot be reached' },
    { name: 'snapshot', isOk: true, seen: 20, allowed: 3_000 },
  ];
  const facts = { url: 'http://127.0.0.1:1', pid: 7, isAnswering: true, ready: { status: 'not-ready', checks } };
  assert.equal(statesOf(serverChecks({ ...facts, clockAheadMs: 400 })), 'server:wrong snapshot:ok server-clock:ok');
  assert.match(serverChecks(facts)[0]?.seen ?? '', /is not ready: The database cannot be reached/);
  assert.equal(
    statesOf(serverChecks({ ...facts, clockAheadMs: -90_000 })),
    'server:wrong snapshot:ok server-clock:wrong',
  );
  assert.equal(statesOf(serverChecks({ isAnswering: false })), 'server:ok');
});

test('a backup older than a week is to be looked at', () => {
  const nowMs = Date.UTC(2026, 10, 21);
  assert.equal(backupCheck({ nowMs, hasRun: false }).state, 'ok');
  assert.equal(backupCheck({ nowMs, hasRun: true }).state, 'warn');
  assert.equal(backupCheck({ nowMs, hasRun: true, madeAtMs: nowMs - 86_400_000 }).state, 'ok');
  assert.equal(backupCheck({ nowMs, hasRun: true, madeAtMs: nowMs - 8 * 86_400_000 }).state, 'warn');
});

test('the worst of all is the whole', () => {
  const finding = (state: Finding['state']): Finding => ({ check: 'node', state, seen: '' });
  assert.equal(worstOf([]), 'ok');
  assert.equal(worstOf([finding('ok'), finding('warn')]), 'warn');
  assert.equal(worstOf([finding('wrong'), finding('warn')]), 'wrong');
});

test('the page tells every check', () => {
  const page = readFileSync(
    join(import.meta.dirname, '..', '..', '..', '..', '..', 'docs', 'configuration.md'),
    'utf8',
  );
  const rows = page.slice(page.indexOf('## `outrider doctor`')).matchAll(/^\| ((?:`[a-z-]+` ?)+) \|/gm);
  const told = [...rows].flatMap(([, names = '']) => names.match(/[a-z-]+/g) ?? []);
  assert.deepEqual(told, CHECKS);
});
