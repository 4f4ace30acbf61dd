import {
  common,
  type EventData,
  envelope,
  flags,
  type Moment,
  messageIdAlone,
  session,
  silentDescription,
  storage,
  towardsRecipient,
  wholeMessage,
} from './event-parts.ts';
import { type Bot, mailClient } from './mail-client.ts';

/** Builds the event that Mailgun would report for a moment. */
export type EventBuilder = (moment: Moment) => EventData;

export const accepted: EventBuilder = (moment) => ({
  ...common(moment, 'accepted', 'info'),
  method: moment.random.pick(['HTTP', 'http', 'smtp']),
  envelope: { sender: `bounces@${moment.mail.domain}`, transport: 'smtp', targets: moment.recipient },
  flags: { 'is-authenticated': true, 'is-test-mode': false },
  message: { ...wholeMessage(moment), recipients: [...moment.mail.to, ...(moment.mail.copies ?? [])] },
  storage: storage(moment),
  'recipient-domain': towardsRecipient(moment)['recipient-domain'],
  'originating-ip': '203.0.113.25',
  // Null on some accounts since 2024; older consumers expected an object or absence.
  ...moment.random.pick<object>([{ 'delivery-status': null }, {}]),
});

export const delivered: EventBuilder = (moment) => ({
  ...common(moment, 'delivered', 'info'),
  ...handedOver(moment),
  'delivery-status': {
    ...session(moment),
    ...silentDescription(moment.random),
    ...moment.random.pick<object>([{ 'enhanced-code': null }, { 'enhanced-code': '' }, { 'enhanced-code': '2.0.0' }]),
    'attempt-no': 1,
    code: 250,
    message: 'OK',
    'first-delivery-attempt-seconds': moment.random.next(),
  },
});

/** A temporary refusal; Mailgun retries `retrySeconds` later. */
export const deferred =
  (attempt: number, retrySeconds: number): EventBuilder =>
  (moment) => ({
    ...common(moment, 'failed', 'warn'),
    ...handedOver(moment),
    severity: 'temporary',
    reason: moment.random.pick(['generic', 'greylisted']),
    'delivery-status': {
      ...session(moment),
      ...silentDescription(moment.random),
      'attempt-no': attempt,
      code: 451,
      'enhanced-code': '4.7.1',
      message: '4.7.1 Please come back later',
      'retry-seconds': retrySeconds,
    },
  });

/** The recipient's server does not know the mailbox. */
export const bounced: EventBuilder = (moment) => ({
  ...common(moment, 'failed', 'error'),
  ...handedOver(moment),
  severity: 'permanent',
  reason: 'bounce',
  'delivery-status': {
    ...session(moment),
    ...silentDescription(moment.random),
    'attempt-no': 1,
    'bounce-type': 'hard',
    code: 550,
    'enhanced-code': '5.1.1',
    message: '5.1.1 There is nobody of this name here',
  },
});

const SUPPRESSIONS = {
  605: { reason: 'suppress-bounce', description: 'Not delivering to previously bounced address' },
  606: { reason: 'suppress-unsubscribe', description: 'Not delivering to unsubscribed address' },
  607: { reason: 'suppress-complaint', description: 'Not delivering to a user who marked your messages as spam' },
} as const;

/** Mailgun does not attempt delivery: the address is on a suppression list of the domain. */
export const suppressed =
  (code: keyof typeof SUPPRESSIONS): EventBuilder =>
  (moment) => ({
    ...common(moment, 'failed', 'error'),
    ...untried(moment),
    severity: 'permanent',
    reason: SUPPRESSIONS[code].reason,
    'delivery-status': {
      'attempt-no': 1,
      code,
      description: SUPPRESSIONS[code].description,
      'enhanced-code': '',
      message: '',
      'session-seconds': 0,
    },
  });

/** Mailgun gave up after eight hours of retries. */
export const tooOld: EventBuilder = (moment) => ({
  ...common(moment, 'failed', 'error'),
  ...untried(moment),
  severity: 'permanent',
  reason: 'old',
  'delivery-status': {
    'attempt-no': 8,
    code: 602,
    'last-code': 451,
    'last-message': '4.7.1 Please come back later',
    message: 'Too old',
    ...silentDescription(moment.random),
  },
});

/** The recipient's server accepted the mail and returned it later: no envelope, tags or recipient-domain. */
export const delayedBounce: EventBuilder = (moment) => {
  const { tags: _noTags, ...rest } = common(moment, 'failed', 'error');
  return {
    ...rest,
    severity: 'permanent',
    reason: 'generic',
    flags: { 'is-delayed-bounce': true },
    envelope: {},
    message: wholeMessage(moment),
    storage: storage(moment),
    'delivery-status': {
      'bounce-code': '5.2.2',
      // Seen both as a number and as a string.
      code: moment.random.pick<unknown>([552, '5.2.2']),
      'enhanced-code': '5.2.2',
      description: 'The mailbox is full',
      message: 'mailbox full',
    },
  };
};

export const opened =
  (bot?: Bot): EventBuilder =>
  (moment) => ({ ...common(moment, 'opened', 'info'), ...readerSide(moment, bot) });

export const clicked =
  (bot?: Bot): EventBuilder =>
  (moment) => ({
    ...common(moment, 'clicked', 'info'),
    ...readerSide(moment, bot),
    url: `https://shop.example/offers/${moment.random.below(100)}?from=mail&lang=de#top`,
  });

/** From all mail (`*`), or from one tag. */
export const unsubscribed =
  (scope: string): EventBuilder =>
  (moment) => ({ ...common(moment, 'unsubscribed', 'info'), ...readerSide(moment), storage: [], tags: [scope] });

export const complained: EventBuilder = (moment) => ({
  ...common(moment, 'complained', 'warn'),
  envelope: { 'sending-ip': envelope(moment)['sending-ip'] },
  flags: { 'is-test-mode': false },
  message: wholeMessage(moment),
  storage: storage(moment),
});

/** Events that Mailgun posts, by webhook id. */
export const POSTED: ReadonlyMap<string, EventBuilder> = new Map([
  ['accepted', accepted],
  ['delivered', delivered],
  ['opened', opened()],
  ['clicked', clicked()],
  ['unsubscribed', (moment: Moment) => unsubscribed(moment.mail.tags[0] ?? '*')(moment)],
  ['complained', complained],
  ['permanent_fail', bounced],
  ['temporary_fail', deferred(1, 600)],
]);

function handedOver(moment: Moment) {
  return {
    ...towardsRecipient(moment),
    envelope: envelope(moment),
    flags: flags(),
    message: wholeMessage(moment),
    storage: storage(moment),
    'primary-dkim': `s1._domainkey.${moment.mail.domain}`,
  };
}

function untried(moment: Moment) {
  const { 'sending-ip': _neverSent, ...rest } = envelope(moment);
  return { ...handedOver(moment), envelope: rest };
}

function readerSide(moment: Moment, bot?: Bot) {
  return {
    ...mailClient(moment.random, bot),
    message: messageIdAlone(moment),
    'recipient-domain': towardsRecipient(moment)['recipient-domain'],
    'delivered-at': Math.floor(moment.epochMs / 1000),
  };
}
