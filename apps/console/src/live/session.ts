// SPDX-License-Identifier: Apache-2.0
import { type Answer, type Fetch, refusal } from './management.ts';

/** Who sits before the page, as the server sees it. */
export type Session =
  | { readonly kind: 'asking' }
  /** Nobody is signed in; `fault`: why the last try failed, in the server's own words. */
  | { readonly kind: 'none'; readonly hasIssuer: boolean; readonly fault?: string }
  | { readonly kind: 'present'; readonly csrfToken: string; readonly personId: string };

/** Asks whether the cookie of this browser is a session. */
export async function loadSession(fetchFrom: Fetch): Promise<Session> {
  const fields = fieldsIn(await asked(fetchFrom, '/api/v1/session', {}));
  const { csrfToken, personId } = fields;
  if (typeof csrfToken === 'string' && typeof personId === 'string') return { kind: 'present', csrfToken, personId };
  const settings = fieldsIn(await asked(fetchFrom, '/sign-in/settings', {}));
  return { kind: 'none', hasIssuer: typeof settings.issuer === 'string' };
}

/** Begins a session with the administrator's token: it is sent once and kept nowhere here. Undefined: it went well. */
export async function breakGlass(fetchFrom: Fetch, token: string): Promise<string | undefined> {
  const body = JSON.stringify({ token });
  const headers = { 'content-type': 'application/json' };
  const answer = await asked(fetchFrom, '/sign-in/break-glass', { method: 'POST', headers, body });
  if (answer.kind === 'done') return undefined;
  if (answer.kind === 'unreachable') return 'The server does not answer';
  return answer.code === 'token-invalid' ? 'The server does not know this token' : answer.detail;
}

async function asked(fetchFrom: Fetch, path: string, init: RequestInit): Promise<Answer> {
  try {
    const response = await fetchFrom(path, {
      cache: 'no-store',
      credentials: 'same-origin',
      redirect: 'error',
      ...init,
    });
    const body = await response.text();
    return response.ok ? { kind: 'done', body } : refusal(response.status, body);
  } catch (cause) {
    // fetch throws a TypeError when nobody answers.
    if (cause instanceof TypeError) return { kind: 'unreachable' };
    throw cause;
  }
}

function fieldsIn(answer: Answer): Readonly<Record<string, unknown>> {
  if (answer.kind !== 'done') return {};
  const value: unknown = JSON.parse(answer.body);
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
