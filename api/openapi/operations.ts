import type { Operation } from '../routes.ts';

/** The texts of an operation in the description, besides its parameters and shapes. */
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
      'Pages go by recipient, since that is how a message is stored; the events of one page are in the order of their ' +
      'time. A message of up to `limit` events is one page. A recipient whose events go over the edge of a page is on ' +
      'both pages, with what was counted so far.',
    response: 'Message',
    responseText: "A page of the message's history.",
  },
  getRecipient: {
    tag: 'history',
    summary: 'The messages of one recipient, newest first.',
    description:
      '`from` and `to` are of `firstAt`. A page with `status` or `tag` looks at up to 1,000 messages, and `searched` says ' +
      'how far it came.',
    response: 'RecipientMessages',
    responseText: 'A page of messages; empty where the recipient is unknown.',
  },
  listMails: {
    tag: 'history',
    summary: 'The mail of a domain that was accepted in a stretch of time, by message and recipient, newest first.',
    description:
      'Which mail is still on its way, or failed: `status=pending` is what is accepted or deferred. The last 24 hours, ' +
      'where neither `day` nor `from` and `to` are given; they are of `acceptedAt`. Mail of which no `accepted` event is ' +
      'stored is not found; one with several may be on several pages. A page with `status` or `tag` looks at up to 1,000 ' +
      'mails, and `searched` says how far it came.',
    response: 'Mails',
    responseText: 'A page of mail.',
  },
  listEvents: {
    tag: 'history',
    summary: 'The events of a domain in a stretch of time, newest first.',
    description:
      'The last 24 hours, where neither `day` nor `from` and `to` are given. `tag`, `severity`, `subject` and variables ' +
      'are no keys of the table: a page with one of them looks at up to 2,500 events, and `searched` says how far it came.',
    response: 'Events',
    responseText: 'A page of events.',
  },
  searchEvents: {
    tag: 'history',
    summary: 'The events of a recipient, or of a domain, without an address in any URL.',
    description:
      'With a recipient, pages go by message, the newest first, and the events of one page are newest first; `from` ' +
      'and `to` may be left out. Without one it is the list of events. The next page is the same search with `cursor`.',
    response: 'Events',
    responseText: 'A page of events.',
  },
  tailEvents: {
    tag: 'history',
    summary: 'Events as they are stored, each once.',
    description:
      'Follow `next` again and again: every event that was stored since `from` is on one page, also one that was stored ' +
      'up to 31 days after it happened, which may take up to a day more to be found. A page of the same cursor may be ' +
      'read again; a cursor holds after any interruption. While nothing is new, `next` and the ETag stay as they are for ' +
      'a minute. Events of erased recipients are left out; one that reconciliation has corrected comes again.',
    response: 'Tail',
    responseText: 'What was stored since the page before, in the order of storing.',
  },
  getSuppressions: {
    tag: 'sending',
    summary: 'Whether a mail to this address should not be sent.',
    description:
      'One read of the table, so it can be asked before each mail. Without `domain` and `tag`, any suppression in force ' +
      'counts; an unsubscribe from one tag does too. An event that names no domain suppresses for every domain. An ' +
      'address of which nothing is known is not suppressed.',
    response: 'Suppressions',
    responseText: 'All that is known of the address.',
  },
  checkSuppressions: {
    tag: 'sending',
    summary: 'Whether mails to these addresses should not be sent.',
    description:
      'The same as for one address, for up to 1,000 in one request, and without an address in any URL. One read of the ' +
      'table for each.',
    response: 'SuppressionCheck',
    responseText: 'All that is known of each address.',
  },
  listSuppressions: {
    tag: 'sending',
    summary: 'The addresses that a domain should not send to, or, with `address`, whether that one is among them.',
    description:
      'What is in force: lifted suppressions are left out. By kind, and within a kind those that were stored last come ' +
      'first. An event that names no domain suppresses for every domain, so it is on the list of each. With `address` ' +
      'the response is that of the path form, and of the other parameters only `domain` and `tag` go with it.',
    response: 'SuppressionsOrList',
    responseText: 'A page of suppressions; all that is known of the address where one is given.',
  },
  getLedger: {
    tag: 'ledger',
    summary: 'What Mailgun lists against what is stored, slice by slice.',
    response: 'Ledger',
    responseText: 'The slices that start in this stretch of time.',
  },
  getStats: {
    tag: 'ledger',
    summary: 'Events by hour or day and type, by tag, mailbox provider or sending IP, as Mailgun lists them.',
    description: 'Tags are case-insensitive, so spellings of one tag are one bucket, in lower case.',
    response: 'Stats',
    responseText: 'One bucket for each hour and tag, provider or IP with events.',
  },
  getReceivers: {
    tag: 'receivers',
    summary: 'The state of each receiver, and what became of its deliveries hour by hour.',
    description:
      'Hours begin at the newest, and up to 10,000 deliveries of each receiver are counted; `countedFrom` says how far ' +
      'that came. URLs of receivers are not shown, since many hold a secret.',
    response: 'Receivers',
    responseText: 'Every receiver; none where the configuration has none.',
  },
  listDeliveries: {
    tag: 'receivers',
    summary: 'The delivery log of a receiver, newest first, with every attempt.',
    description:
      'Of what was published in the last 24 hours, where neither `day` nor `from` and `to` are given. A page with `state`, ' +
      '`id` or `message` looks at up to 2,500 deliveries, and `searched` says how far it came.',
    response: 'Deliveries',
    responseText: 'A page of deliveries.',
  },
  getCampaign: {
    tag: 'history',
    summary: 'What became of the mail that was sent under a tag.',
    description:
      '`from` and `to` are of the sending; what followed is counted until now, whatever its tags, and each mail and person ' +
      'once. It reads the events themselves: of up to 5,000 messages and 20,000 events of the time of their sending. ' +
      'Beyond that `mails` and `people` are null.',
    response: 'Campaign',
    responseText: 'The report; all zero where no mail was sent under the tag.',
  },
  getHealth: {
    tag: 'ledger',
    summary: 'The state of the pipeline right now.',
    response: 'Health',
    responseText: "The queues' depth; null where it is not known.",
  },
};
