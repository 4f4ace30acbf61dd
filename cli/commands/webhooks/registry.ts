import {
  type RegisteredWebhook,
  readAccountWebhooks,
  readDomainWebhooks,
} from '../../../lambdas/domain/webhooks/webhook-drift.ts';
import { type MailgunRequest, type MailgunResponse, messageOf } from '../../access/mailgun-access.ts';
import { TargetUnavailableError } from '../../errors.ts';

/** What is registered at Mailgun, and the ways to change it. */
export interface Registry {
  /** Of a domain, and of the account in the domain's region. */
  read(domain: string): Promise<RegisteredWebhook[]>;
  /** Adds a URL to types of a domain, in one call that touches no other URL. */
  addToDomain(domain: string, url: string, types: readonly string[]): Promise<void>;
  /** Takes a URL off all types of a domain, in one call that touches no other URL. */
  removeFromDomain(domain: string, url: string): Promise<void>;
  /** Deletes a URL from the account in a domain's region: for all of its domains and types. */
  removeFromAccount(domain: string, url: string): Promise<void>;
}

export function openRegistry(ask: MailgunRequest): Registry {
  const domainPath = (version: 'v3' | 'v4', domain: string) =>
    `/${version}/domains/${encodeURIComponent(domain)}/webhooks`;

  const readAccount = async (domain: string) => {
    const answer = await ask(domain, 'GET', '/v1/webhooks');
    // Not every account has webhooks of its own.
    return answer.status === 404 ? { ...answer, status: 200, body: { webhooks: [] } } : answer;
  };

  return {
    async read(domain) {
      const ofAccount = understood(await readAccount(domain), readAccountWebhooks, "the account's webhooks");
      const answer = await ask(domain, 'GET', domainPath('v3', domain));
      return [...ofAccount, ...understood(answer, readDomainWebhooks, `the webhooks of ${domain}`)];
    },

    async addToDomain(domain, url, types) {
      const form = new FormData();
      form.set('url', url);
      for (const type of types) form.append('event_types', type);
      const answer = await ask(domain, 'POST', domainPath('v4', domain), form);
      // Another run has added the same; what still differs is read again afterwards.
      if (answer.status === 200 || (answer.status === 400 && /already exists/i.test(messageOf(answer)))) return;
      throw new TargetUnavailableError(`Mailgun did not add ${types.join(', ')} of ${domain}: ${messageOf(answer)}`);
    },

    async removeFromDomain(domain, url) {
      const path = `${domainPath('v4', domain)}?${new URLSearchParams({ url })}`;
      const answer = await ask(domain, 'DELETE', path);
      if (answer.status === 200 || answer.status === 404) return;
      throw new TargetUnavailableError(`Mailgun did not take ${url} off ${domain}: ${messageOf(answer)}`);
    },

    async removeFromAccount(domain, url) {
      const { body } = await readAccount(domain);
      const hooks = (body as { webhooks?: { webhook_id: string; url: string }[] }).webhooks ?? [];
      for (const hook of hooks.filter((each) => each.url === url)) {
        const answer = await ask(domain, 'DELETE', `/v1/webhooks/${encodeURIComponent(hook.webhook_id)}`);
        if (answer.status >= 300)
          throw new TargetUnavailableError(`Mailgun did not delete the account's webhook: ${messageOf(answer)}`);
      }
    },
  };
}

function understood(
  answer: MailgunResponse,
  read: (body: unknown) => RegisteredWebhook[] | undefined,
  what: string,
): RegisteredWebhook[] {
  const webhooks = answer.status === 200 ? read(answer.body) : undefined;
  if (webhooks === undefined) throw new TargetUnavailableError(`${what} cannot be read: ${messageOf(answer)}`);
  return webhooks;
}
