import { testButtonEvent } from '../../../../tools/mailgun-twin/api/test-button.ts';
import { createRandom } from '../../../../tools/mailgun-twin/random.ts';
import type { EventData, Mail } from '../../../../tools/mailgun-twin/traffic/event-parts.ts';
import { createTwin } from '../../../../tools/mailgun-twin/twin.ts';
import { SMOOTH } from '../../../../tools/mailgun-twin/webhooks/delivery.ts';
import type { Post } from '../../../../tools/mailgun-twin/webhooks/webhook.ts';
import { createVirtualClock } from '../../../support/doubles/virtual-clock.ts';

const MAIL: Mail = {
  domain: 'mg.acme.com',
  messageId: '1.A@mg.acme.com',
  from: 'hello@mg.acme.com',
  subject: 'Hello',
  to: ['ada@example.org'],
  tags: [],
};
const DATA: EventData = { ...testButtonEvent(MAIL.domain), id: 'event-1', recipient: 'ada@example.org' };

/** Returns the recipients that the webhooks of one event named, over many seeds. */
async function recipientsPosted(happening: { data: EventData; listed?: boolean }) {
  const { clock, runUntil } = createVirtualClock(1_790_000_000_000);
  const recipients = new Set<unknown>();
  const post: Post = async ({ body }) => {
    recipients.add(JSON.parse(String(body))['event-data'].recipient);
    return { status: 200, text: '' };
  };
  for (let seed = 1; seed <= 20; seed++) {
    const random = createRandom(seed);
    const twin = createTwin({ signingKey: 'key', redacts: () => true, postsFor: () => [post], clock, random });
    twin.happen({ mail: MAIL, plan: SMOOTH, ...happening });
    await runUntil(twin.settled());
  }
  return [...recipients].sort();
}

test('a redacted webhook masks its recipient or leaves it out', async () => {
  expect(await recipientsPosted({ data: DATA })).toEqual(['***', 'a***@***', undefined]);
});

test('a press of the test button, which no listing could complete, is not redacted', async () => {
  expect(await recipientsPosted({ data: testButtonEvent(MAIL.domain), listed: false })).toEqual(['alice@example.com']);
});
