import { MAX_DOMAIN_HOURS } from '../parameters.ts';
import type { Operation } from '../routes.ts';

/** The texts of an operation in the OpenAPI document, besides its parameters and schemas. */
interface OperationText {
  readonly tag: 'history' | 'sending' | 'ledger' | 'receivers';
  readonly summary: string;
  readonly description?: string;
  /** The name of its response among the schemas. */
  readonly response: string;
  readonly responseText: string;
}

export const operationTexts: Readonly<Record<Operation, OperationText>> = {
  getMessage: {
    tag: 'history',
    summary: 'What became of one message.',
    description:
      'Pages are ordered by recipient, as a message is stored; the events of a page are ordered by time. A message with up ' +
      'to `limit` events fits on one page. A recipient whose events continue on the next page is on both pages, with the ' +
      'counts so far.',
    response: 'Message',
    responseText: "A page of the message's history.",
  },
  getRecipient: {
    tag: 'history',
    summary: 'The messages of one recipient, newest first.',
    description:
      '`from` and `to` apply to `firstAt`. With `status` or `tag`, a page searches up to 1,000 messages; `searched` shows how ' +
      'far.',
    response: 'RecipientMessages',
    responseText: 'A page of messages; empty where the recipient is unknown.',
  },
  listMails: {
    tag: 'history',
    summary: 'The mail of a domain that was accepted in a time range, by message and recipient, newest first.',
    description:
      'Finds mail that is still on its way, or failed: `status=pending` is accepted or deferred. Defaults to the last 24 ' +
      'hours; `day`, `from` and `to` apply to `acceptedAt`. Mail without a stored `accepted` event is not found; mail with ' +
      'several may be on several pages. With `status` or `tag`, a page searches up to 1,000 mails; `searched` shows how far.',
    response: 'Mails',
    responseText: 'A page of mail.',
  },
  listEvents: {
    tag: 'history',
    summary: 'The events of a domain in a time range, newest first.',
    description:
      'Defaults to the last 24 hours. `tag`, `severity`, `subject` and variables are not keys of the table: with one of ' +
      'them, a page searches up to 2,500 events; `searched` shows how far.',
    response: 'Events',
    responseText: 'A page of events.',
  },
  searchEvents: {
    tag: 'history',
    summary: 'The events of a recipient, or of a domain, without an address in any URL.',
    description:
      'With a recipient, pages are ordered by message, newest first, as are the events of a page; `from` and `to` have no ' +
      'default. Without one, this is the list of events. For the next page, repeat the search with `cursor`.',
    response: 'Events',
    responseText: 'A page of events.',
  },
  tailEvents: {
    tag: 'history',
    summary: 'Events as they are stored, each once.',
    description:
      'Keep following `next`: every event stored since `from` is on exactly one page, even if it was stored up to 31 days ' +
      'after it happened; finding such an event may take up to a day longer. Of a domain that the stack comes to know later, ' +
      'what was stored until then may be left out. ' +
      'The same cursor may be read again, and stays valid for 60 days. While nothing is new, `next` and the ETag do not change for a minute. Events of erased ' +
      'recipients are left out; an event that reconciliation corrected is listed again.',
    response: 'Tail',
    responseText: 'Events stored since the previous page, in the order in which they were stored.',
  },
  getSuppressions: {
    tag: 'sending',
    summary: 'Whether this address is suppressed.',
    description:
      'Costs one read of the table, so it can be called before each mail. Without `domain` and `tag`, any suppression in ' +
      'force counts, even an unsubscribe from one tag. An event that names no domain suppresses for every domain. An ' +
      'unknown address is not suppressed.',
    response: 'Suppressions',
    responseText: 'Everything known about the address.',
  },
  checkSuppressions: {
    tag: 'sending',
    summary: 'Whether these addresses are suppressed.',
    description:
      'As for one address, for up to 1,000 in one request, without an address in any URL. Costs one read of the table for ' +
      'each, several for one beyond ASCII, of which 250 always fit.',
    response: 'SuppressionCheck',
    responseText: 'Everything known about each address.',
  },
  listSuppressions: {
    tag: 'sending',
    summary: 'The suppressed addresses of a domain or, with `address`, whether that one is suppressed.',
    description:
      'Lists suppressions in force, without lifted ones, by kind and within a kind last stored first. An event that names ' +
      'no domain suppresses for every domain, so it is on the list of each. With `address`, the response is that of the ' +
      'path form, and only `domain`, `tag` and `causes` may be added.',
    response: 'SuppressionsOrList',
    responseText: 'A page of suppressions, or everything known about the given address.',
  },
  getLedger: {
    tag: 'ledger',
    summary: 'What Mailgun lists compared with what is stored, slice by slice.',
    response: 'Ledger',
    responseText: 'The slices that start in this time range.',
  },
  getStats: {
    tag: 'ledger',
    summary: 'Events as Mailgun lists them, by hour or day, type, and tag, mailbox provider or sending IP.',
    description:
      'Tags are case-insensitive: spellings of a tag share one bucket, in lower case. Without `domain`, `by=domain` ' +
      `counts all, for up to ${MAX_DOMAIN_HOURS.toLocaleString('en')} whole hours of all together.`,
    response: 'Stats',
    responseText: 'One bucket for each hour and tag, provider or IP with events.',
  },
  getReceivers: {
    tag: 'receivers',
    summary: 'The state of each receiver, and the outcome of its deliveries by hour.',
    description:
      'Counts up to 10,000 deliveries of each receiver, newest hours first; `countedFrom` shows how far. URLs of receivers ' +
      'are not shown, since many contain a secret.',
    response: 'Receivers',
    responseText: 'All receivers of the configuration.',
  },
  listDeliveries: {
    tag: 'receivers',
    summary: 'The delivery log of a receiver, newest first, with every attempt.',
    description:
      'Defaults to what was published in the last 24 hours. With `state`, `id` or `message`, a page searches up to 2,500 ' +
      'deliveries; `searched` shows how far.',
    response: 'Deliveries',
    responseText: 'A page of deliveries.',
  },
  getCampaign: {
    tag: 'history',
    summary: 'What became of the mail sent under a tag.',
    description:
      '`from` and `to` apply to when the mail was sent; later events count until now, whatever their tags, and each mail ' +
      'and person counts once. Reads the events themselves: up to 5,000 messages, and 20,000 events of the time when they ' +
      'were sent. Beyond that, `mails` and `people` are null.',
    response: 'Campaign',
    responseText: 'The report; all zeros if no mail was sent under the tag.',
  },
  getHealth: {
    tag: 'ledger',
    summary: 'The current state of the pipeline.',
    response: 'Health',
    responseText: 'Queue depths and alarms; null if unknown.',
  },
};
