import { type Random, URL_SAFE_BASE64 } from '../random.ts';

/** An event as in `event-data` and in the Events API. */
export interface EventData {
  readonly event: string;
  readonly id: string;
  /** Epoch seconds with a fraction. */
  readonly timestamp: number;
  readonly recipient: string;
  readonly [field: string]: unknown;
}

/** A mail as its sender submitted it. */
export interface Mail {
  readonly domain: string;
  /** Without angle brackets, as in webhooks. */
  readonly messageId: string;
  readonly from: string;
  readonly to: readonly string[];
  /** Recipients who are not in the To header. */
  readonly copies?: readonly string[];
  readonly subject: string;
  readonly tags: readonly string[];
}

/** A moment in the life of a mail at one recipient. */
export interface Moment {
  readonly mail: Mail;
  readonly recipient: string;
  readonly epochMs: number;
  readonly random: Random;
  /** True if fields take every shape seen in practice, including those that break Mailgun's Go and Java clients. */
  readonly oddShapes?: boolean;
}

const ACCOUNT_ID = '65f0c1d2e3a4b5968778695a';
const PROVIDERS = ['Gmail', 'Outlook', 'Yahoo', 'Other'] as const;

const domainOf = (address: string) => address.slice(address.lastIndexOf('@') + 1);
const createEventId = (random: Random) => random.text(22, URL_SAFE_BASE64);

/** Returns the fields that all events of 2026 share. */
export function common(moment: Moment, event: string, logLevel: 'info' | 'warn' | 'error') {
  const { mail, recipient, epochMs, random } = moment;
  return {
    event,
    id: createEventId(random),
    // Mailgun counts microseconds; the last three digits distinguish events of one millisecond.
    timestamp: Number(`${(epochMs / 1000).toFixed(3)}${random.text(3, '123456789')}`),
    account: { id: ACCOUNT_ID },
    domain: { name: mail.domain },
    'log-level': logLevel,
    recipient,
    tags: mail.tags,
    campaigns: [],
    'user-variables': userVariables(moment),
  };
}

/** Odd shapes: an empty list as in PHP, nested objects, a sentence. */
function userVariables({ random, oddShapes }: Moment): unknown {
  const plain = [
    {},
    { order: `R-${random.below(10_000)}` },
    { campaign: 'spring', note: 'Grüße aus Zürich, 50 % off' },
  ];
  return random.pick<unknown>([{}, ...plain, ...(oddShapes ? ODD_VARIABLES : [])]);
}

const ODD_VARIABLES = [
  [],
  { order: 'R-7', customer: { tier: 'gold', since: 2019 } },
  'Could not load user-variables. They were either truncated or invalid JSON',
];

export function wholeMessage({ mail, random }: Moment) {
  return {
    headers: { 'message-id': mail.messageId, from: mail.from, to: mail.to.join(', '), subject: mail.subject },
    attachments: [],
    size: 300 + random.below(40_000),
  };
}

export const messageIdAlone = ({ mail }: Moment) => ({ headers: { 'message-id': mail.messageId } });

export function storage({ mail, random, oddShapes }: Moment): unknown {
  const key = random.text(64, URL_SAFE_BASE64);
  const region = 'us-east4';
  const url = `https://storage-${region}.api.mailgun.net/v3/domains/${mail.domain}/messages/${key}`;
  return random.pick<unknown>([{ url, key, region, env: 'production' }, { url, key }, ...(oddShapes ? [[]] : [])]);
}

export function envelope({ mail, recipient, random }: Moment) {
  const sendingIp = `198.51.100.${1 + random.below(250)}`;
  return { sender: `bounces@${mail.domain}`, transport: 'smtp', targets: recipient, 'sending-ip': sendingIp };
}

export const flags = () => ({
  'is-authenticated': true,
  'is-routed': false,
  'is-system-test': false,
  'is-test-mode': false,
});

export const towardsRecipient = ({ recipient, random }: Moment) => ({
  'recipient-domain': domainOf(recipient),
  'recipient-provider': random.pick(PROVIDERS),
});

/** Returns an empty description: null, "", or absent. */
export const silentDescription = (random: Random) =>
  random.pick<{ description?: string | null }>([{ description: null }, { description: '' }, {}]);

/** Returns the SMTP session, present only if there was one. */
export function session({ recipient, random }: Moment) {
  return {
    'mx-host': `mx${1 + random.below(4)}.${domainOf(recipient)}`,
    'session-seconds': 0.1 + random.next(),
    'certificate-verified': true,
    tls: true,
    utf8: true,
  };
}
