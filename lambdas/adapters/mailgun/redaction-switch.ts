import { valueAt } from '../../domain/events/event.ts';
import type { RedactionSwitch } from '../../reconcile/ports.ts';
import { baseUrlOf, type MailgunAccess, requestMailgun } from './mailgun-client.ts';

/** Whether Mailgun redacts the webhooks of a domain, as its page of the domain has it. */
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
