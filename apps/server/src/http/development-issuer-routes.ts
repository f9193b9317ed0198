// SPDX-License-Identifier: Apache-2.0
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { DevelopmentIssuer } from '../trust/development-issuer/issuer.ts';
import { DEVELOPMENT_PEOPLE } from '../trust/development-issuer/people.ts';
import type { RateLimiter } from '../trust/rate-limit.ts';
import { escaped, pageOf, readSmallBody, sendJson, sendPage, sendRedirect } from './plain-answer.ts';

/** Where the development issuer lies below the address of the server. */
export const DEVELOPMENT_ISSUER_PATH = '/development-issuer';

/** Answers what lies below `/development-issuer/`. */
export async function answerDevelopmentIssuer(
  request: IncomingMessage,
  response: ServerResponse,
  { issuer, failures }: { readonly issuer: DevelopmentIssuer; readonly failures: RateLimiter },
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const asked = `${request.method} ${url.pathname.slice(DEVELOPMENT_ISSUER_PATH.length)}`;
  const body = request.method === 'POST' ? await readSmallBody(request) : '';
  if (body === undefined) return sendJson(response, 413, { error: 'invalid_request' });
  switch (asked) {
    case 'GET /.well-known/openid-configuration':
      return sendJson(response, 200, issuer.discovery());
    case 'GET /keys':
      return sendJson(response, 200, issuer.keys());
    case 'GET /authorize':
      return showForm(response, issuer, url.searchParams);
    case 'POST /authorize': {
      const form = new URLSearchParams(body);
      const target = issuer.vouch(url.searchParams, form.get('person') ?? '', form.get('password') ?? '');
      if (target !== undefined) return sendRedirect(response, target);
      const retryS = failures.take(request.socket.remoteAddress ?? '');
      if (retryS === undefined) return showForm(response, issuer, url.searchParams, 'This is not the password');
      response.setHeader('retry-after', String(retryS));
      return sendPage(response, {
        status: 429,
        html: pageOf('Too many tries', `<p>Come back in ${retryS} seconds.</p>`),
      });
    }
    case 'POST /token': {
      const exchanged = await issuer.exchange(new URLSearchParams(body));
      return exchanged.ok ? sendJson(response, 200, exchanged.value) : sendJson(response, 400, exchanged.error);
    }
    default:
      return sendJson(response, 404, { error: 'not_found' });
  }
}

function showForm(response: ServerResponse, issuer: DevelopmentIssuer, query: URLSearchParams, fault?: string): void {
  const asked = issuer.checkAsked(query);
  if (!asked.ok) {
    const html = pageOf('Sign in', `<h1>Nobody can sign in like this</h1><p class="fault">${escaped(asked.error)}</p>`);
    sendPage(response, { status: 400, html });
    return;
  }
  const options = DEVELOPMENT_PEOPLE.map(
    ({ personId, name }) => `<option value="${escaped(personId)}">${escaped(name)}</option>`,
  );
  const body = `<h1>Sign in: development issuer</h1>
<p>For trying out on this machine. The password is the text of the file <code>development-password</code> in the data folder.</p>
${fault === undefined ? '' : `<p class="fault" role="alert">${escaped(fault)}</p>`}
<form method="post" action="?${escaped(query.toString())}">
<label for="person">Who you are</label><select id="person" name="person">${options.join('')}</select>
<label for="password">Password</label><input id="password" name="password" type="password" autocomplete="off" required autofocus>
<button>Sign in</button></form>`;
  // The browser holds the answer to the form, a redirect, against this too (CSP Level 3 §6.4.1).
  const targets = `'self' ${new URL(asked.value.redirectUri).origin}`;
  sendPage(response, { status: fault === undefined ? 200 : 403, html: pageOf('Sign in', body), formTargets: targets });
}
