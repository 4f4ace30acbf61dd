import {
  type RegisteredWebhook,
  readAccountWebhooks,
  readDomainWebhooks,
} from '../../../lambdas/domain/webhook-drift.ts';
import { TargetUnavailableError } from '../../errors.ts';
import { type MailgunRequest, type MailgunResponse, messageOf } from '../../mailgun-client.ts';

/** What is registered at Mailgun, and the ways to change it. */
export interface Registry {
  /** Of a domain, and of the account in the domain's region. */
  read(domain: string): Promise<RegisteredWebhook[]>;
  /** Sets all URLs of one type of a domain; none deletes it. `isThere`: whether it has any now. */
  writeDomain(domain: string, type: string, urls: readonly string[], isThere: boolean): Promise<void>;
  /** Deletes a URL from the account in a domain's region: for all of its domains and types. */
  removeFromAccount(domain: string, url: string): Promise<void>;
}

export function openRegistry(ask: MailgunRequest): Registry {
  const domainPath = (domain: string, type = '') =>
    `/v3/domains/${encodeURIComponent(domain)}/webhooks${type && `/${encodeURIComponent(type)}`}`;

  const readAccount = async (domain: string) => {
    const answer = await ask(domain, 'GET', '/v1/webhooks');
    // Not every account has webhooks of its own.
    return answer.status === 404 ? { ...answer, status: 200, body: { webhooks: [] } } : answer;
  };

  return {
    async read(domain) {
      const ofAccount = understood(await readAccount(domain), readAccountWebhooks, "the account's webhooks");
      const answer = await ask(domain, 'GET', domainPath(domain));
      return [...ofAccount, ...understood(answer, readDomainWebhooks, `the webhooks of ${domain}`)];
    },

    async writeDomain(domain, type, urls, isThere) {
      const form = new FormData();
      if (!isThere) form.set('id', type);
      for (const url of urls) form.append('url', url);
      const answer =
        urls.length === 0
          ? await ask(domain, 'DELETE', domainPath(domain, type))
          : await ask(domain, isThere ? 'PUT' : 'POST', isThere ? domainPath(domain, type) : domainPath(domain), form);
      if (answer.status !== 200)
        throw new TargetUnavailableError(`Mailgun did not change ${type} of ${domain}: ${messageOf(answer)}`);
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
