import type { EventEntry, EventsResponse, TailResponse } from '../responses/events.ts';
import type { HealthResponse } from '../responses/health.ts';
import type { LedgerResponse } from '../responses/ledger.ts';
import type { MailsResponse } from '../responses/mails.ts';
import type { MessageResponse } from '../responses/message.ts';
import type { DeliveriesResponse, ReceiversResponse } from '../responses/receivers.ts';
import type { RecipientResponse } from '../responses/recipient.ts';
import type {
  SuppressionCheckResponse,
  SuppressionListResponse,
  SuppressionsResponse,
} from '../responses/suppressions.ts';
import type { Operation } from '../routes.ts';
import { campaign } from './campaign-example.ts';
import { stats, statsByProvider } from './stats-examples.ts';

const MESSAGE_ID = '20260202023950.1.ABCDEF@mg.example.com';

const delivered: EventEntry = {
  key: 'delivered#Kq3vYt0ZS2aB7nWmXc9LdA',
  event: 'delivered',
  name: 'EMAIL_DELIVERED',
  messageId: MESSAGE_ID,
  domain: 'mg.example.com',
  recipient: 'ada@north.example',
  timestamp: 1770000002.5,
  receivedAt: '2026-02-02T02:40:05.000Z',
  source: 'webhook',
  severity: null,
  reason: null,
  failureClass: null,
  tags: ['welcome'],
  userVariables: { 'my-id': 'order-7' },
  userVariablesNote: null,
  deliveryStatus: { code: 250, message: 'OK', 'mx-host': 'mx.north.example' },
  url: null,
  testMode: false,
  direction: 'outbound',
  unconfirmed: false,
  confirmed: true,
  details: {
    subject: 'Your receipt',
    flags: { 'is-routed': false, 'is-test-mode': false },
    template: null,
    recipientProvider: 'Other',
    mxHost: 'mx.north.example',
    sendingIp: '192.0.2.10',
    reject: null,
    mailingList: null,
    storageKey: null,
    retrySeconds: null,
    client: null,
    geolocation: null,
    ip: null,
    other: {
      domain: { name: 'mg.example.com' },
      message: { headers: { 'message-id': MESSAGE_ID, subject: 'Your receipt' } },
      envelope: { 'sending-ip': '192.0.2.10' },
    },
  },
};

const opened: EventEntry = {
  ...delivered,
  key: 'opened#bV1kQx7dQ0eHn2mPz5sRtw',
  event: 'opened',
  name: 'EMAIL_OPENED',
  timestamp: 1770000060,
  receivedAt: '2026-02-02T02:41:02.000Z',
  deliveryStatus: null,
  details: {
    ...delivered.details,
    subject: null,
    flags: null,
    recipientProvider: null,
    mxHost: null,
    sendingIp: null,
    client: { 'client-name': 'Firefox', 'device-type': 'desktop', bot: '' },
    geolocation: { country: 'NZ', city: 'Wellington' },
    ip: '192.0.2.20',
    other: { domain: { name: 'mg.example.com' }, message: { headers: { 'message-id': MESSAGE_ID } } },
  },
};

const message: MessageResponse = {
  messageId: MESSAGE_ID,
  eventsUntil: null,
  archive: [],
  recipients: [
    {
      recipient: 'ada@north.example',
      domain: 'mg.example.com',
      status: 'DELIVERED',
      reason: null,
      statusAt: 1770000002.5,
      decidedBy: delivered.key,
      source: 'webhook',
      testMode: false,
      direction: 'outbound',
      unconfirmed: false,
      confirmed: true,
      opens: 1,
      clicks: 0,
      machineOpens: 0,
      machineClicks: 0,
      unsubscribed: false,
      unsubscribedFrom: [],
      countsComplete: true,
    },
  ],
  events: [delivered, opened],
  next: null,
};

const recipient: RecipientResponse = {
  recipient: 'ada@north.example',
  messages: [
    {
      messageId: MESSAGE_ID,
      status: 'DELIVERED',
      reason: null,
      statusAt: 1770000002.5,
      firstAt: 1770000002.5,
      subject: 'Your receipt',
      tags: ['welcome'],
      domain: 'mg.example.com',
      testMode: false,
      direction: 'outbound',
      unconfirmed: false,
      confirmed: true,
      engagement: { opens: 1, clicks: 0, machineOpens: 0, machineClicks: 0, countsComplete: true },
    },
  ],
  searched: null,
  next: null,
};

const mails: MailsResponse = {
  mails: [
    {
      messageId: '20260202024000.2.ABCDEF@mg.example.com',
      status: 'ACCEPTED',
      reason: null,
      statusAt: 1770000000,
      firstAt: 1770000000,
      subject: 'Your parcel',
      tags: [],
      domain: 'mg.example.com',
      testMode: false,
      direction: 'outbound',
      unconfirmed: false,
      confirmed: true,
      engagement: null,
      recipient: 'grace@north.example',
      acceptedAt: 1770000000,
    },
  ],
  searched: { messages: 1, until: 1770000000 },
  next: null,
};

const events: EventsResponse = { events: [opened], searched: null, next: null };
const filtered: EventsResponse = {
  events: [delivered],
  searched: { events: 1, until: 1770000002.5 },
  next: null,
};

const quiet: TailResponse = {
  events: [],
  behind: false,
  next: 'eyJ0aWVycyI6W3siZmluYWxNcyI6MTc3MDAwMDA2MDAwMH1dfQ.tQ3mK0Zb7s1xVw5yJd2nAg',
};

const suppressions: SuppressionsResponse = {
  recipient: 'gone@north.example',
  suppressed: true,
  suppressions: [
    {
      domain: 'mg.example.com',
      kind: 'bounce',
      scope: '*',
      reason: 'bounce',
      source: 'event',
      since: '2026-02-02T02:40:10.000Z',
      lastAt: '2026-02-02T02:40:10.000Z',
      eventKey: 'failed#G9Bn5sl1TC6nu79C8C0bwg',
      causes: null,
      liftedAt: null,
    },
  ],
};

const notSuppressed: SuppressionsResponse = {
  recipient: 'nobody@north.example',
  suppressed: false,
  suppressions: [],
};

const suppressionCheck: SuppressionCheckResponse = {
  recipients: [suppressions, notSuppressed],
  suppressed: 1,
};

const suppressionList: SuppressionListResponse = {
  suppressions: suppressions.suppressions.map((each) => ({ recipient: suppressions.recipient, ...each })),
  next: null,
};

const ledger: LedgerResponse = {
  slices: [
    {
      domain: 'mg.example.com',
      start: 1769999400,
      end: 1770000300,
      state: 'settled',
      expected: { delivered: 2, opened: 1 },
      stored: { delivered: 2, opened: 1 },
      missing: {},
      recovered: { delivered: 1 },
      unconfirmed: {},
      undecided: {},
      polled: {},
      late: {},
      lost: { delivered: 1 },
      altered: {},
      stuck: 0,
      short: 0,
      accepted: 0,
      passes: 2,
    },
  ],
  totals: { expected: 3, stored: 3, unaccounted: 0, unconfirmed: 0, undecided: 0, due: 0 },
  completeness: 'complete',
  comparedTo: 1770000300,
  listing: { fellBackAt: null, announced: null },
  witness: [
    {
      domain: 'mg.example.com',
      start: 1769997600,
      mailgun: { delivered: 2, opened: 2 },
      ledger: { delivered: 2, opened: 1 },
      lacks: 1,
      exceeds: 0,
      causes: ['opens-and-clicks'],
      failedWebhooks: 0,
    },
  ],
};

const receivers: ReceiversResponse = {
  receivers: [
    {
      name: 'crm',
      state: 'enabled',
      since: null,
      reason: null,
      lastStatus: null,
      queue: 0,
      deadLetters: 1,
      ledger: { published: 2, acknowledged: 1, waiting: 0, dead: 1, unaccounted: 0 },
      hours: [{ hour: '2026-02-02T02:00:00.000Z', published: 2, acknowledged: 1, waiting: 0, dead: 1, unaccounted: 0 }],
      countedFrom: '2026-02-01T03:00:00.000Z',
      unaccounted: [],
    },
  ],
};

const deliveries: DeliveriesResponse = {
  deliveries: [
    {
      id: 'syBo6NQY6Im_ho4ahVMIJf#30#8204680946167#delivered#Kq3vYt0ZS2aB7nWmXc9LdA',
      publishedAt: '2026-02-02T02:40:06.000Z',
      type: 'message.status.changed',
      messageId: MESSAGE_ID,
      state: 'acknowledged',
      attempts: [
        { at: '2026-02-02T02:40:07.100Z', ms: 15000, status: null, error: 'TimeoutError' },
        { at: '2026-02-02T02:40:28.200Z', ms: 41, status: 204, error: null },
      ],
      nextAt: null,
      settledAt: '2026-02-02T02:40:28.241Z',
      response: null,
    },
  ],
  searched: { deliveries: 1, until: 1770000006 },
  next: null,
};

const health: HealthResponse = {
  ledger: 'mailgun-ledger-dev',
  domains: ['mg.example.com'],
  receivers: [],
  queue: 0,
  deadLetters: 0,
  alarms: [
    {
      name: 'mailgun-ledger-dev-dead-letters',
      state: 'OK',
      since: '2026-02-01T00:04:00.000Z',
      happened: 'Events are in the dead-letter queue.',
      impact: 'Clients of the API miss these events. They are kept for 14 days after receipt.',
      explains: ['stuck', 'open-slice'],
      runbook: 'docs/runbook.md#dead-letters',
      first: 'npm run ledger -- dlq list --env dev',
    },
  ],
};

interface Example {
  /** The parameters of the request. */
  readonly query: Readonly<Record<string, unknown>>;
  readonly response: object;
}

/** Requests by name, each with its response; a test runs them all. */
export const examples: Readonly<Record<Operation, Readonly<Record<string, Example>>>> = {
  getMessage: { delivered: { query: { id: MESSAGE_ID }, response: message } },
  getRecipient: { known: { query: { address: 'ada@north.example', engagement: 'true' }, response: recipient } },
  listMails: {
    pending: {
      query: { domain: 'mg.example.com', from: '2026-02-02T02:00:00Z', to: '2026-02-02T03:00:00Z', status: 'pending' },
      response: mails,
    },
  },
  listEvents: {
    day: { query: { domain: 'mg.example.com', day: '2026-02-02', type: 'opened' }, response: events },
    subject: { query: { day: '2026-02-02', type: 'delivered', subject: 'your rec*' }, response: filtered },
  },
  searchEvents: {
    recipient: { query: { recipient: 'ada@north.example', type: 'opened', limit: 10 }, response: events },
    domain: {
      query: { domain: 'mg.example.com', from: '2026-02-02T00:00:00Z', to: 1770000061, type: 'opened' },
      response: events,
    },
  },
  tailEvents: { quiet: { query: { domain: 'mg.example.com', tag: 'spring' }, response: quiet } },
  getSuppressions: {
    bounced: {
      query: { address: 'gone@north.example', domain: 'mg.example.com', tag: ['receipts', 'welcome'] },
      response: suppressions,
    },
    unknown: { query: { address: 'nobody@north.example' }, response: notSuppressed },
  },
  checkSuppressions: {
    two: {
      query: { addresses: ['gone@north.example', 'nobody@north.example'], domain: 'mg.example.com' },
      response: suppressionCheck,
    },
  },
  listSuppressions: {
    bounces: { query: { kind: 'bounce', since: '2026-02-02T00:00:00Z' }, response: suppressionList },
  },
  getLedger: { day: { query: { domain: 'mg.example.com' }, response: ledger } },
  getStats: {
    day: { query: { domain: 'mg.example.com', tag: '*' }, response: stats },
    providers: { query: { domain: 'mg.example.com', by: 'provider', per: 'day' }, response: statsByProvider },
  },
  getReceivers: { day: { query: { hours: 24 }, response: receivers } },
  listDeliveries: {
    message: { query: { receiver: 'crm', day: '2026-02-02', message: MESSAGE_ID }, response: deliveries },
  },
  getCampaign: {
    welcome: {
      query: { tag: 'welcome', from: '2026-02-02T00:00:00Z', to: '2026-02-03T00:00:00Z' },
      response: campaign,
    },
  },
  getHealth: { calm: { query: {}, response: health } },
};
