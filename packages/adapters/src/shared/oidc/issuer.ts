// SPDX-License-Identifier: Apache-2.0

import type { MachineClock } from '@outrider/domain/kernel/clock';
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import { type DurationMs, durationMs, elapsedMs } from '@outrider/domain/kernel/time';
import * as client from 'openid-client';

/** An OpenID Connect issuer as this program knows it: what it says of itself, and who we are there. */
export interface OidcClient {
  readonly issuer: string;
  readonly clientId: string;
  /** A confidential client's; absent for public ones, which prove themselves by PKCE alone. */
  readonly clientSecret?: string;
  readonly clockSkewS: number;
}

/** The issuer could not be asked, or said something that it must not. */
export interface IssuerFault {
  readonly code: 'issuer-unreachable';
  readonly detail: string;
}

/** Discovery, once and again when it is old; a failure is not asked again at once. */
export interface DiscoveredIssuer {
  configuration(): Promise<Result<client.Configuration, IssuerFault>>;
}

/** An issuer changes its endpoints rarely, and keeps the old ones meanwhile. */
const REDISCOVER_MS = durationMs(3_600_000);
/** While it is away nobody asks more often. */
const RETRY_MS = durationMs(5_000);
/** Somebody waits at a browser. */
const ANSWER_S = 10;

export function discoverIssuer(own: OidcClient, machineClock: MachineClock): DiscoveredIssuer {
  let known: { readonly configuration: client.Configuration; readonly at: ReturnType<MachineClock['now']> } | undefined;
  let failed: { readonly fault: IssuerFault; readonly at: ReturnType<MachineClock['now']> } | undefined;

  function isYounger(at: ReturnType<MachineClock['now']>, limit: DurationMs): boolean {
    return elapsedMs(at, machineClock.now()) < limit;
  }

  return {
    async configuration() {
      if (known !== undefined && isYounger(known.at, REDISCOVER_MS)) return ok(known.configuration);
      if (failed !== undefined && isYounger(failed.at, RETRY_MS)) return orOld(known?.configuration, failed.fault);
      try {
        known = { configuration: await discovered(own), at: machineClock.now() };
        failed = undefined;
        return ok(known.configuration);
      } catch (cause) {
        const fault: IssuerFault = { code: 'issuer-unreachable', detail: sentenceOf(own, cause) };
        failed = { fault, at: machineClock.now() };
        return orOld(known?.configuration, fault);
      }
    },
  };
}

/** What an issuer said once goes on to hold while it is away. */
function orOld(known: client.Configuration | undefined, fault: IssuerFault): Result<client.Configuration, IssuerFault> {
  return known === undefined ? err(fault) : ok(known);
}

async function discovered({ issuer, clientId, clientSecret, clockSkewS }: OidcClient): Promise<client.Configuration> {
  const url = new URL(issuer);
  const metadata = { [client.clockTolerance]: clockSkewS };
  const authentication = clientSecret === undefined ? client.None() : client.ClientSecretBasic(clientSecret);
  const configuration = await client.discovery(url, clientId, metadata, authentication, {
    // Without TLS only where nobody sits in between.
    ...(isLoopback(url) ? { execute: [client.allowInsecureRequests] } : {}),
    timeout: ANSWER_S,
  });
  configuration.timeout = ANSWER_S;
  return configuration;
}

/** Whether an address never leaves this machine (RFC 8252 §8.3). */
export function isLoopback({ hostname }: Pick<URL, 'hostname'>): boolean {
  return hostname === '127.0.0.1' || hostname === '[::1]' || hostname === 'localhost';
}

function sentenceOf({ issuer }: OidcClient, cause: unknown): string {
  const reason = cause instanceof Error ? innermost(cause).message : String(cause);
  return `The issuer ${issuer} could not be discovered (${reason.slice(0, 200)}); look whether it runs and can be reached from here`;
}

function innermost(cause: Error): Error {
  return cause.cause instanceof Error ? innermost(cause.cause) : cause;
}
