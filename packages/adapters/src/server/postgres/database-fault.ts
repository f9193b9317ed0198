// SPDX-License-Identifier: Apache-2.0
import type { PostgresConnection } from './connection.ts';

/** Why a database cannot be used from here. Codes never change, texts may. */
export type DatabaseFaultCode =
  /** Nobody answers at its address, or not in time, or it has no connection left. */
  | 'database-away'
  /** The user, its password or its address is refused. */
  | 'database-login-refused'
  /** The server has no database of this name. */
  | 'database-missing'
  /** The user may not connect, or may not create tables. */
  | 'database-rights-missing'
  /** It takes encrypted connections only. */
  | 'database-tls-needed'
  /** Encryption was asked for and it offers none. */
  | 'database-tls-refused'
  /** Its certificate is not trusted here, or is another host's. */
  | 'database-tls-untrusted'
  /** Older than the versions this program is tested with. */
  | 'database-too-old'
  /** A standby, or a database that takes no writes. */
  | 'database-read-only';

/** One sentence for people; it never holds the password. */
export interface DatabaseFault {
  readonly code: DatabaseFaultCode;
  readonly detail: string;
}

/** The database of a server's start cannot be used. */
export class DatabaseFaultError extends Error {
  override readonly name = 'DatabaseFaultError';
  readonly code: DatabaseFaultCode;

  constructor(fault: DatabaseFault, cause?: unknown) {
    super(fault.detail, cause === undefined ? undefined : { cause });
    this.code = fault.code;
  }
}

/** What a session says about the database it is in. */
export interface DatabaseFitness {
  /** As `server_version_num`: 150014 is 15.14. */
  readonly versionNumber: number;
  readonly isStandby: boolean;
  readonly isReadOnly: boolean;
  readonly mayCreateTables: boolean;
}

/** Debian 12's; our statements and the tests of `npm run test:engines` need no newer one. */
export const POSTGRES_VERSION_MIN = 15;

/** Why a database that lets us in cannot serve, or undefined when it can. */
export function fitnessFault(connection: PostgresConnection, seen: DatabaseFitness): DatabaseFault | undefined {
  const where = addressOf(connection);
  const major = Math.floor(seen.versionNumber / 10_000);
  if (major < POSTGRES_VERSION_MIN) {
    const detail = `The database at ${where} is PostgreSQL ${major}, allowed is ${POSTGRES_VERSION_MIN} or newer; upgrade it, or name another`;
    return { code: 'database-too-old', detail };
  }
  if (seen.isStandby) {
    const detail = `The database at ${where} is a read-only standby; name the primary in the database URL`;
    return { code: 'database-read-only', detail };
  }
  if (seen.isReadOnly) {
    const detail = `The database at ${where} takes no writes (default_transaction_read_only is on); turn that off for this user and database`;
    return { code: 'database-read-only', detail };
  }
  if (seen.mayCreateTables) return undefined;
  return rightsFault(connection);
}

/** What a failed connection means, or undefined when it is none of the faults that a database has. */
export function connectionFault(connection: PostgresConnection, cause: unknown): DatabaseFault | undefined {
  const where = addressOf(connection);
  const { code, message } = firstOf(cause);
  if (connection.tlsRootFile !== undefined && message.includes(connection.tlsRootFile)) {
    const detail = `The file ${connection.tlsRootFile} that sslrootcert names cannot be read (${code}); name one that this user may read`;
    return { code: 'database-tls-untrusted', detail };
  }
  if (code === '3D000') {
    const detail = `There is no database "${connection.database}" at ${where}; create it with \`createdb\`, or name another`;
    return { code: 'database-missing', detail };
  }
  if (code === '42501') return rightsFault(connection);
  if (code === '25006') {
    const detail = `The database at ${where} is read-only; name the primary in the database URL`;
    return { code: 'database-read-only', detail };
  }
  if (connection.tls === 'off' && code === '28000' && message.includes('no encryption')) {
    const detail = `The database at ${where} does not let user "${connection.user}" in without encryption; add ?sslmode=verify-full to the database URL, or an entry to its pg_hba.conf`;
    return { code: 'database-tls-needed', detail };
  }
  if (code === '28P01' || code === '28000' || message.startsWith('SASL')) {
    const detail = `The database at ${where} refuses user "${connection.user}" (${loginFinding(code, connection)}); check user and password of the database URL, and its pg_hba.conf`;
    return { code: 'database-login-refused', detail };
  }
  if (message.includes('does not support SSL connections')) {
    const detail = `The database at ${where} offers no encryption and the database URL asks for it; turn ssl on there, or write sslmode=disable`;
    return { code: 'database-tls-refused', detail };
  }
  if (code !== undefined && TLS_CODES.test(code)) {
    const detail = `The certificate of the database at ${where} is not trusted (${code}); name its authority with sslrootcert=<file>, or write the host name that stands in it`;
    return { code: 'database-tls-untrusted', detail };
  }
  if (code?.startsWith('53300')) {
    const detail = `The database at ${where} has no connection left (max_connections or the user's limit); raise it, or lower databaseConnectionsMax of its servers`;
    return { code: 'database-away', detail };
  }
  const finding = awayFinding(code, message);
  if (finding === undefined) return undefined;
  const detail = `The database at ${where} cannot be reached (${finding}); check that it runs, and host and port of the database URL`;
  return { code: 'database-away', detail };
}

/** Host and port, for people: never user or password. */
export function addressOf({ host, port }: PostgresConnection): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function rightsFault({ user, database }: PostgresConnection): DatabaseFault {
  const detail = `The user "${user}" may not create tables in database "${database}"; make it the owner with \`alter database ... owner to ...\`, or grant it CREATE on the schema`;
  return { code: 'database-rights-missing', detail };
}

function loginFinding(code: string | undefined, { password }: PostgresConnection): string {
  if (password === '') return 'no password was given';
  return code === '28P01' ? 'wrong password' : 'no such user, or no entry for this address';
}

/** OpenSSL's findings as Node names them. */
const TLS_CODES = /^(ERR_TLS_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_MISMATCH|EPROTO$|ERR_SSL_)/;

const NETWORK_CODES = /^(ECONN|EHOST|ENET|ETIMEDOUT$|EPIPE$|ENOTFOUND$|EAI_|ENOENT$|EACCES$|57P0|08)/;

/** What pg 8.23 throws without a code when nobody answered in time, or hung up. */
const NETWORK_MESSAGES = ['timeout', 'Connection terminated'];

function awayFinding(code: string | undefined, message: string): string | undefined {
  if (code !== undefined) return NETWORK_CODES.test(code) ? code : undefined;
  return NETWORK_MESSAGES.some((part) => message.includes(part)) ? message : undefined;
}

/** Node gathers attempts at several addresses, and our own errors keep what they were made from. */
function firstOf(cause: unknown): { readonly code: string | undefined; readonly message: string } {
  if (cause instanceof AggregateError) return firstOf(cause.errors[0]);
  if (!(cause instanceof Error)) return { code: undefined, message: String(cause) };
  const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : undefined;
  if (code === 'store-away') return firstOf(cause.cause);
  return { code, message: cause.message };
}
