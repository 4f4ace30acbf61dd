import { randomBytes } from 'node:crypto';
import type { ApiKey } from './api-keys.ts';
import { type ApiResponse, ok, parseLimit, refusal } from './api-response.ts';

/** Account-wide settings, shared by all domains. */
export interface MailgunAccount {
  /** Signs every webhook from now on; no older key remains valid. */
  signingKey: string;
  /** True if webhooks of all domains are redacted. */
  redactsWebhooks?: boolean;
  /** Domains whose webhooks are redacted. */
  redactedDomains?: ReadonlySet<string>;
  /** API keys besides the unrestricted one, which is not listed, like the first key of an old account. */
  apiKeys?: readonly ApiKey[];
  /** Domains besides those that the twin sends for. */
  furtherDomains?: readonly FurtherDomain[];
}

/** A domain as `GET /v4/domains` lists it. */
interface FurtherDomain {
  readonly name: string;
  readonly state?: 'active' | 'unverified' | 'disabled';
  readonly type?: 'custom' | 'sandbox';
  readonly subaccount_id?: string;
}

/** Returns true if the webhooks of a domain are redacted. */
export function redacts({ redactsWebhooks = false, redactedDomains }: MailgunAccount, domain: string): boolean {
  return redactsWebhooks || (redactedDomains?.has(domain) ?? false);
}

/** Returns a key in Mailgun's form, for signing or for the API. */
export const newKey = () => `key-${randomBytes(16).toString('hex')}`;

/** Returns the signing key, or replaces it by a new one. */
export function handleSigningKey(account: MailgunAccount, method: string | undefined): ApiResponse {
  if (method === 'POST') account.signingKey = newKey();
  else if (method !== 'GET') return refusal(405, 'Method Not Allowed');
  return ok({ http_signing_key: account.signingKey });
}

/** Switches the redaction of webhooks. */
export function handleFeatures(account: MailgunAccount, method: string, json: unknown): ApiResponse {
  if (method !== 'PUT') return refusal(405, 'Method Not Allowed');
  const { webhooks_redact_pii: feature } = (json ?? {}) as { webhooks_redact_pii?: { enabled?: unknown } };
  if (typeof feature?.enabled !== 'boolean') return refusal(400, 'webhooks_redact_pii.enabled is missing');
  account.redactsWebhooks = feature.enabled;
  return ok({ features: { webhooks_redact_pii: feature } });
}

/** A domain as `GET /v4/domains/{name}` shows it. */
export function handleDomain(account: MailgunAccount, name: string): ApiResponse {
  return ok({ domain: { name, state: 'active', webhooks_redact_pii: redacts(account, name) } });
}

/** `GET /v4/domains`, page by page; lists `shrinksBy` domains fewer than it counts. */
export function listDomains(
  account: MailgunAccount,
  names: readonly string[],
  query: URLSearchParams,
  shrinksBy: number,
): ApiResponse {
  const further = account.furtherDomains ?? [];
  const all = [...names.map((name): FurtherDomain => ({ name })), ...further].filter(
    ({ subaccount_id }) => subaccount_id === undefined || query.get('include_subaccounts') === 'true',
  );
  const limit = parseLimit(query.get('limit'), 1000, 100);
  const skip = Number(query.get('skip') ?? 0);
  const items = all.slice(0, Math.max(0, all.length - shrinksBy)).slice(skip, skip + limit);
  return ok({
    total_count: all.length,
    items: items.map((domain) => ({
      id: domain.name,
      state: 'active',
      type: 'custom',
      web_prefix: 'email',
      ...domain,
      webhooks_redact_pii: redacts(account, domain.name),
    })),
  });
}
