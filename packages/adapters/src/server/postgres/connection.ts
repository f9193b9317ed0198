// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { PostgresStartError } from '../embedded-postgres/errors.ts';

/** How to reach a database: what `startEmbeddedPostgres` answers with, or what DATABASE_URL says. */
export interface PostgresConnection {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  /** `encrypted` checks no certificate, as `sslmode=require` in libpq; `verified` checks certificate and name. */
  readonly tls: 'off' | 'encrypted' | 'verified';
  /** The certificates of the authorities that may vouch for it (PEM); absent: those of this runtime. */
  readonly tlsRootFile?: string;
}

const TLS_BY_SSL_MODE: Readonly<Record<string, PostgresConnection['tls']>> = {
  disable: 'off',
  require: 'encrypted',
  'verify-ca': 'verified',
  'verify-full': 'verified',
};

const POSTGRES_PORT_DEFAULT = 5432;

/** A word that is not understood must not be without effect: `sslmod=require` would go in the clear. */
const PARAMETERS: readonly string[] = ['sslmode', 'sslrootcert', 'host', 'user', 'application_name'];

/**
 * Reads an address such as `postgres://user:password@host:5432/database?sslmode=verify-full`, or one of a socket's folder:
 * `postgres:///database?host=/var/run/postgresql&user=fleet`. Throws PostgresStartError.
 */
export function connectionFromUrl(text: string): PostgresConnection {
  const url = URL.parse(text);
  // The address holds a password, so no message repeats it.
  if (url === null) throw malformed('is not a URL');
  if (url.protocol !== 'postgres:' && url.protocol !== 'postgresql:') throw malformed(`begins with ${url.protocol}`);
  const parameters = url.searchParams;
  if ([...parameters.keys()].some((name) => !PARAMETERS.includes(name))) {
    throw malformed(`has a parameter that is unknown; allowed are ${PARAMETERS.join(', ')}`);
  }
  const host = url.hostname === '' ? (parameters.get('host') ?? '') : url.hostname.replace(/^\[(.*)\]$/, '$1');
  const user = url.username === '' ? (parameters.get('user') ?? '') : decoded(url.username);
  const database = decoded(url.pathname.slice(1));
  if (host === '' || user === '' || database === '') throw malformed('lacks host, user or database');
  return {
    host,
    port: url.port === '' ? POSTGRES_PORT_DEFAULT : Number(url.port),
    user,
    password: decoded(url.password),
    database,
    ...tlsIn(parameters),
  };
}

/** What the driver wants to know of encryption. The file of the authorities is read here. */
export function tlsOf({ tls, tlsRootFile }: PostgresConnection): false | { rejectUnauthorized: boolean; ca?: string } {
  if (tls === 'off') return false;
  const ca = tlsRootFile === undefined ? {} : { ca: readFileSync(tlsRootFile, 'utf8') };
  return { rejectUnauthorized: tls === 'verified', ...ca };
}

function tlsIn(parameters: URLSearchParams): Pick<PostgresConnection, 'tls' | 'tlsRootFile'> {
  const sslMode = parameters.get('sslmode') ?? 'disable';
  const tls = Object.hasOwn(TLS_BY_SSL_MODE, sslMode) ? TLS_BY_SSL_MODE[sslMode] : undefined;
  if (tls === undefined) {
    throw malformed(`has another sslmode than ${Object.keys(TLS_BY_SSL_MODE).join(', ')}`);
  }
  const tlsRootFile = parameters.get('sslrootcert');
  if (tlsRootFile === null) return { tls };
  if (tls === 'off') throw malformed('has sslrootcert without encryption; add sslmode=verify-full');
  // As in libpq: whoever names an authority wants the certificate checked.
  return { tls: 'verified', tlsRootFile };
}

/** A lone percent sign in a password is the commonest fault of all. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch (cause) {
    if (cause instanceof URIError) throw malformed('has a % that encodes nothing; write a % itself as %25');
    throw cause;
  }
}

function malformed(finding: string): PostgresStartError {
  const form = 'postgres://user:password@host:5432/database?sslmode=verify-full';
  return new PostgresStartError(
    'database-url-malformed',
    `The database URL ${finding}; write it as ${form}, with special characters percent-encoded`,
  );
}
