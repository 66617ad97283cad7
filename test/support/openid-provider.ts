/** A real OpenID Connect provider on this machine (`oidc-provider`), and a browser without programs that goes through it. */
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Configuration, Provider } from 'oidc-provider';
import type { ScratchFolder } from './scratch.ts';

export const CLIENT_ID = 'slipway';
export const CLIENT_SECRET = 'a secret that both sides have';

export interface TestProvider extends AsyncDisposable {
  readonly issuer: string;
  /** Changes what the token endpoint answers next, once. @param change gets the claims of the real ID token */
  changeNextToken(change: (claims: Readonly<Record<string, unknown>>) => string): void;
  /** Makes an ID token. @param key null: that of the provider */
  tokenOf(claims: object, options?: { readonly key?: KeyObject | null; readonly alg?: 'ES256' | 'none' }): string;
}

export interface ProviderOptions {
  /** Whether the ID token has the claims of the scopes; else only the user info has them. */
  readonly inIdToken?: boolean;
  /** Host name of the provider; for a browser another name is another site. */
  readonly name?: '127.0.0.1' | 'localhost';
}

/**
 * @param redirectUri where the provider sends browsers back to
 * @param people login → claims beside the subject, which is the login
 */
export async function startProvider(
  redirectUri: string,
  people: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  { inIdToken = true, name = '127.0.0.1' }: ProviderOptions = {},
): Promise<TestProvider> {
  const http = createServer();
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const issuer = `http://${name}:${(http.address() as AddressInfo).port}`;
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const tokenOf: TestProvider['tokenOf'] = (claims, { key = null, alg = 'ES256' } = {}) => {
    const head = [{ alg, kid: 'test', typ: 'JWT' }, claims].map(encoded).join('.');
    if (alg === 'none') return `${head}.`;
    const signature = sign('sha256', Buffer.from(head), { key: key ?? privateKey, dsaEncoding: 'ieee-p1363' });
    return `${head}.${signature.toString('base64url')}`;
  };
  const provider = await makeProvider(issuer, {
    clients: [
      {
        ...{ client_id: CLIENT_ID, client_secret: CLIENT_SECRET, redirect_uris: [redirectUri] },
        ...{ response_types: ['code'], grant_types: ['authorization_code'], id_token_signed_response_alg: 'ES256' },
      },
    ],
    jwks: { keys: [{ ...(privateKey.export({ format: 'jwk' }) as { kty: 'EC' }), kid: 'test', alg: 'ES256' }] },
    cookies: { keys: ['keeps nobody out of a test'] },
    conformIdTokenClaims: !inIdToken,
    claims: { openid: ['sub'], profile: ['name'], email: ['email'], groups: ['groups'] },
    scopes: ['openid', 'profile', 'email', 'groups'],
    findAccount: (_, login) => ({ accountId: login, claims: () => ({ sub: login, ...people[login] }) }),
    // The sign-in form of the package itself: any password will do.
    features: { devInteractions: { enabled: true } },
    ttl: { AccessToken: 60, AuthorizationCode: 60, Grant: 60, IdToken: 60, Interaction: 60, Session: 60 },
  });
  let change: Parameters<TestProvider['changeNextToken']>[0] | null = null;
  const answer = provider.callback();
  http.on('request', (asked: IncomingMessage, response: ServerResponse) => {
    if (asked.url === '/token' && change !== null) {
      replaceToken(response, change);
      change = null;
    }
    void answer(asked, response);
  });
  return {
    issuer,
    tokenOf,
    changeNextToken(next) {
      change = next;
    },
    async [Symbol.asyncDispose]() {
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}

/** The package warns of what is right in a test, such as its own sign-in form, and that nothing is kept. */
async function makeProvider(issuer: string, configuration: Configuration): Promise<Provider> {
  const { warn } = console;
  console.warn = () => undefined;
  try {
    const { default: OpenIdProvider } = await import('oidc-provider');
    return new OpenIdProvider(issuer, configuration);
  } finally {
    console.warn = warn;
  }
}

function replaceToken(response: ServerResponse, change: Parameters<TestProvider['changeNextToken']>[0]): void {
  const end = response.end.bind(response) as (body: string) => ServerResponse;
  response.end = ((body: string) => {
    const answer = JSON.parse(body) as { id_token: string };
    const claims = JSON.parse(Buffer.from(answer.id_token.split('.')[1] ?? '', 'base64url').toString('utf8'));
    const changed = JSON.stringify({ ...answer, id_token: change(claims as Record<string, unknown>) });
    response.setHeader('content-length', Buffer.byteLength(changed));
    return end(changed);
  }) as typeof response.end;
}

function encoded(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

/** Writes the settings of a server for a provider. @returns the file of `--oidc` */
export function oidcFile(scratch: ScratchFolder, settings: Readonly<Record<string, unknown>>): string {
  const clientSecretFile = scratch.at('oidc-secret');
  writeFileSync(clientSecretFile, `${CLIENT_SECRET}\n`);
  const file = scratch.at('oidc.yml');
  const own = { clientId: CLIENT_ID, clientSecretFile, scopes: ['openid', 'profile', 'email', 'groups'] };
  writeFileSync(file, JSON.stringify({ ...own, ...settings }));
  return file;
}

export interface Seen {
  readonly status: number;
  readonly location: string | null;
  readonly text: string;
  readonly cookies: readonly string[];
}

/** A browser: it keeps cookies by host, and sends them back. */
export function testBrowser() {
  const jars = new Map<string, Map<string, string>>();
  const ask = async (
    address: string,
    options: {
      readonly method?: string;
      readonly body?: string;
      readonly headers?: Readonly<Record<string, string>>;
      readonly connectTo?: string;
    } = {},
  ): Promise<Seen> => {
    const url = new URL(address);
    const at = new URL(options.connectTo ?? url.origin);
    const jar = jars.get(url.host) ?? new Map<string, string>();
    jars.set(url.host, jar);
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const form = options.body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' };
    const headers = { host: url.host, ...(cookie === '' ? {} : { cookie }), ...form, ...options.headers };
    const place = { host: at.hostname, port: at.port, path: `${url.pathname}${url.search}`, agent: false as const };
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const asked = request({ ...place, method: options.method ?? 'GET', headers });
      asked.once('response', resolve).once('error', reject).end(options.body);
    });
    let text = '';
    for await (const piece of response.setEncoding('utf8')) text += String(piece);
    const cookies = response.headers['set-cookie'] ?? [];
    for (const line of cookies) {
      const [pair = ''] = line.split(';', 1);
      const mark = pair.indexOf('=');
      const [name, value] = [pair.slice(0, mark), pair.slice(mark + 1)];
      if (value === '') jar.delete(name);
      else jar.set(name, value);
    }
    const { location } = response.headers;
    return {
      status: response.statusCode ?? 0,
      location: location === undefined ? null : new URL(location, url).href,
      text,
      cookies,
    };
  };
  return { ask, cookiesOf: (host: string) => jars.get(host) ?? new Map<string, string>() };
}

/**
 * Signs a person in at the provider as its form wants it, and consents.
 *
 * @param address at the provider, as the server has given it
 * @returns the address that the provider sends the browser back to
 */
export async function signInAtProvider(
  { ask }: Pick<ReturnType<typeof testBrowser>, 'ask'>,
  address: string,
  login: string,
): Promise<string> {
  const { host } = new URL(address);
  let seen = await ask(address);
  for (let step = 0; step < 10; step += 1) {
    if (seen.location !== null) {
      if (new URL(seen.location).host !== host) return seen.location;
      seen = await ask(seen.location);
      continue;
    }
    const action = /<form[^>]+action="([^"]+)"/.exec(seen.text)?.[1];
    const prompt = /name="prompt" value="(\w+)"/.exec(seen.text)?.[1];
    if (action === undefined || prompt === undefined) break;
    const form = new URLSearchParams(prompt === 'login' ? { prompt, login, password: 'any' } : { prompt });
    seen = await ask(new URL(action, address).href, { method: 'POST', body: form.toString() });
  }
  throw new Error(`the provider did not send the browser back: ${seen.status} ${seen.text.slice(0, 500)}`);
}
