// SPDX-License-Identifier: Apache-2.0
import type { IncomingMessage, ServerResponse } from 'node:http';
import { encodeProblem, PROBLEM_MEDIA_TYPE, problemStatus } from '@outrider/protocol/kernel/problem';
import { inRequest } from '../log/request-context.ts';
import type { Log } from '../ports.ts';
import type { CookieJar } from '../trust/cookies.ts';
import type { DevelopmentIssuer } from '../trust/development-issuer/issuer.ts';
import type { Identify, Refused } from '../trust/identify.ts';
import type { IssuerPorts } from '../trust/people.ts';
import type { RateLimiter } from '../trust/rate-limit.ts';
import { cookieLifeS, type Sessions } from '../trust/sessions.ts';
import type { SignIn } from '../trust/sign-in.ts';
import { answerDevelopmentIssuer, DEVELOPMENT_ISSUER_PATH } from './development-issuer-routes.ts';
import { escaped, pageOf, readSmallBody, sendJson, sendPage, sendRedirect } from './plain-answer.ts';

/** What the listener needs of everything about people. */
export interface SignInOptions {
  readonly sessions: Sessions;
  readonly identify: Identify;
  readonly cookies: CookieJar;
  /** Undefined: nobody signs in by an issuer. */
  readonly issuer: () => IssuerSetup | undefined;
  readonly failures: RateLimiter;
  readonly log: Log;
}

/** An issuer with all that signing in there takes. */
export interface IssuerSetup extends IssuerPorts {
  readonly signIn: SignIn;
  readonly developmentIssuer?: DevelopmentIssuer;
}

/** Whether a path is about signing in: what a browser and the command line do before anybody is known. */
export function isSignInPath(path: string): boolean {
  return path === '/sign-in' || path.startsWith('/sign-in/') || path.startsWith(`${DEVELOPMENT_ISSUER_PATH}/`);
}

export function signInListener(options: SignInOptions): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    inRequest(request.headers, () => answer(request, response, options)).catch((cause: unknown) => {
      options.log.error({ stage: 'server', code: 'sign-in-failed', err: cause }, 'A sign-in could not be answered');
      if (response.headersSent) return response.destroy();
      showFault(response, { code: 'internal-error', detail: 'The server failed on this request; its log says why' });
    });
  };
}

async function answer(request: IncomingMessage, response: ServerResponse, options: SignInOptions): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const setup = options.issuer();
  if (url.pathname.startsWith(`${DEVELOPMENT_ISSUER_PATH}/`)) {
    const issuer = setup?.developmentIssuer;
    if (issuer !== undefined) return answerDevelopmentIssuer(request, response, { issuer, failures: options.failures });
  }
  const asked = `${request.method} ${url.pathname}`;
  if (asked === 'POST /sign-in/break-glass') return breakGlass(request, response, options);
  request.resume();
  if (asked === 'GET /sign-in/settings') return sendJson(response, 200, setup?.signIn.shown() ?? { issuer: null });
  if (setup !== undefined && asked === 'GET /sign-in') return begin(request, response, options, setup.signIn);
  if (setup !== undefined && asked === 'GET /sign-in/callback') return finish(request, response, options, setup.signIn);
  const detail = 'There is nothing at this path; without an issuer people come in with the token of the administrator';
  return sendProblem(response, { code: 'route-unknown', detail });
}

async function begin(
  request: IncomingMessage,
  response: ServerResponse,
  { cookies }: SignInOptions,
  signIn: SignIn,
): Promise<void> {
  // Cookies belong to one host: whoever came by another name of it would come back without.
  if (request.headers.host !== undefined && request.headers.host !== new URL(signIn.origin).host) {
    return sendRedirect(response, `${signIn.origin}/sign-in`);
  }
  const begun = await signIn.begin();
  if (!begun.ok) return showFault(response, begun.error);
  sendRedirect(response, begun.value.url, [cookies.write('sign-in', begun.value.sealed, signIn.attemptS)]);
}

async function finish(
  request: IncomingMessage,
  response: ServerResponse,
  { cookies, sessions, identify }: SignInOptions,
  signIn: SignIn,
): Promise<void> {
  const forget = cookies.write('sign-in', '', 0);
  const signedIn = await signIn.finish(request.url ?? '', cookies.read(request, 'sign-in'));
  const admitted = signedIn.ok ? await identify.admit(signedIn.value) : signedIn;
  if (!admitted.ok) {
    response.setHeader('set-cookie', forget);
    return showFault(response, identify.failed(admitted.error, request.socket.remoteAddress ?? ''));
  }
  const secret = await sessions.begin(admitted.value);
  sendRedirect(response, '/', [forget, cookies.write('session', secret, cookieLifeS(admitted.value))]);
}

/** The last way in: a form of the console sends the administrator's token, once, for a session of an hour. */
async function breakGlass(
  request: IncomingMessage,
  response: ServerResponse,
  { cookies, sessions, identify }: SignInOptions,
): Promise<void> {
  const body = await readSmallBody(request);
  const site = request.headers['sec-fetch-site'];
  const isJson = request.headers['content-type']?.startsWith('application/json') ?? false;
  if (body === undefined || !isJson || (site !== undefined && site !== 'same-origin')) {
    const detail = 'A session is begun by the page of this server, with one JSON value; send {"token": ...}';
    return sendProblem(response, { code: 'csrf-missing', detail });
  }
  const person = identify.breakGlass(tokenIn(body), request.socket.remoteAddress ?? '');
  if (!person.ok) return sendProblem(response, person.error);
  const secret = await sessions.begin(person.value);
  response.setHeader('set-cookie', cookies.write('session', secret, cookieLifeS(person.value)));
  sendJson(response, 201, { personId: person.value.personId, roles: person.value.roles });
}

function tokenIn(body: string): string {
  try {
    const value: unknown = JSON.parse(body);
    const isHolding = typeof value === 'object' && value !== null && 'token' in value;
    return isHolding && typeof value.token === 'string' ? value.token : '';
  } catch (cause) {
    if (cause instanceof SyntaxError) return '';
    throw cause;
  }
}

function showFault(response: ServerResponse, { code, detail, retryS }: Refused): void {
  if (retryS !== undefined) response.setHeader('retry-after', String(retryS));
  const body = `<h1>You are not signed in</h1><p class="fault" role="alert">${escaped(detail)}</p><p><code>${code}</code></p><p><a href="/sign-in">Try again</a> · <a href="/">Back</a></p>`;
  sendPage(response, { status: problemStatus(code), html: pageOf('Not signed in', body) });
}

function sendProblem(response: ServerResponse, problem: Refused): void {
  if (problem.retryS !== undefined) response.setHeader('retry-after', String(problem.retryS));
  const body = Buffer.from(encodeProblem(problem));
  response.writeHead(problemStatus(problem.code), {
    'content-type': PROBLEM_MEDIA_TYPE,
    'content-length': body.length,
    'cache-control': 'no-store',
  });
  response.end(body);
}
