import { textAt } from '../../domain/event.ts';
import { ListingError, type MailgunSource } from '../../reconcile/ports.ts';
import { askMailgun, baseUrlOf, type MailgunAccess, objectsOf } from './client.ts';

const PAGE_SIZE = 300;

/** Mailgun's Events API (`GET /v3/{domain}/events`). `next` is always there; an empty page is the end. */
export function createMailgunEvents(access: MailgunAccess): MailgunSource {
  return {
    async page({ domain, begin, end, position, deadlineMs, onRateLimited }) {
      const base = baseUrlOf(access, domain.region);
      const query = new URLSearchParams({
        begin: String(begin),
        end: String(end),
        ascending: 'yes',
        limit: String(PAGE_SIZE),
      });
      const url = position ?? `${base}/v3/${encodeURIComponent(domain.name)}/events?${query}`;
      if (!isOf(base, url)) throw new ListingError('foreign-host');
      const body = await askMailgun(access, url, { method: 'GET' }, { deadlineMs, onRateLimited });
      const events = objectsOf(body.items);
      const next = textAt(body, 'paging', 'next');
      if (events === undefined || (events.length > 0 && next === undefined)) throw new ListingError('malformed');
      return events.length === 0 ? { events } : { events, next };
    },
  };
}

/** Whether a URL leads to where the key may go. */
function isOf(base: string, url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { origin, username, password } = new URL(url);
  return origin === new URL(base).origin && username === '' && password === '';
}
