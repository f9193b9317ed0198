// SPDX-License-Identifier: Apache-2.0
import { createHmac, createPrivateKey, generateKeyPairSync, randomBytes, sign, type webcrypto } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fromNpm } from '../from-npm.ts';

/** An issuer certified by the OpenID Foundation, whose code is none of ours. */
const PACKAGE = { name: 'oidc-provider', version: '9.13.3' } as const;

/** People of this issuer; the password of each is asked for. */
export interface IssuedPerson {
  readonly sub: string;
  readonly name: string;
  readonly groups: readonly string[];
}

export interface IndependentIssuer {
  readonly url: string;
  readonly password: string;
  readonly clientSecret: string;
  /** A token as this issuer would sign it, with other claims or another head: what a thief or a mistake would bring. */
  signed(claims: Readonly<Record<string, unknown>>, head?: { readonly alg?: string }): string;
  /** Another key from now on, the former one taken away: what an issuer does whose key was stolen. */
  replaceKey(): Promise<void>;
  /** Answers nobody any more, or again. */
  leave(): Promise<void>;
  comeBack(): Promise<void>;
}

/** What we use of the package; it has no declarations of its own. */
interface Provider {
  callback(): (request: IncomingMessage, response: ServerResponse) => void;
  interactionDetails(
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<{
    readonly uid: string;
    readonly prompt: { readonly name: string };
    readonly params: { readonly client_id: string; readonly scope: string };
    readonly session?: { readonly accountId: string };
  }>;
  interactionFinished(request: IncomingMessage, response: ServerResponse, result: unknown): Promise<void>;
  readonly Grant: new (of: {
    readonly accountId: string;
    readonly clientId: string;
  }) => { addOIDCScope(scope: string): void; save(): Promise<string> };
}

type ProviderClass = new (issuer: string, configuration: unknown) => Provider;

/** Starts it on a free port of this machine: a confidential client for the console, a public one for the command line. */
export async function independentIssuer(
  people: readonly IssuedPerson[],
  consoleRedirect: string,
): Promise<IndependentIssuer> {
  const folder = await fromNpm(PACKAGE.name, PACKAGE.version);
  const { Provider }: { readonly Provider: ProviderClass } = createRequire(import.meta.url)(
    join(folder, 'lib', 'index.js'),
  );
  const password = randomBytes(12).toString('hex');
  const clientSecret = randomBytes(24).toString('hex');
  let key = newKey();
  let provider: Provider;
  let server: Server = createServer();
  await listenAt(server, 0);
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('A TCP server has a port');
  const { port } = address;
  const url = `http://127.0.0.1:${port}`;
  const make = () => new Provider(url, configuration({ people, key, clientSecret, consoleRedirect }));
  provider = make();
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    if (request.url?.startsWith('/interaction/') === true) {
      interact(provider, { people, password }, { request, response }).catch((cause: unknown) => {
        response.writeHead(500);
        response.end(String(cause));
      });
      return;
    }
    provider.callback()(request, response);
  };
  server.on('request', answer);

  async function leave(): Promise<void> {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }

  return {
    url,
    password,
    clientSecret,
    signed(claims, { alg = 'ES256' } = {}) {
      const now = Math.floor(Date.now() / 1_000);
      const whole = {
        iss: url,
        sub: 'grace',
        aud: 'outrider-cli',
        groups: ['leads'],
        iat: now,
        exp: now + 600,
        ...claims,
      };
      const text = [{ alg, kid: key.kid }, whole].map((part) => encoded(JSON.stringify(part))).join('.');
      return `${text}.${signatureOf(text, alg, key)}`;
    },
    async replaceKey() {
      key = newKey();
      provider = make();
    },
    leave,
    async comeBack() {
      server = createServer(answer);
      await listenAt(server, port);
    },
  };
}

function listenAt(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
}

type PrivateKey = webcrypto.JsonWebKey & { readonly kid: string };

/** Right, none, or the old confusion: what everybody may read, taken for the secret of an HMAC. */
function signatureOf(text: string, alg: string, key: PrivateKey): string {
  if (alg === 'none') return '';
  const { d: _, ...publicHalf } = key;
  if (alg === 'HS256') return createHmac('sha256', JSON.stringify(publicHalf)).update(text).digest('base64url');
  const privateKey = createPrivateKey({ key, format: 'jwk' });
  return sign('sha256', Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url');
}

function encoded(text: string): string {
  return Buffer.from(text).toString('base64url');
}

function newKey(): PrivateKey {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return {
    ...privateKey.export({ format: 'jwk' }),
    kid: randomBytes(8).toString('hex'),
    alg: 'ES256',
    use: 'sig',
  };
}

function configuration(of: {
  readonly people: readonly IssuedPerson[];
  readonly key: PrivateKey;
  readonly clientSecret: string;
  readonly consoleRedirect: string;
}): unknown {
  const signing = { id_token_signed_response_alg: 'ES256' };
  return {
    jwks: { keys: [of.key] },
    cookies: { keys: [randomBytes(16).toString('hex')] },
    clients: [
      {
        ...signing,
        client_id: 'outrider',
        client_secret: of.clientSecret,
        redirect_uris: [of.consoleRedirect],
        grant_types: ['authorization_code'],
      },
      {
        ...signing,
        client_id: 'outrider-cli',
        application_type: 'native',
        token_endpoint_auth_method: 'none',
        redirect_uris: ['http://127.0.0.1/callback'],
        grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
      },
    ],
    pkce: { required: () => true },
    scopes: ['openid', 'profile', 'groups', 'offline_access'],
    claims: { openid: ['sub'], profile: ['name'], groups: ['groups'] },
    // The claims of the scopes in the ID token, as company issuers are set up.
    conformIdTokenClaims: false,
    features: { devInteractions: { enabled: false }, deviceFlow: { enabled: true } },
    interactions: { url: (_: unknown, { uid }: { readonly uid: string }) => `/interaction/${uid}` },
    findAccount: (_: unknown, id: string) => {
      const person = of.people.find(({ sub }) => sub === id);
      return person && { accountId: id, claims: () => ({ ...person }) };
    },
  };
}

/** The page at which a person proves who they are, and the consent, which company issuers give for their people. */
async function interact(
  provider: Provider,
  { people, password }: { readonly people: readonly IssuedPerson[]; readonly password: string },
  { request, response }: { readonly request: IncomingMessage; readonly response: ServerResponse },
): Promise<void> {
  const { prompt, params, session } = await provider.interactionDetails(request, response);
  if (prompt.name === 'consent') {
    const grant = new provider.Grant({ accountId: session?.accountId ?? '', clientId: params.client_id });
    grant.addOIDCScope(params.scope);
    return provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } });
  }
  if (request.method !== 'POST') {
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
    response.end(
      '<!doctype html><title>Company login</title><form method="post"><label>User <input name="user"></label>' +
        '<label>Password <input name="password" type="password"></label><button>Log in</button></form>',
    );
    return;
  }
  const form = new URLSearchParams(await bodyOf(request));
  const person = people.find(({ sub }) => sub === form.get('user'));
  const isRight = person !== undefined && form.get('password') === password;
  const result = isRight
    ? { login: { accountId: person.sub } }
    : { error: 'access_denied', error_description: 'The password is wrong' };
  return provider.interactionFinished(request, response, result);
}

const FORM_BYTES_MAX = 10_000;

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) {
    text += String(chunk);
    if (text.length > FORM_BYTES_MAX) throw new TypeError('A form of two fields is shorter');
  }
  return text;
}
