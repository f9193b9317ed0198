// SPDX-License-Identifier: Apache-2.0
import type { IncomingMessage } from 'node:http';

/** Cookies that no script can read and that other sites do not send along (RFC 6265bis). */
export interface CookieJar {
  read(request: IncomingMessage, name: CookieName): string | undefined;
  /** The field `Set-Cookie`; an empty value takes the cookie away. */
  write(name: CookieName, value: string, lifeS: number): string;
}

/** `session`: who it is. `sign-in`: what one attempt to sign in has to remember. */
export type CookieName = 'session' | 'sign-in';

/** The answer of the issuer comes from another site, so its cookie has to come along: Lax. */
const SAME_SITE: Readonly<Record<CookieName, 'Strict' | 'Lax'>> = { session: 'Strict', 'sign-in': 'Lax' };

/** `isSecure`: people come by https, and the cookie goes nowhere else; the prefix __Host- makes browsers hold to that. */
export function cookieJar(isSecure: boolean): CookieJar {
  const prefix = isSecure ? '__Host-outrider-' : 'outrider-';
  return {
    read(request, name) {
      const wanted = `${prefix}${name}=`;
      const found = (request.headers.cookie ?? '').split(';').map((one) => one.trim());
      const values = found.filter((one) => one.startsWith(wanted));
      // Two of one name: somebody has planted one beside ours, and nobody can say which is which.
      const value = values.length === 1 ? values[0]?.slice(wanted.length) : undefined;
      return value === undefined || value === '' ? undefined : value;
    },
    write(name, value, lifeS) {
      const secure = isSecure ? '; Secure' : '';
      const age = value === '' ? 0 : lifeS;
      return `${prefix}${name}=${value}; Path=/; HttpOnly; SameSite=${SAME_SITE[name]}; Max-Age=${age}${secure}`;
    },
  };
}
