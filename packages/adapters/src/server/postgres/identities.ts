// SPDX-License-Identifier: Apache-2.0
import { parseCertificateSerial } from '@outrider/domain/gateway/device-authentication';
import type { IdentityStore, IssuedCertificate } from '@outrider/domain/gateway/identity-ports';
import type { RegistrationToken } from '@outrider/domain/gateway/registration-token';
import { present } from '@outrider/domain/kernel/assert';
import type { Sha256 } from '@outrider/domain/kernel/ids';
import { fleetInstant } from '@outrider/domain/kernel/time';
import { deviceId, keyId } from '@outrider/protocol/kernel/values';
import { appendAudit } from './audit-chain.ts';
import type { Database, Row } from './pool.ts';
import { numberOf, sha256Of, textOf, wellFormed } from './row.ts';

export function postgresIdentities(database: Database): IdentityStore {
  return {
    async storeToken(token, note) {
      await database.transaction(async (query) => {
        const { digest, usesMax, uses, createdAt, createdBy, expiresAt } = token;
        await query(STORE_TOKEN, [digest, token.deviceId ?? null, usesMax, uses, createdAt, createdBy, expiresAt]);
        await appendAudit(query, [note]);
      });
    },
    async listTokens(limit) {
      return (await database.query(LIST_TOKENS, [limit])).map(tokenOf);
    },
    async storeCertificates(certificates) {
      await database.query(STORE_CERTIFICATES, [
        certificates.map((one) => one.serial),
        certificates.map((one) => one.deviceId),
        certificates.map((one) => one.keyId),
        certificates.map((one) => one.notBefore),
        certificates.map((one) => one.notAfter),
      ]);
    },
    async loadCertificates(id, limit) {
      return (await database.query(LOAD_CERTIFICATES, [id, limit])).map(certificateOf);
    },
  };
}

/** The tokens of a batch of registrations, locked in one order for the rest of the transaction. */
export async function lockTokens(
  query: Database['query'],
  digests: readonly Sha256[],
): Promise<ReadonlyMap<Sha256, RegistrationToken>> {
  if (digests.length === 0) return new Map();
  const tokens = (await query(LOCK_TOKENS, [[...new Set(digests)]])).map(tokenOf);
  return new Map(tokens.map((token) => [token.digest, token]));
}

/** Stores how often each of these was used. */
export async function storeUses(query: Database['query'], tokens: readonly RegistrationToken[]): Promise<void> {
  if (tokens.length === 0) return;
  // Of a token that several of a batch have used, the last count holds: uses only ever grow.
  const uses = new Map(tokens.map((token) => [token.digest, token.uses]));
  await query(STORE_USES, [[...uses.keys()], [...uses.values()]]);
}

function tokenOf(row: Row): RegistrationToken {
  return {
    digest: sha256Of(row, 'digest'),
    ...(row.device_id === null ? {} : { deviceId: wellFormed(deviceId(row.device_id)) }),
    usesMax: numberOf(row, 'uses_max'),
    uses: numberOf(row, 'uses'),
    createdAt: fleetInstant(numberOf(row, 'created_at')),
    createdBy: textOf(row, 'created_by'),
    expiresAt: fleetInstant(numberOf(row, 'expires_at')),
  };
}

function certificateOf(row: Row): IssuedCertificate {
  return {
    serial: present(parseCertificateSerial(row.serial), 'the serial number of a stored certificate'),
    deviceId: wellFormed(deviceId(row.device_id)),
    keyId: wellFormed(keyId(row.key_id)),
    notBefore: fleetInstant(numberOf(row, 'not_before')),
    notAfter: fleetInstant(numberOf(row, 'not_after')),
  };
}

const TOKEN_COLUMNS = 'digest, device_id, uses_max, uses, created_at, created_by, expires_at';

const STORE_TOKEN = `
insert into registration_token (${TOKEN_COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7)`;

const LIST_TOKENS = `
select ${TOKEN_COLUMNS} from registration_token order by created_at desc, digest limit $1`;

const LOCK_TOKENS = `
select ${TOKEN_COLUMNS} from registration_token where digest = any ($1::text[]) order by digest for update`;

const STORE_USES = `
update registration_token t set uses = u.uses
from unnest($1::text[], $2::integer[]) as u (digest, uses) where t.digest = u.digest`;

const STORE_CERTIFICATES = `
insert into device_certificate (serial, device_id, key_id, not_before, not_after)
select * from unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[])`;

const LOAD_CERTIFICATES = `
select serial, device_id, key_id, not_before, not_after from device_certificate
where device_id = $1 order by not_before desc, serial limit $2`;
