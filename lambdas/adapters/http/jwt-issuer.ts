import { createRemoteJWKSet, errors, type JWTVerifyGetKey, jwtVerify } from 'jose';
import type { BearerCheck } from '../../read-api/ports.ts';

export interface JwtRules {
  /** Value of `iss`; its discovery document names its keys. */
  issuer: string;
  /** Must be among `aud`. */
  audience: string;
}

/** Algorithms that a public key verifies; none with a shared secret, and never `none`. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];
const TIMEOUT_MS = 2000;
const CLOCK_TOLERANCE_SECONDS = 30;

/** Errors that say something of the issuer and not of the token. */
const ISSUER_ERRORS = [errors.JWKSTimeout, errors.JWKSInvalid];

/**
 * Accepts unexpired JWTs of one issuer for one audience. Caches the issuer's keys for ten minutes, and reads them
 * again, at most twice a minute, if a token names an unknown key.
 */
export function createJwtCheck({ issuer, audience }: JwtRules): BearerCheck {
  let keys: Promise<JWTVerifyGetKey> | undefined;
  return async (bearer) => {
    keys ??= discoverKeys(issuer);
    const key = await keys.catch((error) => {
      keys = undefined;
      throw error;
    });
    try {
      const rules = { issuer, audience, algorithms: ALGORITHMS, requiredClaims: ['exp'] };
      await jwtVerify(bearer, key, { ...rules, clockTolerance: CLOCK_TOLERANCE_SECONDS });
      return true;
    } catch (error) {
      if (isOfToken(error)) return false;
      throw error;
    }
  };
}

/** Returns true if the token is invalid; for a bad response of the issuer, the library throws a plain error. */
function isOfToken(error: unknown): boolean {
  const isPlain = error instanceof errors.JOSEError && error.constructor === errors.JOSEError;
  return error instanceof errors.JOSEError && !isPlain && !ISSUER_ERRORS.some((each) => error instanceof each);
}

/** Returns the issuer's keys by its discovery document (OpenID Connect Discovery 1.0). */
async function discoverKeys(issuer: string): Promise<JWTVerifyGetKey> {
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const response = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(TIMEOUT_MS) });
  if (!response.ok) throw new Error(`the issuer's discovery document has status ${response.status}`);
  const found = (await response.json()) as { issuer?: unknown; jwks_uri?: unknown };
  if (found.issuer !== issuer) throw new Error('the discovery document is of another issuer');
  return createRemoteJWKSet(new URL(String(found.jwks_uri)), { timeoutDuration: TIMEOUT_MS });
}
