import { isDeepStrictEqual } from 'node:util';
import { eventHash } from '../../lambdas/domain/canonical-json.ts';
import { messageIdOf } from '../../lambdas/domain/events/event.ts';
import { decodeQueueMessage } from '../../lambdas/domain/events/queue-message.ts';
import type { JsonObject } from '../../lambdas/domain/json.ts';
import { packEvent, unpackEvent } from '../../lambdas/formats/packed-event.ts';
import { parserFor } from '../../lambdas/ingest/body-format.ts';
import { createIngest } from '../../lambdas/ingest/ingest.ts';
import { createProcess } from '../../lambdas/process/process.ts';
import { createMessages } from '../../lambdas/read-api/messages/messages.ts';
import { InMemoryKeyRing, InMemoryLedger, RETENTION } from '../support/doubles/in-memory-ledger.ts';
import { LONE_PROCESS } from '../support/fixtures/erasures.ts';
import { DOMAIN, jsonBody, KEY, NOW_MS, PARENT_KEY, PREVIOUS_KEY, signed } from '../support/fixtures/webhooks.ts';
import fc from '../support/property.ts';
import { shareOf } from '../support/share.ts';
import { forgery, strangeEvent } from './worlds/forgeries.ts';

const RUNS = shareOf(20_000);
const REFUSALS_BEFORE_THE_SIGNATURE = ['body-too-large', 'malformed-body', 'malformed-webhook', 'unauthorized'];
const CONTENT_TYPES = [
  'application/json',
  'application/json; charset=utf-8',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  '',
];

function stack() {
  const ledger = new InMemoryLedger();
  const calls: string[] = [];
  const counted = new Proxy(ledger, {
    get: (target, name, receiver) => {
      const member = Reflect.get(target, name, receiver);
      if (typeof member !== 'function') return member;
      return (...args: unknown[]) => {
        calls.push(String(name));
        return member.apply(target, args);
      };
    },
  });
  const ingest = createIngest({
    keys: new InMemoryKeyRing({ current: KEY, previous: PREVIOUS_KEY, parent: PARENT_KEY }),
    claims: counted,
    events: counted,
    firstWebhook: counted,
    queue: counted,
    domains: [DOMAIN],
    hashEvent: eventHash,
    now: () => NOW_MS,
    newClaimId: () => 'claim',
  });
  return { ledger, calls, ingest };
}

test('generated forgeries are all refused, with no call to table or queue', async () => {
  const { calls, ingest } = stack();
  const refused = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(forgery, fc.constantFrom(...CONTENT_TYPES), async ({ bytes }, contentType) => {
      const result = await ingest({ bytes, parse: parserFor(contentType) });
      const reason = result.ok ? 'accepted' : result.reason;
      // Not by `expect`, which takes longer than ingest.
      if (!REFUSALS_BEFORE_THE_SIGNATURE.includes(reason)) throw new Error(`a forgery was ${reason}`);
      refused.set(reason, (refused.get(reason) ?? 0) + 1);
    }),
    { numRuns: RUNS },
  );
  expect(calls).toEqual([]);
  console.log(`forgeries: ${RUNS} tried, 0 accepted: ${JSON.stringify(Object.fromEntries(refused))}`);
}, 3_600_000);

test('a signed event with any content is stored and read back unchanged, without an error', async () => {
  let stored = 0;
  await fc.assert(
    fc.asyncProperty(strangeEvent, async (event: JsonObject) => {
      const { ledger, ingest } = stack();
      const bytes = jsonBody(event, signed());
      const result = await ingest({ bytes, parse: parserFor('application/json') });
      if (!result.ok) throw new Error(`a signed event was ${result.reason}`);
      const body = ledger.queue.splice(0)[0] as string;
      const decoded = decodeQueueMessage(body);
      if (!decoded.ok) throw new Error(decoded.reason);
      await createProcess({ records: ledger, retentionDays: 400, ...LONE_PROCESS })(decoded.message);
      const [record] = [...ledger.events.values()];
      const { partition, eventSort } = record!.identity;
      const key = { pk: partition, sk: eventSort };
      const messageId = messageIdOf(event);
      const found =
        messageId === undefined ? undefined : await createMessages(ledger, RETENTION)({ messageId, limit: 100 });
      const became = {
        event: JSON.stringify(unpackEvent(packEvent(record!.event, key), key)),
        isPartitionShort: Buffer.byteLength(partition) <= 2048,
        isSortShort: Buffer.byteLength(eventSort) <= 1024,
        readBack: found?.body.events.length,
      };
      const wanted = {
        event: JSON.stringify(event),
        isPartitionShort: true,
        isSortShort: true,
        readBack: messageId === undefined ? undefined : 1,
      };
      // `expect` takes longer than ingest, so only a difference is left to it.
      if (!isDeepStrictEqual(became, wanted)) expect(became).toEqual(wanted);
      stored += 1;
    }),
    { numRuns: RUNS },
  );
  console.log(`strange events: ${stored} stored and read back, 0 errors`);
}, 3_600_000);
