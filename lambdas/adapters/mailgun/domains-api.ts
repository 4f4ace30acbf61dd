import { readAccountDomains } from '../../domain/webhooks/domain-drift.ts';
import { type AccountDomains, ListingError } from '../../reconcile/ports.ts';
import { baseUrlOf, type MailgunAccess, requestMailgun } from './mailgun-client.ts';

/** The domains that Mailgun has (`/v4/domains`), region by region; a base URL of one's own has those of both. */
export function createMailgunDomains(access: MailgunAccess): AccountDomains {
  return {
    placeOf: ({ region }) => baseUrlOf(access, region),
    async listed(place, deadlineMs) {
      const get = (path: string) => requestMailgun(access, place + path, { method: 'GET' }, { deadlineMs });
      const domains = await readAccountDomains(get);
      if (domains === undefined) throw new ListingError('malformed', { cause: new Error('the list is not whole') });
      return domains;
    },
    async has({ name, region }, deadlineMs) {
      const url = `${baseUrlOf(access, region)}/v4/domains/${encodeURIComponent(name)}`;
      const body = await requestMailgun(access, url, { method: 'GET' }, { deadlineMs, absent: {} });
      return body.domain !== undefined;
    },
  };
}
