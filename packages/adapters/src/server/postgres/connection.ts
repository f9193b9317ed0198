// SPDX-License-Identifier: Apache-2.0
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
}

const TLS_BY_SSL_MODE: Readonly<Record<string, PostgresConnection['tls']>> = {
  disable: 'off',
  require: 'encrypted',
  'verify-ca': 'verified',
  'verify-full': 'verified',
};

const POSTGRES_PORT_DEFAULT = 5432;

/** Reads an address such as `postgres://user:password@host:5432/database?sslmode=verify-full`. Throws PostgresStartError. */
export function connectionFromUrl(text: string): PostgresConnection {
  const url = URL.parse(text);
  // The address holds a password, so no message repeats it.
  if (url === null) throw malformed('is not a URL');
  if (url.protocol !== 'postgres:' && url.protocol !== 'postgresql:') throw malformed(`begins with ${url.protocol}`);
  const sslMode = url.searchParams.get('sslmode') ?? 'disable';
  const tls = TLS_BY_SSL_MODE[sslMode];
  if (tls === undefined) {
    throw malformed(`has sslmode=${sslMode}; allowed are ${Object.keys(TLS_BY_SSL_MODE).join(', ')}`);
  }
  const database = decodeURIComponent(url.pathname.slice(1));
  if (url.hostname === '' || url.username === '' || database === '') throw malformed('lacks host, user or database');
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? POSTGRES_PORT_DEFAULT : Number(url.port),
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    database,
    tls,
  };
}

function malformed(finding: string): PostgresStartError {
  const form = 'postgres://user:password@host:5432/database?sslmode=verify-full';
  return new PostgresStartError(
    'database-url-malformed',
    `DATABASE_URL ${finding}; write it as ${form}, with special characters percent-encoded`,
  );
}
