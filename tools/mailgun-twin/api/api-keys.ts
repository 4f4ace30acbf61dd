import { type ApiResponse, FORBIDDEN, ok, refusal } from './api-response.ts';

/** A further key of the account, of the form that Mailgun makes today: its last 17 characters are its id. */
export interface ApiKey {
  readonly secret: string;
  /** `basic` is what the dashboard calls Analyst. */
  readonly role: 'admin' | 'basic' | 'developer' | 'support' | 'sending';
  readonly is_disabled?: boolean;
  /** In UTC, without a zone. */
  readonly expires_at?: string;
  /** True if Mailgun lists the account's keys to it; what a role may list is written nowhere. @default it does */
  readonly listsKeys?: boolean;
  /** Likewise the account's domains. @default it does */
  readonly listsDomains?: boolean;
}

const ID_LENGTH = 17;
/** Reads by POST. */
const READING = /^\/v[12]\/(analytics\/(logs|metrics)|bounce-classification\/metrics)$/;

/** Refuses what the role of a key does not allow; undefined where it is allowed. */
export function refusedByRole(
  { role, is_disabled = false }: ApiKey,
  method: string,
  path: string,
): ApiResponse | undefined {
  if (is_disabled || role === 'sending') return FORBIDDEN;
  const writes = method !== 'GET' && !READING.test(path);
  return writes && role !== 'admin' && role !== 'developer' ? refusal(403, 'Forbidden') : undefined;
}

/** `GET /v1/keys`: the account's keys without their secrets; that of before there were several is not among them. */
export function listApiKeys(keys: readonly ApiKey[], asker: ApiKey | undefined): ApiResponse {
  if (asker?.listsKeys === false) return refusal(403, 'Forbidden');
  const items = keys.map(({ secret, role, is_disabled = false, expires_at }) => ({
    id: secret.slice(-ID_LENGTH),
    description: `the ${role} key`,
    kind: role === 'sending' ? 'domain' : 'user',
    role,
    created_at: '2026-01-02T15:04:05',
    updated_at: '2026-01-02T15:04:05',
    ...(expires_at !== undefined && { expires_at }),
    ...{ is_disabled, domain_name: null, requestor: 'ops@example.com', user_name: null },
  }));
  return ok({ total_count: items.length, items });
}
