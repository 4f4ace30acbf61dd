import { type ApiResponse, FORBIDDEN, ok, refusal } from './api-response.ts';

/** Another key of the account, in Mailgun's current form: its last 17 characters are its id. */
export interface ApiKey {
  readonly secret: string;
  /** The dashboard calls `basic` Analyst. */
  readonly role: 'admin' | 'basic' | 'developer' | 'support' | 'sending';
  readonly is_disabled?: boolean;
  /** UTC, without a zone. */
  readonly expires_at?: string;
  /** True if it may list the account's keys; Mailgun does not document this per role. @default true */
  readonly listsKeys?: boolean;
  /** True if it may list the account's domains. @default true */
  readonly listsDomains?: boolean;
}

const ID_LENGTH = 17;
/** Paths that are read by POST. */
const READING = /^\/v[12]\/(analytics\/(logs|metrics)|bounce-classification\/metrics)$/;

/** Returns the refusal if a key's role does not allow the request, else undefined. */
export function refusedByRole(
  { role, is_disabled = false }: ApiKey,
  method: string,
  path: string,
): ApiResponse | undefined {
  if (is_disabled || role === 'sending') return FORBIDDEN;
  const writes = method !== 'GET' && !READING.test(path);
  return writes && role !== 'admin' && role !== 'developer' ? refusal(403, 'Forbidden') : undefined;
}

/** `GET /v1/keys`: the account's keys without their secrets, and without the oldest one. */
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
    is_disabled,
    domain_name: null,
    requestor: 'ops@example.com',
    user_name: null,
  }));
  return ok({ total_count: items.length, items });
}
