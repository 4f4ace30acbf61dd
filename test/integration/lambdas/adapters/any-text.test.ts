import { randomUUID } from 'node:crypto';
import { createEventRepository } from '../../../../lambdas/adapters/table/event-repository.ts';
import {
  createMessageHistory,
  createRecipientHistory,
  createSuppressionRepository,
  recipientKeys,
} from '../../../../lambdas/adapters/table/recipient-repository.ts';
import { identify } from '../../../../lambdas/domain/events/identity.ts';
import { parseEvent } from '../../../../lambdas/domain/events/mailgun-event.ts';
import { decodeQueueMessage, encodeQueueMessage } from '../../../../lambdas/domain/events/queue-message.ts';
import type { JsonObject } from '../../../../lambdas/domain/json.ts';
import { decidingFacts } from '../../../../lambdas/domain/status/deciding-facts.ts';
import { createProcess } from '../../../../lambdas/process/process.ts';
import { createRecipients } from '../../../../lambdas/read-api/recipients/recipients.ts';
import { LONE_PROCESS } from '../../../support/fixtures/erasures.ts';
import { DOMAIN, deliveredEvent, NOW_MS } from '../../../support/fixtures/webhooks.ts';
import { wholeHistory } from '../../../support/fixtures/whole-history.ts';
import fc from '../../../support/property.ts';
import { shareOf } from '../../../support/share.ts';
import { startTestEngines, type TestEngines } from '../../../support/stacks/engines.ts';

// What a JSON text can hold, UTF-8 may not: an unpaired surrogate, which DynamoDB refuses.

let engines: TestEngines;
beforeAll(async () => {
  engines = await startTestEngines();
}, 60_000);
afterAll(() => engines?.close());

const processOf = () =>
  createProcess({ records: createEventRepository(engines.table), ...LONE_PROCESS, retentionDays: 90 });

/** Stores an event as the queue brings it. */
async function store(event: JsonObject): Promise<string> {
  const message = { source: 'webhook', receivedAt: NOW_MS, domain: DOMAIN, event } as const;
  const decoded = decodeQueueMessage(encodeQueueMessage(message));
  if (!decoded.ok) throw new Error(decoded.reason);
  return processOf()(decoded.message);
}

/** Any text that JSON holds, unpaired surrogates more often than chance has them. */
const text = fc
  .array(
    fc.oneof(
      fc.integer({ min: 0xd800, max: 0xdfff }).map((unit) => String.fromCharCode(unit)),
      fc.string({ unit: 'binary', minLength: 1, maxLength: 4 }),
    ),
    { maxLength: 5 },
  )
  .map((parts) => parts.join(''));

const failure = fc.record({
  local: text,
  host: text,
  id: text,
  reason: fc.oneof(text, fc.constant('bounce')),
  tags: fc.array(text, { maxLength: 3 }),
  subject: text,
  reply: text,
  provider: text,
  variable: text,
  listAddress: text,
});

test('any text that JSON holds is stored, once, and is found under its message and its recipient', async () => {
  await fc.assert(
    fc.asyncProperty(
      failure,
      async ({ local, host, id, reason, tags, subject, reply, provider, variable, ...rest }) => {
        const run = randomUUID();
        const recipient = `${local}${run}@${host}b`;
        const messageId = `${run}${local}@${DOMAIN}`;
        const event = deliveredEvent({
          event: 'failed',
          severity: 'permanent',
          id,
          reason,
          tags,
          recipient,
          'recipient-provider': provider,
          'user-variables': { [variable]: variable },
          'delivery-status': { code: 550, message: reply, 'bounce-type': 'hard' },
          message: { headers: { 'message-id': `<${messageId}>`, subject } },
          'mailing-list': { address: rest.listAddress },
        });

        expect([await store(event), await store(event)]).toEqual(['stored', 'known']);

        // As another parser of JSON would list it.
        const listed = wellFormed(event) as JsonObject;
        expect(identify(listed, DOMAIN)).toEqual(identify(event, DOMAIN));
        expect(decidingFacts(parseEvent(listed))).toBe(decidingFacts(parseEvent(event)));
        expect(await store(listed)).toBe('known');

        // As a client asks: a URL and a page hold well-formed text alone.
        const [asked, askedMessage] = [recipient.toWellFormed().trim(), messageId.toWellFormed()];
        const history = await wholeHistory(createMessageHistory(engines.table), askedMessage);
        expect(history.events.map(({ event: { recipient: _, ...stored } }) => stored)).toEqual([
          withoutRecipient(event),
        ]);
        expect(history.statuses).toMatchObject([{ recipient: asked, status: 'FAILED' }]);
        const readPage = createRecipients(createRecipientHistory(engines.table), async (all) => all.map(() => true));
        const page = await readPage({
          recipient: asked,
          keys: recipientKeys(asked),
          limit: 10,
          position: undefined,
          status: undefined,
          tag: undefined,
          range: { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER },
        });
        expect(page.body.messages).toHaveLength(1);
        const suppressions = await createSuppressionRepository(engines.table).list(asked);
        expect(suppressions.length).toBe(1);
      },
    ),
    { numRuns: shareOf(100), includeErrorInReport: true },
  );
}, 120_000);

const wellFormed = (value: unknown) =>
  JSON.parse(JSON.stringify(value), (_name, each) => (typeof each === 'string' ? each.toWellFormed() : each));

const withoutRecipient = ({ recipient: _, ...event }: JsonObject) => event;
