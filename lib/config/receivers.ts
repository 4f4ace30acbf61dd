import { z } from 'zod';
import {
  DELIVERED_TYPES,
  filterMistake,
  type ReceiverFilter,
} from '../../lambdas/domain/publishing/receiver-filter.ts';
import { distinct, fields, flag, group, wholeNumber } from './field.ts';

/** The events of a receiver: a list of types, or a pattern. */
type ReceiverEvents = readonly string[] | ReceiverFilter;

/** The environment of a function holds 4 KB, and all of them must fit. */
const MAX_RECEIVERS = 5;
const MAX_URL_CHARACTERS = 160;
const MAX_PATTERN_CHARACTERS = 500;
/** A partition of the table takes a thousand writes a second; a delivery is two. */
const MAX_RATE_PER_SECOND = 400;

const receiverEvents = z.custom<ReceiverEvents>().superRefine((events, { addIssue }) => {
  const tooLong = JSON.stringify(events ?? null).length > MAX_PATTERN_CHARACTERS;
  const mistake = tooLong ? `must be at most ${MAX_PATTERN_CHARACTERS} characters of JSON` : filterMistake(events);
  if (mistake !== undefined) addIssue({ code: 'custom', message: mistake });
});

export const receiverList = distinct(
  z.strictObject({
    name: z
      .string()
      .regex(/^[a-z][a-z0-9-]{0,30}[a-z0-9]$/)
      .register(fields, {
        constraint: '2 to 32 lower-case letters, digits or "-", beginning with a letter',
        description: 'How commands, alarms and the delivery log call it. A new name is a new receiver.',
        example: 'crm',
      }),
    url: z
      .string()
      .refine(isReceiverUrl)
      .register(fields, {
        constraint: `an https URL of at most ${MAX_URL_CHARACTERS} characters without credentials or fragment`,
        description: 'Where its deliveries are posted.',
        example: 'https://crm.example.com/hooks/mail',
      }),
    events: receiverEvents.register(fields, {
      constraint: 'a list of types or an EventBridge pattern',
      description: `What it is sent: some of ${Object.keys(DELIVERED_TYPES).join(', ')}, or a pattern on \`detail-type\` and \`detail\` with the conditions exists, prefix, suffix and anything-but.`,
      example: ['suppression.changed'],
    }),
    recipients: flag(false, 'It learns the addresses of recipients; needs `publish.recipients`.'),
    ratePerSecond: wholeNumber(
      1,
      MAX_RATE_PER_SECOND,
      10,
      'Requests a second at most. Every ten need one concurrent execution, at least two.',
    ),
  }),
  (receiver) => (receiver as { name?: unknown } | null)?.name,
)
  .max(MAX_RECEIVERS)
  .default([])
  .register(fields, {
    constraint: `a list of at most ${MAX_RECEIVERS}`,
    elementConstraint: 'an object {name, url, events}',
    description: 'Applications that are sent changes as signed HTTP requests ([receivers](../receivers.md)).',
    example: [{ name: 'crm', url: 'https://crm.example.com/hooks/mail', events: ['suppression.changed'] }],
  });

export type ReceiverConfig = z.output<typeof receiverList>[number];

const MINUTE = 60;
const HOUR = 3600;
const RETRY_SECONDS = [5, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR];
/** SQS keeps a message for 14 days, and moves it to the DLQ after a thousand receives. */
const MAX_RETRY_SECONDS = 10 * 24 * HOUR;

export const deliveryChoice = group({
  retrySeconds: z
    .array(z.int().min(1).max(86_400))
    .min(1)
    .max(20)
    .refine((waits) => waits.reduce((sum, wait) => sum + wait, 0) <= MAX_RETRY_SECONDS)
    .default(RETRY_SECONDS)
    .register(fields, {
      constraint: `1 to 20 whole numbers from 1 to 86400, at most ${MAX_RETRY_SECONDS} together`,
      description: 'Waits between attempts of a delivery; up to a fifth is added to each. After the last it is dead.',
    }),
  timeoutSeconds: wholeNumber(1, 30, 15, 'How long a receiver may take to respond.'),
  disableAfterHours: wholeNumber(1, 336, 120, 'A receiver of which every attempt fails for this long is disabled.'),
});

function isReceiverUrl(text: string): boolean {
  if (!URL.canParse(text) || text.length > MAX_URL_CHARACTERS) return false;
  const { protocol, username, password, hash } = new URL(text);
  return /^https?:$/.test(protocol) && username === '' && password === '' && hash === '';
}

const isLoopback = (url: string) => /^(127\.\d+\.\d+\.\d+|localhost|\[::1\])$/.test(new URL(url).hostname);

/** Returns true where a receiver is on this machine; the rules allow that only on the local stack. */
export const hasLoopbackReceiver = (receivers: readonly ReceiverConfig[]) =>
  receivers.some(({ url }) => isLoopback(url));

/** Returns a sentence for each broken rule that concerns several receivers or other settings. */
export function brokenReceiverRules(
  receivers: readonly ReceiverConfig[],
  publish: { readonly enabled: boolean; readonly recipients: boolean },
  compressed: boolean,
): string[] {
  if (receivers.length > 0 && !publish.enabled) {
    return ['receivers: need publish.enabled: true; deliveries are made of what is published'];
  }
  return receivers.flatMap(({ url, events, recipients }, index) => {
    const path = `receivers[${index}]`;
    const namesRecipient = Object.hasOwn(detailOf(events), 'recipient');
    const rules: [holds: boolean, text: string][] = [
      [
        url.startsWith('https:') || (compressed && isLoopback(url)),
        `${path}.url: got "${url}"; must be https; only an overlay of the local stack may name a loopback address`,
      ],
      [!isLoopback(url) || compressed, `${path}.url: got "${url}"; must not be a loopback address`],
      [!recipients || publish.recipients, `${path}.recipients: got true; needs publish.recipients: true`],
      [recipients || !namesRecipient, `${path}.events: filters by recipient; needs recipients: true`],
    ];
    return rules.filter(([holds]) => !holds).map(([, text]) => text);
  });
}

function detailOf(events: ReceiverEvents): object {
  const { detail } = Array.isArray(events) ? { detail: {} } : (events as ReceiverFilter);
  return typeof detail === 'object' && detail !== null ? detail : {};
}
