import { z } from 'zod';
import { DAY_MS } from '../../../lambdas/contract.ts';
import { domainNews } from '../../../lambdas/domain/ledger/ledger-domains.ts';
import { domainDriftText, heldElsewhereText } from '../../../lambdas/domain/webhooks/domain-drift.ts';
import { parseHeldElsewhere } from '../../../lambdas/domain/webhooks/domains-held-elsewhere.ts';
import { type Drift, webhookDrift } from '../../../lambdas/domain/webhooks/webhook-drift.ts';
import { ApiKeyRefusedError, type MailgunResponse, messageOf, openMailgun, readApiKey } from '../../access.ts';
import { DomainNotFoundError, MailgunBusyError } from '../../errors.ts';
import { counted } from '../../output.ts';
import { type Deployment, hasOutput } from '../../target/types.ts';
import { mailgunTimeMs } from '../../time.ts';
import { driftFixes, openRegistry, readDomainDrift } from '../webhooks/registry.ts';
import { desiredWebhooks } from '../webhooks.ts';
import { type Finding, ok, skipped, warning, wrong } from './machine-checks.ts';

export type CommandText = (command: string) => string;

/** A refused key is wrong, and not merely unknown: reconciliation fails with it too. */
export const refusedKey =
  (run: CommandText) =>
  (error: unknown): Finding => {
    if (!(error instanceof ApiKeyRefusedError)) throw error;
    return wrong(
      error.message,
      `create a key at Mailgun (API Security, role Analyst), then: ${run('keys set --api-key')} < api-key.txt`,
    );
  };

/** Tries the API key at Mailgun once: later checks that use it would report the same cause again. */
export function tryApiKeyOnce(deployment: Deployment, run: CommandText) {
  let tried: Promise<Finding> | undefined;
  const check = () => {
    tried ??= apiKey(deployment, run);
    return tried;
  };
  const isUsable = () =>
    check().then(
      ({ state }) => state === 'ok',
      (error) => error instanceof MailgunBusyError,
    );
  return { check, isUsable };
}

async function apiKey(deployment: Deployment, run: CommandText): Promise<Finding> {
  const { apiKey: key } = await readApiKey(deployment);
  if (key === undefined) {
    const fix = `${run('keys set --api-key')} < api-key.txt`;
    // Only what reconciliation has compared is archived, and the rest leaves the table earlier than without an archive.
    return hasOutput(deployment, 'ArchiveBucketName')
      ? wrong('not set: reconciliation is off, so nothing is archived', fix)
      : warning('not set: reconciliation is off', fix);
  }
  const [domain] = deployment.domains;
  if (domain === undefined) return ok('set');
  return tryDomain(deployment, domain).then(() => ok('set, and Mailgun takes it'), refusedKey(run));
}

/** Requests what reconciliation lists; the domain itself if Mailgun has ended its Events API. */
async function tryDomain(deployment: Deployment, domain: string): Promise<MailgunResponse> {
  const callMailgun = await openMailgun(deployment);
  const response = await callMailgun(domain, 'GET', `/v3/${encodeURIComponent(domain)}/events?limit=1`);
  return response.status === 410 ? callMailgun(domain, 'GET', domainPath(domain)) : response;
}

const domainPath = (domain: string) => `/v4/domains/${encodeURIComponent(domain)}`;

export async function mailgun(deployment: Deployment, domain: string, run: CommandText): Promise<Finding> {
  const response = await tryDomain(deployment, domain);
  if (response.status === 200)
    return ok(`${new URL(deployment.mailgunUrl(domain)).host} takes the API key, seen from here`);
  if (response.status === 404) {
    return wrong(
      `Mailgun has no such domain in this region (${messageOf(response)})`,
      'put the right "region" (us or eu) of the domain into cdk.json, and deploy',
    );
  }
  return wrong(`Mailgun responded ${messageOf(response)}`, run('logs reconcile --since 1h'));
}

export async function webhooks(deployment: Deployment, domain: string, run: CommandText): Promise<Finding> {
  const { url, types } = desiredWebhooks(deployment, { domain });
  const registered = await openRegistry(await openMailgun(deployment))
    .read(domain)
    .catch((error: unknown) => {
      if (error instanceof DomainNotFoundError) return undefined;
      throw error;
    });
  if (registered === undefined) return skipped('waits for the region, as above');
  const drift = webhookDrift(registered, url, types);
  if (drift.length === 0) return ok(`${counted(types.length, 'type')} come to this stack`);
  // Another receiver takes nothing away.
  const judged = drift.every(({ kind }) => kind === 'foreign') ? warning : wrong;
  return judged(drift.map(driftText).join(', '), driftFixes(drift, run).join('; '));
}

const domainSettings = z.object({ domain: z.object({ webhooks_redact_pii: z.boolean() }) });

/** Redaction delays everything about a recipient until the listing, which names them. */
export async function redaction(deployment: Deployment, domain: string): Promise<Finding> {
  const response = await (await openMailgun(deployment))(domain, 'GET', domainPath(domain));
  const isOn =
    response.status === 200 ? domainSettings.safeParse(response.body).data?.domain.webhooks_redact_pii : undefined;
  if (isOn === undefined) return skipped(`Mailgun does not report it (${messageOf(response)})`);
  if (!isOn) return ok('webhooks name their recipients');
  return warning(
    'Mailgun redacts webhooks: statuses and suppressions of their recipients wait for reconciliation',
    'switch the redaction of webhooks off at Mailgun, for the account or the domain',
  );
}

const driftText = ({ kind, type, url }: Drift) => `${type} ${kind}${url === undefined ? '' : ` (${url})`}`;

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
  const response = await (await openMailgun(deployment))(domain, 'GET', '/v1/keys').catch((error: unknown) => {
    if (error instanceof ApiKeyRefusedError) return undefined;
    throw error;
  });
  if (response === undefined)
    return skipped('Mailgun does not list keys to it, so its role is not known; Analyst is enough');
  const { data: listed } = keyList.safeParse(response.body);
  if (response.status !== 200 || listed === undefined)
    return skipped(`Mailgun does not report it (${messageOf(response)})`);
  const own = listed.items.find((key) => key !== undefined && apiKey.endsWith(`-${key.id}`));
  if (own === undefined) return skipped('not among the keys that Mailgun lists, as the first key of an account is not');
  return judgeKey(own, setKey, nowMs);
}

const listedKey = z
  .object({ id: z.string().min(1), role: z.string().toLowerCase(), expires_at: z.unknown().optional() })
  // Epoch milliseconds; undefined where it never ends.
  .transform(({ id, role, expires_at }) => ({ id, role, expiresMs: mailgunTimeMs(expires_at) }));

/** Mailgun's list of keys; one of another form is undefined. */
const keyList = z.object({ items: z.array(listedKey.optional().catch(undefined)) });

type ListedKey = z.infer<typeof listedKey>;

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

/** Names the domains that only Mailgun has, or only the ledger; where the ledger follows Mailgun, what has changed. */
export async function accountDomains(deployment: Deployment, nowMs: number): Promise<Finding> {
  const { discovered } = deployment;
  if (discovered !== undefined) {
    const { text } = domainNews(discovered, nowMs / 1000);
    if (text === undefined)
      return ok(`Mailgun lists ${theseDomains(deployment.domains.length)}, and each has a ledger`);
    return warning(text, 'see domain-drift in the runbook');
  }
  // As deployed, and therefore as reconcile counts.
  const holderOf = parseHeldElsewhere(hasOutput(deployment, OUTPUT) ? deployment.output(OUTPUT) : '');
  const drift = await readDomainDrift(await openMailgun(deployment), deployment, holderOf).catch((error: unknown) => {
    // A key that may read events need not read domains.
    if (error instanceof ApiKeyRefusedError) return undefined;
    throw error;
  });
  if (drift === undefined) return skipped('Mailgun lists its domains to other keys only');
  const says = domainDriftText(drift, deployment.domains.length);
  if (says !== undefined) {
    return warning(says, 'change "domains" in cdk.json, and deploy every environment that changed or names them');
  }
  const held = heldElsewhereText(drift);
  const own = `Mailgun has no active domains beyond ${theseDomains(deployment.domains.length)}`;
  return ok(held === undefined ? own : `${own}; ${held}`);
}

const OUTPUT = 'HeldElsewhere';

const theseDomains = (count: number) => (count === 1 ? 'this one' : `these ${count}`);
