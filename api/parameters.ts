import * as z from 'zod/mini';
import { parseAddress } from './address.ts';
import { parseDay, parseTime } from './time.ts';

/** The text of a parameter in the description of the API: a sentence, and how JSON Schema calls its values. */
interface Description {
  readonly description: string;
  readonly [keyword: string]: unknown;
}

/**
 * A parameter, received as text. `read` returns its value, or undefined for an invalid text; `valid` completes "must
 * be" in the error message.
 */
function parameter<Value>(
  valid: string,
  read: (text: string) => Value | undefined,
  { description, ...schema }: Description,
) {
  const read_ = z.transform<string, Value>((text, payload) => {
    const value = read(text);
    if (value !== undefined) return value;
    payload.issues.push({ code: 'custom', message: `must be ${valid}`, input: text });
    return z.NEVER;
  });
  return z.pipe(z.string(), read_).register(z.globalRegistry, { description, type: 'string', ...schema });
}

/** A blank text comes from a variable that is not set, and would match nothing. */
const unlessBlank = (text: string) => (text.trim() === '' ? undefined : text);

/** Removes one pair of angle brackets. */
const asMessageId = (text: string) => unlessBlank(text.trim().replace(/^<(.*)>$/s, '$1'));

export const messageId = parameter('a message id', asMessageId, {
  description: 'The message id, with or without its angle brackets. A plus sign is `%2B`.',
});

export const address = () =>
  parameter('one address like ada@example.org', parseAddress, {
    description:
      'The address, in upper or lower case. `Name <address>` is read as the address, and a blank as the plus sign that ' +
      'a query string makes one of; `%2B` is the plus sign itself.',
  });

const MAX_ADDRESSES = 1000;
/** Reads of one request for many addresses, of which an older version may have stored some under several keys. */
export const MAX_ADDRESS_READS = 2000;

export const addresses = z
  .array(address())
  .check(
    z.minLength(1, `must hold 1 to ${MAX_ADDRESSES} addresses`),
    z.maxLength(MAX_ADDRESSES, `must hold 1 to ${MAX_ADDRESSES} addresses`),
  )
  .register(z.globalRegistry, { description: 'The addresses, of which one may be given more than once.' });

const MAX_LIMIT = 1000;
const USUAL_LIMIT = 100;

export const limit = z
  ._default(
    parameter(
      `a whole number from 1 to ${MAX_LIMIT}`,
      (text) => {
        const number = /^\d{1,4}$/.test(text) ? Number(text) : 0;
        return number >= 1 && number <= MAX_LIMIT ? number : undefined;
      },
      { description: 'Most entries of a page.' },
    ),
    USUAL_LIMIT,
  )
  .register(z.globalRegistry, { type: 'integer', minimum: 1, maximum: MAX_LIMIT, default: USUAL_LIMIT });

export const cursor = z.optional(
  parameter('`next` of the page before, of the same query', unlessBlank, {
    description: '`next` of the page before. It is good for the query it was made for.',
  }),
);

const TIME = 'epoch seconds or ISO 8601 with an offset, of a day that exists';
const time = (description: string) =>
  z.optional(parameter(TIME, parseTime, { description, type: ['string', 'number'] }));

export const from = time(
  'Epoch seconds or ISO 8601 with an offset, inclusive. A day before `to`, where it is not given.',
);
export const to = time(
  'Epoch seconds or ISO 8601 with an offset, exclusive, at most 31 days after `from`. Now, where it is not given.',
);

export const campaignFrom = time(
  'Epoch seconds or ISO 8601 with an offset, inclusive. 31 days before `to`, where it is not given.',
);

export const tailFrom = time(
  'Epoch seconds or ISO 8601 with an offset, at most 31 days ago: only what is stored later. Now, where it is not given; ' +
    'it is ignored beside a cursor.',
);

export const openFrom = time('Epoch seconds or ISO 8601 with an offset, inclusive. Without it there is no bound.');
export const openTo = time('Epoch seconds or ISO 8601 with an offset, exclusive. Without it there is no bound.');

export const since = time(
  'Epoch seconds or ISO 8601 with an offset: only what is suppressed since then or later. Without it there is no bound.',
);

export const day = z.optional(
  parameter('a day like 2026-02-03 that exists', parseDay, {
    description: 'A day in UTC, in place of `from` and `to`.',
    format: 'date',
  }),
);

/** A value of a closed list, in any case. */
export const oneOf = <Value extends string>(values: readonly Value[], valid: string, description: Description) =>
  parameter(
    `${valid}${values.join(', ')}`,
    (text) => values.find((value) => value === text.toLowerCase()),
    description,
  );

/** Mailgun takes tags of up to 128 characters. */
const MAX_TAG_CHARACTERS = 128;
/** Tags are case-insensitive. */
const asTag = (text: string) =>
  text.length <= MAX_TAG_CHARACTERS && (text === '' || text.trim() !== '') ? text.toLowerCase() : undefined;

const tag = (description: string) =>
  parameter('a tag of a mail, not empty and not *', (text) => (text === '' || text === '*' ? undefined : asTag(text)), {
    description,
  });

/** The tags of one mail, which may be given more than once. */
export const tags = z.optional(
  z
    .pipe(
      z.transform((value: unknown) => [value].flat()),
      z.array(tag('A tag of a mail.')),
    )
    .register(z.globalRegistry, {
      description: 'Count only what holds for mail under these tags.',
      type: 'array',
      items: { type: 'string' },
    }),
);

/** A tag of the statistics. */
export const statisticsTag = z.optional(
  parameter('a tag, * for all mail, or empty for mail without tags', asTag, {
    description: 'One tag; empty for mail without tags, `*` for all mail. Every tag, where it is not given.',
  }),
);

const DELIVERY_STATES = ['published', 'waiting', 'acknowledged', 'dead'] as const;

export const deliveryState = z.optional(
  oneOf(DELIVERY_STATES, 'one of ', {
    description:
      'Only deliveries in this state; `waiting` includes `published`, as in the ledger, and what is unaccounted for.',
  }),
);

export const deliveryId = z.optional(
  parameter('a webhook-id', unlessBlank, { description: 'Only the delivery of this `webhook-id`.' }),
);

export const deliveryMessage = z.optional(
  parameter('a message id', asMessageId, { description: 'Only deliveries about this message.' }),
);

const MAX_HOURS = 168;
const USUAL_HOURS = 24;

export const hours = z
  ._default(
    parameter(
      `a whole number from 1 to ${MAX_HOURS}`,
      (text) => {
        const number = /^\d{1,3}$/.test(text) ? Number(text) : 0;
        return number >= 1 && number <= MAX_HOURS ? number : undefined;
      },
      { description: 'How many hours are counted, the current one included.' },
    ),
    USUAL_HOURS,
  )
  .register(z.globalRegistry, { type: 'integer', minimum: 1, maximum: MAX_HOURS, default: USUAL_HOURS });

const STATS_DIMENSIONS = ['tag', 'provider', 'ip', 'domain'] as const;
export type StatsDimension = (typeof STATS_DIMENSIONS)[number];
const STATS_LENGTHS = ['hour', 'day'] as const;
/** Hours of all domains together that statistics read: ten domains for 31 days, which may touch 32. */
export const MAX_DOMAIN_HOURS = 7680;

export const statsBy = z._default(
  oneOf(STATS_DIMENSIONS, 'one of ', {
    description:
      'What to count by: tags, mailbox providers, sending IP addresses, or sending domains. Failures are counted as ' +
      '`permanent_fail` and `temporary_fail`, by tag in `failures`. Except by tag, mail in test mode and to us is left out.',
    default: 'tag',
  }),
  'tag',
);

export const statsPer = z._default(
  oneOf(STATS_LENGTHS, 'one of ', { description: 'The length of a bucket; days are in UTC.', default: 'hour' }),
  'hour',
);

export const campaignTag = tag('The tag of the campaign, in any case.');
export const eventTag = z.optional(tag('Only events under this tag.'));
export const messageTag = z.optional(tag('Only messages under this tag.'));

/** What counts opens and clicks takes a read for each entry, so its pages are short. */
export const MAX_ENGAGEMENT_LIMIT = 100;

export const engagement = z.optional(
  oneOf(['true', 'false'], 'one of ', {
    description: `Whether opens and clicks are counted, a read for each entry; \`limit\` is at most ${MAX_ENGAGEMENT_LIMIT} with it.`,
  }),
);

export const causes = z.optional(
  oneOf(['true', 'false'], 'one of ', {
    description: 'Whether the events are listed that each suppression rests on, a read for each of up to 100 messages.',
  }),
);

export const severity = z.optional(
  oneOf(['temporary', 'permanent'], 'one of ', { description: 'Only failures of this severity.' }),
);

export const subject = z.optional(
  parameter('a subject, or its beginning with * behind it', unlessBlank, {
    description:
      'Only events of mail with this subject, whatever its case; with `*` at its end, of mail whose subject begins so. ' +
      'Opens, clicks and unsubscribes carry no subject.',
  }),
);

/** Prefix of parameters for user variables; the variable's name follows. */
export const VARIABLE_PREFIX = 'var.';

export const variables = z.optional(
  z.record(z.string().check(z.minLength(1)), z.string()).register(z.globalRegistry, {
    description: 'Only events with this value of a user variable: `var.<name>=<value>`.',
  }),
);
