import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { createJwtCheck } from '../../../../lambdas/adapters/http/jwt-issuer.ts';
import { listenOnLoopback } from '../../../../tools/local-stack/run/listener.ts';
import { ORIGIN, type ReadStack, startReadStack } from '../../../support/stacks/read-stack.ts';

// JWTs of an issuer simulated by this test.

const AUDIENCE = 'mailgun-ledger';

type Keys = Awaited<ReturnType<typeof generateKeyPair>>;

interface Issuer {
  url: string;
  /** Responses by path; anything else is a 404. A function may delay its response. */
  replies: Record<string, () => Promise<object> | object | number>;
  requested: string[];
  close: () => Promise<void>;
}

let keys: Keys;
let strangers: Keys;
let issuer: Issuer;

async function startIssuer(): Promise<Issuer> {
  const requested: string[] = [];
  const replies: Issuer['replies'] = {};
  const { url, close } = await listenOnLoopback(async ({ url: path = '' }, response) => {
    requested.push(path);
    const reply = (await replies[path]?.()) ?? 404;
    if (typeof reply === 'number') response.writeHead(reply).end();
    else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(reply));
  });
  const jwk = { ...(await exportJWK(keys.publicKey)), kid: 'k1', use: 'sig' };
  replies['/.well-known/openid-configuration'] = () => ({ issuer: url, jwks_uri: `${url}/keys` });
  replies['/keys'] = () => ({ keys: [jwk] });
  return { url, replies, requested, close };
}

const token = (
  over: Record<string, unknown> = {},
  header: { alg: string; kid?: string } = { alg: 'RS256', kid: 'k1' },
  key: Parameters<SignJWT['sign']>[0] = keys.privateKey,
) => {
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: issuer.url, aud: AUDIENCE, sub: 'ada', iat: now, exp: now + 600, ...over };
  return new SignJWT(JSON.parse(JSON.stringify(claims))).setProtectedHeader(header).sign(key);
};

beforeAll(async () => {
  keys = await generateKeyPair('RS256', { extractable: true });
  strangers = await generateKeyPair('RS256', { extractable: true });
  issuer = await startIssuer();
});
afterAll(() => issuer?.close());

describe('the JWT check', () => {
  const check = (bearer: string) => createJwtCheck({ issuer: issuer.url, audience: AUDIENCE })(bearer);
  const now = () => Math.floor(Date.now() / 1000);

  test('accepts a token that the issuer signed for this audience', async () => {
    expect(await check(await token())).toBe(true);
    expect(await check(await token({ aud: ['other', AUDIENCE] }))).toBe(true);
  });

  test.each<[string, () => Promise<string> | string]>([
    ['another audience', () => token({ aud: 'other' })],
    ['no audience', () => token({ aud: undefined })],
    ['another issuer', () => token({ iss: 'https://evil.example' })],
    ['one that ran out', () => token({ exp: now() - 60 })],
    ['one that never runs out', () => token({ exp: undefined })],
    ['one that is not yet good', () => token({ nbf: now() + 600 })],
    ['a stranger in the name of the issuer', () => token({}, undefined, strangers.privateKey)],
    ['an unknown key', () => token({}, { alg: 'RS256', kid: 'k2' })],
    [
      'a secret made of the public key',
      async () => token({}, { alg: 'HS256', kid: 'k1' }, Buffer.from(JSON.stringify(await exportJWK(keys.publicKey)))),
    ],
    [
      'no signature',
      async () => {
        const [, claims] = (await token()).split('.');
        return `${Buffer.from('{"alg":"none"}').toString('base64url')}.${claims}.`;
      },
    ],
    ['no JWT', () => 'a.b.c'],
    ['an empty one', () => '..'],
    ['noise', () => '\u{1f600}'],
    [
      'a changed claim',
      async () => (await token()).replace(/\.[^.]+\./, `.${Buffer.from('{}').toString('base64url')}.`),
    ],
  ])('refuses %s', async (_, make) => {
    expect(await check(await make())).toBe(false);
  });

  test('throws if the issuer fails, and calls it again the next time', async () => {
    const good = issuer.replies['/keys'];
    const discovery = issuer.replies['/.well-known/openid-configuration'];
    const own = createJwtCheck({ issuer: issuer.url, audience: AUDIENCE });
    try {
      issuer.replies['/.well-known/openid-configuration'] = () => 500;
      await expect(own(await token())).rejects.toThrow('has status 500');
      issuer.replies['/.well-known/openid-configuration'] = () => ({
        issuer: 'https://evil.example',
        jwks_uri: issuer.url,
      });
      await expect(own(await token())).rejects.toThrow('another issuer');
      issuer.replies['/.well-known/openid-configuration'] = discovery!;
      issuer.replies['/keys'] = () => 500;
      await expect(own(await token())).rejects.toThrow();
      issuer.replies['/keys'] = () => ({ keys: 'none' });
      await expect(own(await token())).rejects.toThrow();
      issuer.replies['/keys'] = () => new Promise(() => {});
      await expect(own(await token())).rejects.toThrow();
    } finally {
      issuer.replies['/keys'] = good!;
      issuer.replies['/.well-known/openid-configuration'] = discovery!;
    }
    expect(await own(await token())).toBe(true);
  }, 20_000);

  test('calls the issuer once for many tokens', async () => {
    const own = createJwtCheck({ issuer: issuer.url, audience: AUDIENCE });
    issuer.requested.length = 0;
    for (let n = 0; n < 5; n += 1) expect(await own(await token({ jti: String(n) }))).toBe(true);
    expect(issuer.requested).toEqual(['/.well-known/openid-configuration', '/keys']);
  });
});

describe('a stack with JWTs', () => {
  let api: ReadStack;
  beforeAll(async () => {
    api = await startReadStack({ readApi: { jwt: { issuer: issuer.url, audience: AUDIENCE } } });
  }, 60_000);
  afterAll(() => api?.stop());
  const read = (bearer: string) =>
    api.get('/mailgun/suppressions/ada@north.example', { authorization: `Bearer ${bearer}` });

  test('accepts only readers with a JWT, in the deployed bundle', async () => {
    expect(await read(await token())).toMatchObject({ status: 200, body: { suppressed: false } });
    expect(await read(await token({ aud: 'other' }))).toMatchObject({ status: 401, body: { reason: 'unauthorized' } });
    expect((await read(api.ready.apiToken)).status).toBe(401);
    expect((await read('')).status).toBe(401);
  });

  test('reads no secret', async () => {
    const { calls } = (await api.stack.stats()).byCaller['read-api'] ?? { calls: {} };
    // The item read names the stack's former domains.
    expect(Object.keys(calls)).toEqual(['dynamodb.GetItem', 'dynamodb.Query']);
  });

  test('responds 503 with CORS if the keys cannot be read', async () => {
    const stranded = await startReadStack({ readApi: { jwt: { issuer: 'http://127.0.0.1:9', audience: AUDIENCE } } });
    try {
      const authorization = `Bearer ${await token()}`;
      const { status, headers } = await stranded.request('/mailgun/ledger', { headers: { authorization } });
      expect([status, headers.get('access-control-allow-origin')]).toEqual([503, ORIGIN]);
    } finally {
      await stranded.stop();
    }
  }, 60_000);
});
