import type { JsonObject } from '../../domain/canonical.ts';
import {
  type RegisteredWebhook,
  readAccountWebhooks,
  readDomainWebhooks,
} from '../../domain/webhooks/webhook-drift.ts';
import { ListingError, type RegisteredWebhooks } from '../../reconcile/ports.ts';
import { baseUrlOf, type MailgunAccess, requestMailgun } from './mailgun-client.ts';

/** Reads the webhooks registered at Mailgun, of a domain (API v3) and of the account in that region (v1). */
export function createMailgunWebhooks(access: MailgunAccess): RegisteredWebhooks {
  return {
    async ofDomain({ name, region }, deadlineMs) {
      const url = `${baseUrlOf(access, region)}/v3/domains/${encodeURIComponent(name)}/webhooks`;
      return readOrThrow(readDomainWebhooks, await requestMailgun(access, url, { method: 'GET' }, { deadlineMs }));
    },
    async ofAccount(region, deadlineMs) {
      const url = `${baseUrlOf(access, region)}/v1/webhooks`;
      // A 404 is not retried: the account has no such webhooks.
      const body = await requestMailgun(access, url, { method: 'GET' }, { deadlineMs, absent: { webhooks: [] } });
      return readOrThrow(readAccountWebhooks, body);
    },
  };
}

function readOrThrow(read: (body: JsonObject) => RegisteredWebhook[] | undefined, body: JsonObject) {
  const webhooks = read(body);
  if (webhooks === undefined) throw new ListingError('malformed');
  return webhooks;
}
