import { valueAt } from '../../domain/events/event.ts';
import type { RedactionSwitch } from '../../reconcile/ports.ts';
import { baseUrlOf, type MailgunAccess, requestMailgun } from './mailgun-client.ts';

/** Returns whether Mailgun redacts the webhooks of a domain, by its page of the domain. */
export function createRedactionSwitch(access: MailgunAccess): RedactionSwitch {
  return {
    async isOn({ name, region }, deadlineMs) {
      const url = `${baseUrlOf(access, region)}/v4/domains/${encodeURIComponent(name)}`;
      const body = await requestMailgun(access, url, { method: 'GET' }, { deadlineMs, absent: {} });
      const isOn = valueAt(body, 'domain', 'webhooks_redact_pii');
      return typeof isOn === 'boolean' ? isOn : undefined;
    },
  };
}
