import { DAY_MS } from '../../../lambdas/contract.ts';
import { ApiKeyRefusedError, messageOf, openMailgun, readApiKey } from '../../access.ts';
import type { Deployment } from '../../target/types.ts';
import { mailgunTimeMs } from '../../time.ts';
import { type Finding, ok, skipped, warning } from './machine-checks.ts';

/** Mailgun's roles as its dashboard names them, and whether a key of them may write. */
const ROLES: Readonly<Record<string, { readonly name: string; readonly writes: boolean }>> = {
  admin: { name: 'Admin', writes: true },
  developer: { name: 'Developer', writes: true },
  support: { name: 'Support', writes: true },
  basic: { name: 'Analyst', writes: false },
  analyst: { name: 'Analyst', writes: false },
};

/** Time enough to create another key. */
const EXPIRES_SOON_DAYS = 14;

/**
 * Names the role of the stored API key, where Mailgun lists its keys to it, and warns of one that may write or expires soon.
 * All examples show a key that ends with its id; any other is not recognized.
 */
export async function keyRole(deployment: Deployment, setKey: string, nowMs: number): Promise<Finding> {
  const { apiKey = '' } = await readApiKey(deployment);
  const [domain = ''] = deployment.domains;
  const answer = await (await openMailgun(deployment))(domain, 'GET', '/v1/keys').catch((error: unknown) => {
    if (error instanceof ApiKeyRefusedError) return undefined;
    throw error;
  });
  if (answer === undefined)
    return skipped('Mailgun does not list keys to it, so its role is not known; Analyst is enough');
  const { items } = (answer.body ?? {}) as { items?: unknown };
  if (answer.status !== 200 || !Array.isArray(items)) return skipped(`Mailgun does not say (${messageOf(answer)})`);
  const own = items.map(readKey).find((key) => key !== undefined && apiKey.endsWith(`-${key.id}`));
  if (own === undefined) return skipped('not among the keys that Mailgun lists, as the first key of an account is not');
  return judgeKey(own, setKey, nowMs);
}

interface ListedKey {
  readonly id: string;
  readonly role: string;
  /** Epoch milliseconds; undefined where it never ends. */
  readonly expiresMs: number | undefined;
}

function readKey(item: unknown): ListedKey | undefined {
  const { id, role, expires_at: expires } = (item ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof id !== 'string' || id === '' || typeof role !== 'string') return undefined;
  return { id, role: role.toLowerCase(), expiresMs: mailgunTimeMs(expires) };
}

function judgeKey({ role, expiresMs }: ListedKey, setKey: string, nowMs: number): Finding {
  const known = ROLES[role];
  const says = `role ${known?.name ?? role}`;
  const fix = `create a key at Mailgun (API Security, role Analyst), then: ${setKey}`;
  if (expiresMs !== undefined && expiresMs < nowMs + EXPIRES_SOON_DAYS * DAY_MS) {
    return warning(`${says}, and it expires on ${new Date(expiresMs).toISOString().slice(0, 10)}`, fix);
  }
  if (known === undefined) return skipped(`${says}, which may or may not write`);
  if (!known.writes) return ok(`${says}, which may only read`);
  return warning(
    `${says}, which may do more than read; commands that write take a key of their own (--write-key)`,
    fix,
  );
}
