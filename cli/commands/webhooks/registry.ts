import { readAccountDomains } from '../../../lambdas/adapters/mailgun/mailgun-apis.ts';
import { shellWord } from '../../../lambdas/domain/shell-word.ts';
import { type DomainDrift, domainDrift, mergedDrift } from '../../../lambdas/domain/webhooks/domain-drift.ts';
import type { HolderOf } from '../../../lambdas/domain/webhooks/domains-held-elsewhere.ts';
import type { Drift, DriftKind, RegisteredWebhook } from '../../../lambdas/domain/webhooks/webhook-drift.ts';
import { readAccountHooks, readAccountWebhooks, readDomainWebhooks } from '../../../lambdas/formats/mailgun-replies.ts';
import { type MailgunRequest, type MailgunResponse, messageOf } from '../../access.ts';
import { DomainNotFoundError, MailgunBusyError, TargetUnavailableError } from '../../errors.ts';
import { groupBy } from '../../output.ts';
import type { Deployment } from '../../target/types.ts';
import { mailgunTimeMs } from '../../time.ts';

/** A registration of one URL at the account, of no other. */
export interface AccountHook {
  readonly id: string;
  readonly types: readonly string[];
  /** Epoch milliseconds at which it was made; undefined where Mailgun does not say. */
  readonly sinceMs: number | undefined;
}

/** Reads and changes registrations at Mailgun. */
export interface Registry {
  /** Returns the webhooks of a domain, and of the account in the domain's region. */
  read(domain: string): Promise<RegisteredWebhook[]>;
  /** Adds a URL to types of a domain, in one call that touches no other URL. */
  addToDomain(domain: string, url: string, types: readonly string[]): Promise<void>;
  /** Takes a URL off all types of a domain, in one call that touches no other URL. */
  removeFromDomain(domain: string, url: string): Promise<void>;
  /** Returns the registrations of a URL at the account in a domain's region. */
  atAccount(domain: string, url: string): Promise<AccountHook[]>;
  /**
   * Adds a registration at the account in a domain's region, and changes no other: Mailgun returns when one was made,
   * not when it was changed. After a lost reply it is still made only once.
   */
  addToAccount(domain: string, url: string, types: readonly string[]): Promise<void>;
  /** Deletes one registration at the account in a domain's region. */
  deleteAtAccount(domain: string, id: string): Promise<void>;
  /** Deletes a URL from the account in a domain's region: for all of its domains and types. */
  removeFromAccount(domain: string, url: string): Promise<void>;
}

export function openRegistry(request: MailgunRequest): Registry {
  const domainPath = (version: 'v3' | 'v4', domain: string) =>
    `/${version}/domains/${encodeURIComponent(domain)}/webhooks`;

  const readAccount = async (domain: string) => {
    const response = await request(domain, 'GET', '/v1/webhooks');
    // Not every account has webhooks of its own.
    return response.status === 404 ? { ...response, status: 200, body: { webhooks: [] } } : response;
  };

  const hooksOf = async (domain: string, url: string): Promise<AccountHook[]> => {
    const hooks = understood(await readAccount(domain), readAccountHooks, "the account's webhooks");
    return hooks.flatMap(({ id, urls, types, createdAt }) =>
      id !== undefined && urls.length === 1 && urls[0] === url
        ? [{ id, types, sinceMs: mailgunTimeMs(createdAt) }]
        : [],
    );
  };

  const deleteHook = async (domain: string, id: string) => {
    const response = await request(domain, 'DELETE', `/v1/webhooks/${encodeURIComponent(id)}`);
    // Another run has deleted it.
    if (response.status < 300 || response.status === 404) return;
    throw new TargetUnavailableError(`Mailgun did not delete the account's webhook: ${messageOf(response)}`);
  };

  return {
    async read(domain) {
      const ofAccount = understood(await readAccount(domain), readAccountWebhooks, "the account's webhooks");
      const response = await request(domain, 'GET', domainPath('v3', domain));
      if (response.status === 404) {
        throw new DomainNotFoundError(
          `Mailgun has no domain ${domain} in this region (${messageOf(response)}): correct its "region" in cdk.json, or take it out, and deploy`,
        );
      }
      return [...ofAccount, ...understood(response, readDomainWebhooks, `the webhooks of ${domain}`)];
    },

    async addToDomain(domain, url, types) {
      const response = await request(domain, 'POST', domainPath('v4', domain), formOf(url, types));
      // Another run has added the same; what still differs is read again afterwards.
      if (response.status === 200 || (response.status === 400 && /already exists/i.test(messageOf(response)))) return;
      throw new TargetUnavailableError(`Mailgun did not add ${types.join(', ')} of ${domain}: ${messageOf(response)}`);
    },

    async removeFromDomain(domain, url) {
      const path = `${domainPath('v4', domain)}?${new URLSearchParams({ url })}`;
      const response = await request(domain, 'DELETE', path);
      if (response.status === 200 || response.status === 404) return;
      throw new TargetUnavailableError(`Mailgun did not remove the URL from ${domain}: ${messageOf(response)}`);
    },

    atAccount: hooksOf,

    async addToAccount(domain, url, types) {
      const response = await request(domain, 'POST', '/v1/webhooks', formOf(url, types)).catch((error: unknown) => {
        if (error instanceof MailgunBusyError) return undefined;
        throw error;
      });
      // After a lost reply, only the registrations show if the call took effect.
      const hooks = await hooksOf(domain, url);
      if (types.every((type) => hooks.some((hook) => hook.types.includes(type)))) return;
      const why = response === undefined ? 'it does not respond; try again later' : messageOf(response);
      throw new TargetUnavailableError(`Mailgun did not register ${types.join(', ')} of the account: ${why}`);
    },

    deleteAtAccount: deleteHook,

    async removeFromAccount(domain, url) {
      for (const { id } of await hooksOf(domain, url)) await deleteHook(domain, id);
    },
  };
}

function formOf(url: string, types: readonly string[]): FormData {
  const form = new FormData();
  form.set('url', url);
  for (const type of types) form.append('event_types', type);
  return form;
}

function understood<Read>(response: MailgunResponse, read: (body: unknown) => Read | undefined, what: string): Read {
  const webhooks = response.status === 200 ? read(response.body) : undefined;
  if (webhooks === undefined) throw new TargetUnavailableError(`${what} cannot be read: ${messageOf(response)}`);
  return webhooks;
}

/** The fix of each kind of drift, the most urgent first: without a type its events come by reconciliation alone. */
const FIXES: Readonly<Record<DriftKind, (run: (command: string) => string, drift: Drift) => string>> = {
  missing: (run) => `first, since events of these types come late: ${run('webhooks sync')}`,
  'no-room': (run) =>
    `first, since events of these types come late: ${run('webhooks sync')} --remove <a URL of ${run('webhooks check')}>`,
  double: (run, { url }) =>
    url === undefined
      ? `${run('webhooks sync')} --account, or delete one of the two at Mailgun`
      : `${run('webhooks sync --yes')} --remove ${shellWord(url)}`,
  unwanted: () => 'delete it at Mailgun, or add the type to eventTypes in cdk.json',
  foreign: (run, { url }) =>
    `if it belongs at no domain: ${run('webhooks sync')} --remove ${url === undefined ? '<url>' : shellWord(url)}`,
};

/** Returns what to do about differences, each step once. */
export function driftFixes(drift: readonly Drift[], run: (command: string) => string): string[] {
  const kinds = Object.keys(FIXES) as DriftKind[];
  const inOrder = kinds.flatMap((kind) => drift.filter((each) => each.kind === kind));
  return [...new Set(inOrder.map((each) => FIXES[each.kind](run, each)))];
}

/** Compares Mailgun's domains with the ledger's, region by region; TargetUnavailableError where they cannot be listed. */
export async function readDomainDrift(
  request: MailgunRequest,
  deployment: Deployment,
  holderOf: HolderOf,
): Promise<DomainDrift> {
  const regions = groupBy(deployment.domains, (domain) => deployment.mailgunUrl(domain));
  const drifts: DomainDrift[] = [];
  for (const domains of regions.values()) {
    const [any = ''] = domains;
    const listed = await readAccountDomains(async (path) => {
      const response = await request(any, 'GET', path);
      if (response.status === 200) return response.body;
      throw new TargetUnavailableError(`Mailgun does not list its domains: ${messageOf(response)}`);
    });
    if (listed === undefined) throw new TargetUnavailableError("Mailgun's list of domains is not whole");
    drifts.push(domainDrift(listed, domains, holderOf));
  }
  return mergedDrift(drifts);
}
