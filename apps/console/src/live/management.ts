// SPDX-License-Identifier: Apache-2.0

/** What the management API said: the body of a success, or why not, in the server's own words. */
export type Answer =
  | { readonly kind: 'done'; readonly body: string }
  | { readonly kind: 'refused'; readonly status: number; readonly code: string; readonly detail: string }
  | { readonly kind: 'unreachable' };

/**
 * The management API as this page calls it: same origin, by the cookie of the session, which no script can read. Each change carries
 * what only this page was told, so that no other site can make one.
 */
export interface Management {
  get(path: string): Promise<Answer>;
  post(path: string, body: Readonly<Record<string, unknown>>): Promise<Answer>;
  /** The stream of overviews; the caller aborts it. */
  openStream(signal: AbortSignal): Promise<Response | undefined>;
}

export type Fetch = (path: string, init: RequestInit) => Promise<Response>;

const API_PREFIX = '/api/v1';

export function management(csrfToken: string, fetchFrom: Fetch): Management {
  async function ask(path: string, init: RequestInit): Promise<Answer> {
    const response = await reached(fetchFrom(`${API_PREFIX}${path}`, withDefaults(init)));
    const body = response === undefined ? undefined : await reached(response.text());
    if (response === undefined || body === undefined) return { kind: 'unreachable' };
    return response.ok ? { kind: 'done', body } : refusal(response.status, body);
  }

  function withDefaults(init: RequestInit): RequestInit {
    const { headers, ...others } = init;
    return {
      cache: 'no-store',
      credentials: 'same-origin',
      redirect: 'error',
      referrerPolicy: 'no-referrer',
      ...others,
      // Who it was, where the session is that of the administrator's token and has no name.
      headers: { 'x-outrider-csrf': csrfToken, 'x-outrider-author': 'console', ...headers },
    };
  }

  return {
    get: (path) => ask(path, {}),
    post: (path, body) =>
      ask(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    openStream: (signal) => reached(fetchFrom(`${API_PREFIX}/overview/stream`, withDefaults({ signal }))),
  };
}

/** fetch throws a TypeError when nobody answers, and an AbortError when we hung up: both are "no answer" here. */
async function reached<T>(reaching: Promise<T>): Promise<T | undefined> {
  try {
    return await reaching;
  } catch (cause) {
    if (cause instanceof TypeError || (cause instanceof DOMException && cause.name === 'AbortError')) return undefined;
    throw cause;
  }
}

/** Reads a problem document (RFC 9457); a proxy in between may have answered something else. */
export function refusal(status: number, body: string): Answer {
  const problem = fieldsOf(body);
  const { code, detail } = problem;
  return {
    kind: 'refused',
    status,
    code: typeof code === 'string' ? code : `http-${status}`,
    detail: typeof detail === 'string' ? detail : `The server answered with status ${status}`,
  };
}

function fieldsOf(body: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch (cause) {
    if (cause instanceof SyntaxError) return {};
    throw cause;
  }
}
